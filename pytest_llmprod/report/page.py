"""Page: a run as one HTML file, which needs no server, no script and no other file.

Whatever comes from a model is escaped: by Jinja2 for HTML, and before that every character that
cannot be printed. A page of 10,000 cases takes at most 5 MB: long texts are cut.
"""

import re
import shlex
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
from markupsafe import Markup

from pytest_llmprod.core.budget_result import BudgetResult
from pytest_llmprod.core.results import CaseResult, RunResult, SuiteResult
from pytest_llmprod.core.swap import Swap
from pytest_llmprod.core.text import natural
from pytest_llmprod.report import charts
from pytest_llmprod.report.amounts import cost_text, seconds_text
from pytest_llmprod.report.charts import Bounds, Moment
from pytest_llmprod.report.failures import (
    anchor,
    failures,
    is_failure,
    name_of,
    shown_text,
    visible,
)
from pytest_llmprod.report.trend import SuiteTrend, Trend
from pytest_llmprod.report.view import View

MOST_CASES = 10_000
#: Budgets whose bound holds for a single call: of costs, and of latencies.
_OF_CALLS = re.compile(r"(?:(?:max|p50|p95|p99)\((?:cost|latency)\)|cost|latency) <")
_MOST_BARS, _MOST_SLICES = 40, 60  # lines of a chart, and rows of a table of tags
_MOST_FLAKY = 50
_MOST_TRENDS = 20  # suites of which a trend is drawn
_MOST_HISTOGRAMS = 10  # tests whose figures are drawn
_MOST_SIDES, _LONGEST_SIDE = 30, 1_500  # cases of a swap side by side, characters of a side
_FOLDER = Path(__file__).parent / "templates"


class CaseRow(NamedTuple):
    """One line of the table of all cases; `target` is where its failure stands, '' for none."""

    anchor: str
    target: str
    name: str
    outcome: str
    cost: str
    latency: str


class Spread(NamedTuple):
    """What the cases of one test cost and took: figures, and how they are spread.

    `lines` names the budgets at which the charts turn red.
    """

    name: str
    cost: str
    p50: str
    p95: str
    latency_svg: Markup
    cost_svg: Markup
    lines: tuple[str, ...]


class Pair(NamedTuple):
    """One case as two models answered it."""

    case: str
    change: str
    expected: str
    old: str
    new: str


def to_html(result: RunResult, view: View) -> bytes:
    """Return the page of a run."""
    shown, without_room = failures(result)
    rows, left_out = _case_rows(result, {each.anchor for each in shown})
    text = _template().render(
        result=result,
        view=view,
        style=Markup((_FOLDER / "page.css").read_text(encoding="utf-8")),
        state=_state(view),
        failures=shown,
        without_room=without_room,
        is_cut=any(each.is_cut for each in shown),
        intervals=_intervals(result, view),
        tags=list(_tags(result.suites)),
        flaky=list(_flaky(result.suites)),
        judged=[suite for suite in result.suites if suite.judge is not None],
        spreads=list(_spreads(result)),
        trends=list(_trends(view.trend)),
        costs=_cost_trend(view.trend),
        swaps=[(block, list(_pairs(each, result))) for block, each in _blocks(result, view)],
        cases=rows,
        left_out=left_out,
        shell=shlex.join,
    )
    return text.encode("utf-8", "backslashreplace")


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=True,
        finalize=_safe,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.j2")


