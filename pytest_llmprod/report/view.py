"""View: a run as the rows that every report prints, made once.

All text in a view is safe to print: control sequences are escaped.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_llmprod.core.results import RunResult
from pytest_llmprod.core.swap import Swap
from pytest_llmprod.core.text import printable
from pytest_llmprod.report import remarks, swap
from pytest_llmprod.report.broken import Broken, broken
from pytest_llmprod.report.budgets import BudgetRow, MonthRow, budget_rows, counts, month_rows
from pytest_llmprod.report.drills import DrillBlock, drill_blocks
from pytest_llmprod.report.gate_rows import gate_rows
from pytest_llmprod.report.layout import short_name
from pytest_llmprod.report.scorecards import ScoreBlock, score_blocks
from pytest_llmprod.report.suite_names import one_a_test, suite_names
from pytest_llmprod.report.suite_rows import SuiteRow, suite_rows
from pytest_llmprod.report.trend import NO_TREND, Trend, trend_of
from pytest_llmprod.report.unanswered import Missing, missing_of

if TYPE_CHECKING:
    from pytest_llmprod.report.audit_rows import AuditBlock


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapBlock:
    """What became of one suite under a new model: in one line, and in several.

    `verdict` stands in the first of these, and `outcome`, which knows of tags and of cases that are
    not there, in the one. Each has a colour.
    """

    brief: str
    outcome: str
    outcome_colour: str
    lines: tuple[str, ...]
    verdict: str
    colour: str


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What the summary says: suites, where answers came from, what broke, gates, and notes.

    `repeats` says of a suite what its repeats and clusters show, which look at it this is, and how
    often its model refused what it should not, or did not refuse what it should.
    `judges` says what the judges of suites are worth, and what they cost; each comes with the words
    of the command that mends it, or none. `slices` names those that are surely below the threshold
    of their suite, and `gaps` says what the costs leave out. `swaps` compare models, `unswapped`
    says which are not compared, and `answers` is the command that shows both answers of a case,
    after its lead. `moves` says what is not as it was in the accepted run, `regressions` has those
    of them that fail the run. `budgets` and `months` say what became of budgets, and what features
    cost in a month; `unkept` counts the budgets that are not kept, '' where all are. `total` is
    what all suites cost together. `drills` says what features did under faults, `scorecards` how
    guardrails did, and `trend` how scores moved over the accepted runs. `audit` is None where
    nobody asked for it.
    """

    suites: tuple[SuiteRow, ...]
    repeats: tuple[str, ...]
    judges: tuple[tuple[str, tuple[str, ...]], ...]
    slices: tuple[str, ...]
    sources: tuple[str, ...]
    gaps: tuple[str, ...]
    broken: tuple[Broken, ...]
    gates: tuple[tuple[str, str, str], ...]
    missing: Missing
    notes: tuple[str, ...]
    swaps: tuple[SwapBlock, ...] = ()
    unswapped: tuple[str, ...] = ()
    answers: tuple[tuple[str, tuple[str, ...]], ...] = ()
    moves: tuple[str, ...] = ()
    drills: tuple[DrillBlock, ...] = ()
    scorecards: tuple[ScoreBlock, ...] = ()
    budgets: tuple[BudgetRow, ...] = ()
    months: tuple[MonthRow, ...] = ()
    unkept: str = ""
    total: str = ""
    regressions: tuple[str, ...] = ()
    trend: Trend = NO_TREND
    audit: "AuditBlock | None" = None


_LONGEST_LEAD = 50


def make_view(result: RunResult, notes: Sequence[str]) -> View:
    """Return the view of a run; `notes` are further lines for the reader."""
    names = suite_names(result.suites)
    budgets = budget_rows(result.budgets)
    # Of a name before figures, which a line may not cut, only so much is shown.
    leads = {key: short_name(name, _LONGEST_LEAD, [*names.values()]) for key, name in names.items()}
    return View(
        suites=tuple(suite_rows(result, names)),
        repeats=(
            *remarks.repeats(result.suites, leads),
            *remarks.refusals(result.suites, leads),
        ),
        judges=tuple(remarks.judges(result.suites, leads)),
        slices=tuple(remarks.weak_slices(result.suites, leads)),
        sources=tuple(remarks.sources(result.suites, names)),
        gaps=tuple(remarks.gaps_in_costs(result.suites)),
        broken=tuple(broken(result)),
        gates=tuple(gate_rows(result)),
        missing=missing_of(
            result.unanswered,
            (*result.options, *result.selection),
            has_others=any(suite.unrecorded for suite in result.suites),
        ),
        notes=tuple(printable(note) for note in notes),
        swaps=tuple(_swap_block(each) for each in result.swaps),
        unswapped=tuple(printable(each) for each in result.unswapped),
        answers=tuple(_answers(result)),
        moves=tuple(printable(each) for each in result.moves),
        drills=tuple(drill_blocks(result)),
        scorecards=tuple(score_blocks(result.scorecards)),
        budgets=tuple(budgets),
        months=tuple(month_rows(result.months)),
        unkept=counts(budgets),
        total=remarks.total(one_a_test(result.suites)),
        regressions=tuple(printable(each) for each in result.regressions),
        trend=trend_of(result, names),
        audit=_audit(result),
    )


def _audit(result: RunResult) -> "AuditBlock | None":
    if result.audit is None:
        return None
    from pytest_llmprod.report.audit_rows import audit_block  # only an audited run needs it

    return audit_block(result.audit)


_SWAP_COLOURS = {"NON-INFERIOR": "green", "INFERIOR": "red"}


def _swap_block(found: Swap) -> SwapBlock:
    colour = _SWAP_COLOURS.get(found.verdict, "yellow")
    return SwapBlock(
        brief=swap.brief(found),
        outcome=found.outcome,
        outcome_colour="red" if found.is_regression else colour,
        lines=tuple(swap.render([found])),
        verdict=found.verdict,
        colour=colour,
    )


def _answers(result: RunResult) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the command that shows both answers of the first case that a new model broke."""
    broken = [case for each in result.swaps for case in each.newly_broken]
    if broken:
        lead = "both answers: " if result.stored_as else "with --llm-json=run.json, both answers: "
        file = printable(result.stored_as) or "run.json"
        yield lead, ("llmprod", "compare", file, "--show", printable(broken[0]))
