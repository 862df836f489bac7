"""Suite rows: the table of suites, one line for each with its score, verdict, cost and latency."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pytest_llmprod.core.results import RunResult, SuiteResult
from pytest_llmprod.core.text import printable
from pytest_llmprod.report.amounts import cost_text, seconds_text


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


_COLOURS = {"PASS": "green", "FAIL": "red"}


def suite_rows(result: RunResult, names: Mapping[int, str]) -> Iterator[SuiteRow]:
    """Yield the rows of the table; of several models the new ones stand below the old one."""
    if not result.models:
        yield from (_row(names[id(each)], each, result.objection) for each in result.suites)
        return
    groups: dict[tuple[str, str], list[SuiteResult]] = {}
    for suite in result.suites:
        groups.setdefault((suite.shared_test, suite.metric), []).append(suite)
    for group in groups.values():
        old, *new = sorted(group, key=lambda each: result.models.index(each.model))
        yield _row(names[id(old)].removesuffix(f" {result.models[0]}"), old, result.objection)
        yield from (_row(f"  {printable(each.model)}", each, result.objection) for each in new)


def _cases_text(suite: SuiteResult) -> str:
    count = suite.repeats.count
    return f"{suite.cases}x{count}" if count > 1 else str(suite.cases)


def _row(name: str, suite: SuiteResult, objection: str) -> SuiteRow:
    low, high = suite.interval
    is_measured = suite.verdict is not None or suite.unrecorded < max(1, suite.cases)
    unjudged = "partial" if is_measured and not objection else "not judged"
    unjudged = "report-only" if suite.is_report_only and is_measured else unjudged
    verdict = suite.verdict.name if suite.verdict else unjudged
    is_billed = bool(suite.cost_usd or suite.unpriced or suite.without_usage)
    return SuiteRow(
        name=name,
        cases=_cases_text(suite),
        hits=f"{suite.hits:.0f}" if suite.hits == int(suite.hits) else f"{suite.hits:.1f}",
        score=f"{suite.score * 100:.1f}%" if is_measured else "-",
        interval=f"[{low * 100:.1f}, {high * 100:.1f}]" if is_measured else "-",
        confidence=f"{suite.interval_confidence * 100:.4g}%",
        threshold=f"{suite.threshold * 100:.4g}%",
        verdict=verdict,
        cost=cost_text(
            suite.cost_usd,
            suite.unpriced,
            suite.requests if is_measured or is_billed else 0,
            suite.without_usage,
        ),
        p95=seconds_text(suite.p95_latency_s if is_measured else None),
        colour=_COLOURS.get(verdict, "yellow"),
    )
