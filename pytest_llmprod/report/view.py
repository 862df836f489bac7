"""View: a run as the rows that every report prints, made once.

All text in a view is safe to print: control sequences are escaped.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pytest_llmprod.core.results import CaseResult, RunResult, SuiteResult
from pytest_llmprod.core.text import printable
from pytest_llmprod.core.verdict import Verdict


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
    """What the summary says: suites, where answers came from, what broke, gates, and notes.

    A source is a sentence and its end, which must not be cut. `misses` counts requests that are in
    no recording, and `record_command` holds the words that record what is missing; both are empty
    where nothing is.
    """

    suites: tuple[SuiteRow, ...]
    sources: tuple[tuple[str, str], ...]
    broken: tuple[Broken, ...]
    gates: tuple[tuple[str, str, str], ...]
    misses: str
    record_command: tuple[str, ...]
    notes: tuple[str, ...]


_COLOURS = {"PASS": "green", "FAIL": "red", "INCONCLUSIVE": "yellow", "partial": "yellow"}


def make_view(result: RunResult, notes: Sequence[str]) -> View:
    """Return the view of a run; `notes` are further lines for the reader."""
    names = _suite_names(result.suites)
    return View(
        suites=tuple(_row(names[id(suite)], suite) for suite in result.suites),
        sources=tuple(_sources(result.suites, names)),
        broken=tuple(_broken(result)),
        gates=tuple(_gates(result)),
        misses=misses_text(result.misses),
        record_command=_record_command(result),
        notes=tuple(printable(note) for note in notes),
    )


def _suite_names(suites: tuple[SuiteResult, ...]) -> dict[int, str]:
    """Name a suite by its feature, and say more only where that is not enough."""
    features = [suite.feature for suite in suites]
    names: dict[int, str] = {}
    for suite in suites:
        name = suite.feature
        if features.count(suite.feature) > 1:
            test = suite.test.rpartition("::")[2]
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


_NOT_PRICED = ", unpriced: see llmprod prices lock"


def _sources(suites: tuple[SuiteResult, ...], names: Mapping[int, str]) -> list[tuple[str, str]]:
    """Say once for each model and source whose answers were judged, and how old they are."""
    groups: dict[str, list[SuiteResult]] = {}
    for suite in suites:
        models = printable(" + ".join(suite.models)) or "no model"
        groups.setdefault(f"{models}, {suite.source}", []).append(suite)
    sources = []
    for line, group in groups.items():
        source = group[0].source
        days = [suite.recorded_at[:10] for suite in group if suite.recorded_at]
        if source in ("replayed", "partly live") and days:
            line += f", recorded {min(days)}"
        if len(groups) > 1:
            line += f": {', '.join(names[id(suite)] for suite in group)}"
        # A lock prices requests; what an outputs file says it took has no provider to look up.
        is_unpriced = source != "outputs file" and any(suite.unpriced for suite in group)
        sources.append((line, _NOT_PRICED if is_unpriced else ""))
    return sources


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
        verdicts = [suite.verdict for suite in suites if suite.verdict is not None]
        if len(verdicts) < len(suites):
            state, why = "not judged", _why_not_judged(suites)
        else:
            state, why = _decision(verdicts, result.gates.get(feature))
        skipped = sum(suite.skipped for suite in _one_a_test(suites))
        if skipped:
            why += f"{'; ' if why else ''}{_plural(skipped, 'case', 'cases')} skipped"
        gates.append((printable(feature), state, printable(why)))
    return gates


def _decision(verdicts: Sequence[Verdict], entry: Mapping[str, Any] | None) -> tuple[str, str]:
    """Return state and sentence of a gate from this run's verdicts and its entry in the file."""
    closed = [verdict for verdict in verdicts if not verdict.is_open]
    if entry is not None and not entry["enabled"] and not closed:
        return "closed", f"closed by {entry['test']} of an earlier run"
    unsure = [verdict for verdict in verdicts if verdict.advice]
    return "closed" if closed else "open", (closed or unsure or verdicts)[0].advice


def _why_not_judged(suites: Sequence[SuiteResult]) -> str:
    tests = _one_a_test(suites)
    unrecorded = sum(suite.unrecorded for suite in tests)
    if unrecorded:
        return unrecorded_text(unrecorded)
    ran = sum(suite.cases + suite.skipped for suite in tests)
    return f"only {ran} of {sum(suite.cases_in_dataset for suite in tests)} cases ran"


def unrecorded_text(number: int) -> str:
    """Return the words for `number` cases that could not be answered."""
    return f"{_plural(number, 'case has', 'cases have')} no usable recording"


def _one_a_test(suites: Iterable[SuiteResult]) -> list[SuiteResult]:
    """Return one result for each test: under several metrics its cases are the same."""
    return list({suite.test: suite for suite in suites}.values())


def misses_text(misses: Mapping[str, int]) -> str:
    """Return how many requests are in no recording, the most frequent kind first, '' for none."""
    number = sum(misses.values())
    if not number:
        return ""
    kinds = sorted(misses.items(), key=lambda each: (-each[1], each[0]))
    shown = ", ".join(f"{kind} {count}" for kind, count in kinds)
    return f"{_plural(number, 'request is', 'requests are')} in no recording: {shown}"


def _record_command(result: RunResult) -> tuple[str, ...]:
    if not result.misses and not any(suite.unrecorded for suite in result.suites):
        return ()
    return record_command(result.options)


def record_command(options: Sequence[str]) -> tuple[str, ...]:
    """Return the words that run everything again, with `options`, and record what is missing."""
    flag = ["--llm-eval"] if "--llm-eval" in options else []
    others = (printable(option) for option in options if option != "--llm-eval")
    return ("pytest", *flag, "--llm-record=new_episodes", *others)
