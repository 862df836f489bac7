"""Swap: the comparison of two runs, as lines of a terminal and as JSON."""

from collections.abc import Iterator, Sequence
from typing import Any

from pytest_llmprod.core.swap import Swap
from pytest_llmprod.core.text import counted, printable, shorten, width
from pytest_llmprod.report.layout import COLUMNS

_MOST_NAMES = 5
_LONGEST_NAME = 24


def to_json(swaps: Sequence[Swap]) -> dict[str, Any]:
    """Return the comparison as plain JSON; differences and ratios are B against A."""
    return {
        "suites": [
            {**_figures(each), "slices": [_figures(part) for part in each.slices]} for each in swaps
        ]
    }


def _figures(swap: Swap) -> dict[str, Any]:
    names = ("both", "only_a", "only_b", "neither")
    return {
        "feature": swap.feature,
        "test": swap.test,
        "metric": swap.metric,
        "tag": swap.tag,
        "model_a": swap.model_a,
        "model_b": swap.model_b,
        "table": dict(zip(names, swap.table, strict=True)),
        "difference": swap.difference,
        "interval": list(swap.interval),
        "margin": swap.margin,
        "is_margin_declared": swap.is_margin_declared,
        "p_value": swap.p_value,
        "p_holm": swap.p_holm,
        "verdict": swap.verdict,
        "more_cases": swap.more_cases,
        "newly_broken": list(swap.newly_broken),
        "newly_fixed": list(swap.newly_fixed),
        "missing": list(swap.missing),
        "added": list(swap.added),
        "cost_ratio": swap.cost_ratio,
        "tokens_ratio": swap.tokens_ratio,
        "p95_latency_ratio": swap.p95_latency_ratio,
    }


def render(swaps: Sequence[Swap]) -> list[str]:
    """Return the lines of the comparison, each at most 80 columns."""
    lines: list[str] = []
    for swap in swaps:
        lines += [shorten(line, COLUMNS) for line in _lines(swap)]
    return lines


def _lines(swap: Swap) -> Iterator[str]:
    name = swap.feature if swap.metric == "passed" else f"{swap.feature} {swap.metric}"
    name = shorten(printable(name), _LONGEST_NAME)
    said = f"  {_difference(swap)}  {swap.verdict}"
    advice = _advice(swap)
    if width(f"{name}{said}{advice}") > COLUMNS:
        advice = _advice(swap, is_brief=True)
    # The name is cut, and no figure.
    yield shorten(name, COLUMNS - width(f"{said}{advice}")) + f"{said}{advice}"
    if swap.model_a != swap.model_b and swap.model_b:
        models = [shorten(printable(each), 36) for each in (swap.model_a, swap.model_b)]
        yield f"  {' -> '.join(models)}"
    tests = f"  {_counts(swap)}"
    ratios = _ratios(swap)
    if width(f"{tests}, {ratios}") <= COLUMNS:
        yield f"{tests}, {ratios}" if ratios else tests
    else:
        yield from (tests, f"  {ratios}")
    if swap.is_margin_declared:
        yield f"  up to {swap.margin * 100:.4g} points worse is allowed, as the old run declared"
    for part in swap.inferior_slices:
        yield f"  tag {shorten(printable(part.tag), 20)}: {_difference(part)}  INFERIOR"
        yield f"    {_counts(part)}"
        yield from (f"  {line}" for line in _broken(part))
    yield from _broken(swap)
    yield from _named("newly fixed", swap.newly_fixed)
    yield from _named("not in the new run", swap.missing)
    yield from _named("not in the old run", swap.added)


def _counts(swap: Swap) -> str:
    cases = counted(round(sum(swap.table)), "case")
    holm = "" if swap.p_holm == swap.p_value else f", {_p(swap.p_holm)} corrected"
    changed = f"{len(swap.newly_broken)} broken, {len(swap.newly_fixed)} fixed"
    return f"{changed} of {cases}, p {_p(swap.p_value)}{holm}"


def brief(swap: Swap) -> str:
    """Return the comparison with one new model in one line of at most 80 columns."""
    counts = f"{len(swap.newly_broken)} broken, {len(swap.newly_fixed)} fixed"
    said = f": {_points(swap.difference)} points, {counts}  {swap.outcome}"
    name = f"{printable(swap.feature)} {printable(swap.model_b)}"
    return shorten(name, COLUMNS - width(said)) + said


def _difference(swap: Swap) -> str:
    low, high = swap.interval
    return f"{_points(swap.difference)} points ({_points(low)} to {_points(high)})"


def _broken(swap: Swap) -> Iterator[str]:
    """Yield the line of the cases that got worse; those that are missing have their own."""
    yield from _named("newly broken", [e for e in swap.newly_broken if e not in swap.missing])


def _named(what: str, ids: Sequence[str]) -> Iterator[str]:
    if ids:
        yield f"  {what}: {listed(ids)}"


def listed(ids: Sequence[str], most: int = _MOST_NAMES) -> str:
    """Return the first `most` of `ids`, and how many more there are."""
    shown = ", ".join(printable(each) for each in ids[:most])
    rest = len(ids) - most
    return f"{shown}{f' and {rest} more' if rest > 0 else ''}"


def _advice(swap: Swap, *, is_brief: bool = False) -> str:
    """Return how many more cases would decide; `is_brief` is without the noun."""
    if swap.verdict != "INCONCLUSIVE" or not swap.more_cases:
        return ""
    noun = "" if is_brief else f" case{'' if swap.more_cases == 1 else 's'}"
    return f" (need {swap.more_cases:,} more{noun})"


def _points(share: float) -> str:
    return f"{share * 100:+.1f}"


def _p(value: float) -> str:
    return f"{value:.1e}" if value < 0.0001 else f"{value:.4f}"


def _ratios(swap: Swap) -> str:
    found = (
        ("cost", swap.cost_ratio),
        ("tokens", swap.tokens_ratio),
        ("p95", swap.p95_latency_ratio),
    )
    return ", ".join(f"{name} x{ratio:.2f}" for name, ratio in found if ratio is not None)
