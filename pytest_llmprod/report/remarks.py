"""Remarks: what is said of suites beside their table.

Repeats and looks, judges, weak tags, where answers came from, and what costs leave out.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

from pytest_llmprod.core.results import SuiteResult
from pytest_llmprod.core.text import counted, printable, shorten
from pytest_llmprod.report.amounts import cost_text, money_text, plural, unpriced_text
from pytest_llmprod.report.judges import judge_text
from pytest_llmprod.report.suite_names import one_a_test

_LONGEST_TAG = 20  # columns
_LOOKED = ": recorded anew under a closed gate, interval widened"
_FEWEST_TOLD = 5  # cases of a tag: of fewer, each is named below anyway


def repeats(suites: Sequence[SuiteResult], names: Mapping[int, str]) -> Iterator[str]:
    """Yield a line for each suite of which there is more to say than its row tells."""
    for suite in suites:
        parts = [_passes(suite)] if suite.repeats.count > 1 and suite.repeats.pass_hat else []
        parts += ["interval clustered"] if suite.is_clustered else []
        parts += [f"look {suite.look.number}{_LOOKED}"] if suite.look.number > 1 else []
        if parts and suite.verdict is not None:
            lead = f"{names[id(suite)]}: " if len(suites) > 1 else ""
            yield lead + "; ".join(parts)


def refusals(suites: Sequence[SuiteResult], names: Mapping[int, str]) -> Iterator[str]:
    """Yield two lines for each suite that says what its model refused, and did not, wrongly."""
    for suite in suites:
        for each in suite.refusals:
            low, high = (f"{bound * 100:.1f}" for bound in each.interval)
            share = f"{each.score:.1%} of {each.cases:,} [{low}, {high}]"
            yield f"{names[id(suite)]}: {each.tag} {share}"


def _passes(suite: SuiteResult) -> str:
    """Return how many cases hit each time, and how many only sometimes or never."""
    k, chance = max(suite.repeats.pass_hat.items())
    counts = [(len(suite.repeats.flaky), "flaky"), (len(suite.repeats.failing), "failing")]
    found = [(number, kind) for number, kind in counts if number]
    text = ", ".join(f"{number} {kind}" for number, kind in found)
    noun = "case" if found and found[-1][0] == 1 else "cases"
    return f"pass^{k} {chance:.2f}{f'; {text} {noun}' if found else ''}"


def judges(
    suites: Sequence[SuiteResult], names: Mapping[int, str]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield a line for each suite that a judge scored, and what judges cost each test."""
    for suite in suites:
        if suite.judge is not None:
            words = suite.judge.command if suite.judge.report_only else ()
            yield f"{names[id(suite)]}: {judge_text(suite.judge)}", tuple(map(printable, words))
    for suite in one_a_test(suites):
        if suite.judge_requests:
            requests = counted(suite.judge_requests, "request")
            cost = cost_text(suite.judge_cost_usd, suite.judge_unpriced, suite.judge_requests)
            name = printable(f"{suite.feature} {suite.model}".strip())
            text = f"judges of {name}: {requests}, {cost}, not in its cost"
            yield text, ()


def weak_slices(suites: Iterable[SuiteResult], names: Mapping[int, str]) -> Iterator[str]:
    """Yield a line for each suite of which a tag is below the threshold, even if it has luck."""
    for suite in suites:
        weak = [
            each
            for each in suite.slices
            if each.interval[1] < suite.threshold and each.cases >= _FEWEST_TOLD
        ]
        if suite.verdict is None or not weak:
            continue
        worst = min(weak, key=lambda each: (each.interval[1], each.tag))
        low, high = (f"{bound * 100:.1f}" for bound in worst.interval)
        others = f"; {counted(len(weak) - 1, 'other tag')} too" if len(weak) > 1 else ""
        yield (
            f"{names[id(suite)]}: tag {shorten(printable(worst.tag), _LONGEST_TAG)} is below "
            f"{suite.threshold * 100:.4g}%: {worst.score:.1%} of {worst.cases} [{low}, {high}]"
            f"{others}"
        )


def sources(suites: tuple[SuiteResult, ...], names: Mapping[int, str]) -> list[str]:
    """Say once for each model and source whose answers were judged, and how old they are."""
    groups: dict[str, list[SuiteResult]] = {}
    for suite in suites:
        if suite.unrecorded and (suite.unrecorded >= suite.cases or not suite.requests):
            continue  # nobody answered
        models = shorten(printable(" + ".join(suite.models)), 50) or "no model"
        groups.setdefault(f"{models}, {suite.source}", []).append(suite)
    sources = []
    for line, group in groups.items():
        source = group[0].source
        days = [suite.recorded_at[:10] for suite in group if suite.recorded_at]
        if source in ("replayed", "partly live") and days:
            line += f", recorded {min(days)}"
        if len(groups) > 1:
            line += f": {', '.join(names[id(suite)] for suite in group)}"
        sources.append(line)
    return sources


def gaps_in_costs(suites: Iterable[SuiteResult]) -> list[str]:
    """Say which models have no price, and how many requests did not tell what they used."""
    # A lock prices requests; what an outputs file says it took has no provider to look up.
    asked = [suite for suite in one_a_test(suites) if suite.source != "outputs file"]
    models = sorted({model for suite in asked for model in suite.unpriced_models})
    without_usage = sum(suite.without_usage for suite in asked)
    gaps = [unpriced_text(models)] if models else []
    if without_usage:
        requests = plural(without_usage, "request tells", "requests tell")
        gaps.append(f"{requests} no usage: what they cost is not known")
    return gaps


def total(suites: Sequence[SuiteResult]) -> str:
    """Return what the requests of all suites cost, '' where there was none.

    A request that nobody can price is told, and what judges asked stands apart.
    """
    if not sum(suite.requests + suite.judge_requests for suite in suites):
        return ""
    unpriced = sum(suite.unpriced for suite in suites)
    without_usage = sum(suite.without_usage for suite in suites)
    text = money_text(sum((suite.cost_usd for suite in suites), Decimal(0)))
    if unpriced:
        text += f" + {counted(unpriced, 'unpriced request')}"
    if without_usage:
        text += f" + {counted(without_usage, 'request')} without usage"
    if any(suite.judge_requests for suite in suites):
        judges = sum((suite.judge_cost_usd for suite in suites), Decimal(0))
        text += f"; judges {money_text(judges)}"
        judges_unpriced = sum(suite.judge_unpriced for suite in suites)
        text += f" + {counted(judges_unpriced, 'unpriced request')}" if judges_unpriced else ""
    return text