def _safe(value: Any) -> Any:
    """Return a text without characters that cannot be printed; Jinja2 escapes it afterwards."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _state(view: View) -> str:
    """Return how many gates are in which state, what became of budgets, and what drills found."""
    states = [state for _, state, _ in view.gates]
    parts = [f"{states.count(state)} {state}" for state in dict.fromkeys(sorted(states))]
    gates = f"gates: {', '.join(parts)}" if parts else "no gate"
    budgets = f"; budgets: {view.unkept}" if view.unkept else ""
    weak = sum(len(each.weaknesses) for each in view.drills)
    drills = f"; drills: {weak} {'weakness' if weak == 1 else 'weaknesses'}" if weak else ""
    return gates + budgets + drills


def _named(result: RunResult, view: View) -> Iterator[tuple[SuiteResult, str]]:
    """Yield each suite with a name that tells it from the others."""
    for suite in result.suites:
        name = f"{suite.feature} {suite.model}".strip()
        same = [each for each in result.suites if each.feature == suite.feature]
        if len({each.test for each in same if each.model == suite.model}) > 1:
            name = suite.test.rpartition("::")[2]
        yield suite, name if suite.metric == "passed" else f"{name} {suite.metric}"


def _intervals(result: RunResult, view: View) -> Markup:
    """Return the chart of all suites that were measured."""
    rows = [
        Bounds(name, suite.interval[0], suite.score, suite.interval[1], suite.threshold)
        for suite, name in _named(result, view)
        if suite.cases and suite.unrecorded < suite.cases
    ]
    # The library escapes the names itself.
    return Markup(charts.intervals(rows[:_MOST_BARS])) if rows else Markup()


def _tags(suites: Sequence[SuiteResult]) -> Iterator[tuple[SuiteResult, list[Any], Markup, int]]:
    """Yield each suite with its slices, weakest first, their chart, and how many more there are."""
    for suite in suites:
        parts = sorted(suite.slices, key=lambda part: (part.score, part.tag))
        if parts:
            rows = [
                Bounds(part.tag, part.interval[0], part.score, part.interval[1], suite.threshold)
                for part in parts[:_MOST_BARS]
            ]
            shown = parts[:_MOST_SLICES]
            yield suite, shown, Markup(charts.intervals(rows)), len(parts) - len(shown)


def _trends(trend: Trend) -> Iterator[tuple[SuiteTrend, Markup]]:
    """Yield each suite with the chart of its scores over the accepted runs."""
    for suite in trend.suites[:_MOST_TRENDS]:
        moments = [
            Moment(point.run, point.score, point.interval, point.threshold)
            for point in suite.points
        ]
        yield suite, Markup(charts.over_runs(moments, is_share=True))


def _cost_trend(trend: Trend) -> Markup:
    """Return the chart of what runs cost; one figure alone makes none."""
    known = [Moment(run.name, float(run.cost_usd)) for run in trend.runs if run.cost_usd]
    return Markup(charts.over_runs(known, is_share=False)) if len(known) > 1 else Markup()


def _flaky(suites: Sequence[SuiteResult]) -> Iterator[tuple[SuiteResult, list[Any], int]]:
    for suite in suites:
        found = suite.repeats.flaky
        if found:
            yield suite, list(found[:_MOST_FLAKY]), len(found[_MOST_FLAKY:])


def _spreads(result: RunResult) -> Iterator[Spread]:
    """Yield what the cases of each test cost and took, where that is known."""
    tests = {suite.test: suite for suite in result.suites}
    for test, suite in list(tests.items())[:_MOST_HISTOGRAMS]:
        cases = [case for case in result.cases if case.suite == test]
        latencies = sorted(case.latency_s for case in cases if case.latency_s is not None)
        costs = [float(case.cost_usd) for case in cases if case.cost_usd]
        lines = {} if suite.requests > len(cases) else _lines(result, suite)
        if latencies or costs:
            yield Spread(
                name=f"{suite.feature}: {test.rpartition('::')[2]}",
                cost=cost_text(suite.cost_usd, suite.unpriced, suite.requests, suite.without_usage),
                p50=seconds_text(latencies[(len(latencies) - 1) // 2] if latencies else None),
                p95=seconds_text(suite.p95_latency_s),
                latency_svg=_histogram(latencies, "ms, up to", lines.get("s")),
                cost_svg=_histogram(costs, "USD per 1,000, up to", lines.get("USD")),
                lines=tuple(each.budget for each in lines.values()),
            )


def _lines(result: RunResult, suite: SuiteResult) -> dict[str, BudgetResult]:
    """Return the lowest bound on single calls of a test in each unit.

    It can be held against cases only where each of them makes one call at most.
    """
    found: dict[str, BudgetResult] = {}
    test = suite.test.partition("[")[0]
    for each in sorted(result.budgets, key=lambda each: each.bound, reverse=True):
        is_of_test = each.nodeid.partition("::budget[")[0] == test and each.model == suite.model
        if is_of_test and _OF_CALLS.match(each.budget):
            found[each.unit] = each
    return found


def _histogram(values: Sequence[float], unit: str, line: BudgetResult | None) -> Markup:
    bound = None if line is None else float(line.bound) * 1000
    thousands = [each * 1000 for each in values]
    return Markup(charts.histogram(thousands, unit, bound)) if values else Markup()


def _blocks(result: RunResult, view: View) -> Iterator[tuple[Any, Swap]]:
    yield from zip(view.swaps, result.swaps, strict=True)


def _pairs(swap: Swap, result: RunResult) -> Iterator[Pair]:
    """Yield the cases of which a new model changed the score, those that it broke first."""
    changes = dict.fromkeys(swap.newly_broken, "broken")
    changes |= dict.fromkeys(swap.newly_fixed, "fixed")
    tests = {suite.test: suite for suite in result.suites if suite.shared_test == swap.test}
    answers: dict[tuple[str, str], CaseResult] = {}
    for case in result.cases:
        suite = tests.get(case.suite)
        if suite is not None and case.id in changes:
            answers.setdefault((suite.model, case.id), case)
    for case_id, change in list(changes.items())[:_MOST_SIDES]:
        old, new = (answers.get((model, case_id)) for model in (swap.model_a, swap.model_b))
        known = old or new
        yield Pair(
            case=case_id,
            change=change,
            expected=_side(known.expected if known else None),
            old=_side(old.output if old else None),
            new=_side(new.output if new else None),
        )


def _side(value: Any) -> str:
    text = shown_text(value)
    return text if len(text) <= _LONGEST_SIDE else f"{text[:_LONGEST_SIDE]} ..."


def _case_rows(
    result: RunResult, targets: set[str]
) -> tuple[list[tuple[str, str, list[CaseRow]]], int]:
    """Return (test, command, rows) for each test, and how many cases have no row.

    `targets` are the failures that stand in the page. Where there are too many, hits are left out.
    """
    cases = sorted(result.cases, key=lambda case: not is_failure(case))[:MOST_CASES]
    groups: dict[str, list[CaseRow]] = {}
    for case in sorted(cases, key=lambda case: (case.suite, natural(case.id), case.repeat)):
        name = anchor(case)
        groups.setdefault(case.suite, []).append(
            CaseRow(
                anchor="" if name in targets else name,
                target=name if name in targets else "",
                name=name_of(case)[:80],
                outcome=case.outcome,
                cost="-" if not case.cost_usd else cost_text(case.cost_usd, 0, 1),
                latency=seconds_text(case.latency_s),
            )
        )
    commands = {case.suite: _command_of(case, result.options) for case in result.cases}
    found = [(test, commands[test], rows) for test, rows in groups.items()]
    return found, len(result.cases) - len(cases)


def _command_of(case: CaseResult, options: Sequence[str]) -> str:
    """Return the command that runs one case of a test; CASE stands for its id."""
    test, _, variant = case.nodeid.partition("[")
    if case.id not in variant:  # pytest has escaped it
        return ""
    return shlex.join(("pytest", *options, f"{test}[{variant.replace(case.id, 'CASE', 1)}"))
