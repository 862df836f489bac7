"""View: a run as the rows that every report prints, made once.

All text in a view is safe to print: control sequences are escaped.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from pytest_llmprod.core.results import CaseResult, RunResult, SuiteResult
from pytest_llmprod.core.text import printable


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteRow:
    """One line of the table of suites, as text; `colour` names the colour of the verdict."""

    name: str
    cases: str
    hits: str
    score: str
    interval: str
    confidence: str
    threshold: str
    verdict: str
    cost: str
    p95: str
    colour: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """The cases of one suite that did not hit, errors first, and the words that run the first."""

    suite: str
    headline: str
    cases: tuple[tuple[str, str], ...]
    command: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What the summary says: suites, where answers came from, what broke, gates, and notes."""

    suites: tuple[SuiteRow, ...]
    sources: tuple[str, ...]
    broken: tuple[Broken, ...]
    gates: tuple[tuple[str, str, str], ...]
    notes: tuple[str, ...]


_COLOURS = {"PASS": "green", "FAIL": "red", "INCONCLUSIVE": "yellow", "partial": "yellow"}


def make_view(result: RunResult, notes: Sequence[str]) -> View:
    """Return the view of a run; `notes` are further lines for the reader."""
    names = _suite_names(result.suites)
    return View(
        suites=tuple(_row(names[id(suite)], suite) for suite in result.suites),
        sources=tuple(_sources(result.suites)),
        broken=tuple(_broken(result)),
        gates=tuple(_gates(result)),
        notes=tuple(printable(note) for note in notes),
    )


def _suite_names(suites: tuple[SuiteResult, ...]) -> dict[int, str]:
    """Name a suite by its feature, and say more only where that is not enough."""
    features = [suite.feature for suite in suites]
    names: dict[int, str] = {}
    for suite in suites:
        name = suite.feature
        if features.count(suite.feature) > 1:
            test = suite.test.rpartition("::")[2].removeprefix("test_")
            tests = [each.test for each in suites if each.feature == suite.feature]
            if len(set(tests)) == 1:
                name = suite.metric
            else:
                name = f"{test} {suite.metric}" if tests.count(suite.test) > 1 else test
            name = f"{suite.feature}: {name}"
        names[id(suite)] = printable(name)
    return names


def _row(name: str, suite: SuiteResult) -> SuiteRow:
    low, high = suite.interval
    verdict = suite.verdict.name if suite.verdict else "partial"
    return SuiteRow(
        name=name,
        cases=str(suite.cases),
        hits=f"{suite.hits:.0f}" if suite.hits == int(suite.hits) else f"{suite.hits:.1f}",
        score=f"{suite.score * 100:.1f}%",
        interval=f"[{low * 100:.1f}, {high * 100:.1f}]",
        confidence=f"{suite.confidence * 100:g}%",
        threshold=f"{suite.threshold * 100:.4g}%",
        verdict=verdict,
        cost=cost_text(suite.cost_usd, suite.unpriced, suite.requests),
        p95=seconds_text(suite.p95_latency_s),
        colour=_COLOURS[verdict],
    )


def seconds_text(seconds: float | None) -> str:
    """Return a duration in ms below one second and in s from there on; `-` for none."""
    if seconds is None:
        return "-"
    return f"{seconds * 1000:.0f} ms" if seconds < 0.9995 else f"{seconds:.2f} s"


_LEAST_USD = Decimal("0.0001")


def cost_text(cost_usd: Decimal, unpriced: int, requests: int) -> str:
    """Return a cost in USD; a sum that leaves requests out ends in `+?`, and never reads as 0."""
    if not requests:
        return "-"
    if unpriced and not cost_usd:
        return "unpriced"
    rest = "+?" if unpriced else ""
    if 0 < cost_usd < _LEAST_USD:
        return f"<${_LEAST_USD}{rest}"
    digits = 2 if cost_usd >= 1 - _LEAST_USD else 4
    return f"${cost_usd:.{digits}f}{rest}"


def _sources(suites: tuple[SuiteResult, ...]) -> list[str]:
    """Say once for each model and source which answers were judged, and how old they are."""
    found: dict[str, str] = {}
    for suite in suites:
        models = printable(" + ".join(suite.models)) or "no model"
        line = f"{models}, {suite.source}"
        day = suite.recorded_at[:10]
        if suite.source in ("replayed", "partly live") and day:
            found[line] = min(day, found.get(line, day))
        else:
            found.setdefault(line, "")
    return [f"{line}, recorded {day}" if day else line for line, day in found.items()]


def _broken(result: RunResult) -> list[Broken]:
    groups: dict[str, list[CaseResult]] = {}
    for case in result.cases:
        if case.outcome in ("miss", "error"):
            groups.setdefault(case.suite, []).append(case)
    counts = {suite.test: suite.cases for suite in result.suites}
    features = {suite.test: suite.feature for suite in result.suites}
    broken = []
    for test, cases in groups.items():
        cases.sort(key=lambda case: (case.outcome != "error", case.id))
        errors = sum(case.outcome == "error" for case in cases)
        misses = len(cases) - errors
        parts = [_plural(misses, "miss", "misses")] if misses else []
        parts += [_plural(errors, "error", "errors")] if errors else []
        broken.append(
            Broken(
                suite=test,
                headline=f"{printable(features[test])}: {' and '.join(parts)} in {counts[test]}",
                cases=tuple((printable(case.id), printable(case.why)) for case in cases),
                command=("pytest", *result.options, printable(cases[0].nodeid)),
            )
        )
    return broken


def _plural(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _gates(result: RunResult) -> list[tuple[str, str, str]]:
    """Return feature, state and sentence for each gate that this run decided."""
    gates = []
    for feature in dict.fromkeys(suite.feature for suite in result.suites):
        suites = [suite for suite in result.suites if suite.feature == feature]
        judged = [suite for suite in suites if suite.verdict is not None]
        if len(judged) < len(suites):
            ran = sum(suite.cases + suite.skipped for suite in suites)
            all_cases = sum(suite.cases_in_dataset for suite in suites)
            why = f"only {ran} of {all_cases} cases ran"
            gates.append((printable(feature), "not judged", why))
            continue
        closed = [each for each in judged if each.verdict and not each.verdict.is_open]
        unsure = [each for each in judged if each.verdict and each.verdict.advice]
        deciding = (closed or unsure or judged)[0]
        advice = deciding.verdict.advice if deciding.verdict else ""
        gates.append((printable(feature), "closed" if closed else "open", printable(advice)))
    return gates
