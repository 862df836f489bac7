"""Accounts: what the reports of a run say of budgets and of money, and what is told of it.

Lives beside the Collector, in the process that sees every report. What it imports at the top is
light, for it is part of every pytest run.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from pytest_llmprod.core.errors import LlmprodError

if TYPE_CHECKING:
    from pytest_llmprod.composition.budgeting import Budgeting, Judged
    from pytest_llmprod.core.results import RunResult
    from pytest_llmprod.report.spending import Stopped
    from pytest_llmprod.settings import Settings


class Accounts:
    """Gathers calls, and the tests that a spend cap kept from sending something."""

    def __init__(self, settings: "Callable[[], Settings]", started_at: datetime) -> None:
        """Make accounts that have seen nothing."""
        self._settings = settings
        self._started_at = started_at
        self._budgeting: Budgeting | None = None
        self._judged: Judged | None = None
        self._stops: dict[str, bool] = {}
        self._spent: tuple[str, Stopped | None] | None = None

    @property
    def has_calls(self) -> bool:
        """Say whether a test came to which a budget applies."""
        return self._budgeting is not None

    @property
    def is_capped(self) -> bool:
        """Say whether the spend cap kept a test from sending something."""
        return bool(self._stops)

    def take(self, report: Any) -> None:
        """Take what the report of a test carries."""
        calls = getattr(report, "llmprod_calls", None)
        if calls is not None:
            self._gathered().add(report.nodeid, calls)
        stop = getattr(report, "llmprod_stop", None)
        if stop is not None:
            self._stops[report.nodeid] = stop

    def decide(self, session: pytest.Session, *, is_complete: bool) -> None:
        """Judge the budgets: each becomes a test report of its own, but for the old model's.

        Where the run is not complete, nobody knows what the calls that did not come have cost.
        """
        if self._budgeting is None:
            return
        from pytest_llmprod.hooks import emitted  # only a run that decides something needs it

        self._judged = self._budgeting.decide(is_complete=is_complete)
        settings = self._settings()
        old_model = (settings.choice.models or ("",))[0]
        for each in self._judged.budgets:
            if not (each.model and each.model == old_model):
                emitted.report_budget(session, each, is_strict=settings.is_strict)

    def added_to(self, result: "RunResult") -> "RunResult":
        """Return the result of a run with its budgets."""
        if self._judged is None:
            return result
        return replace(result, budgets=self._judged.budgets, months=self._judged.months)

    def budget_lines(self, *, colour: bool) -> list[str]:
        """Return the lines on budgets of a run without suites."""
        if self._judged is None:
            return []
        from pytest_llmprod.report import budgets, terminal  # only a run with budgets needs it

        rows = budgets.budget_rows(self._judged.budgets)
        months = budgets.month_rows(self._judged.months)
        return terminal.render_budgets(rows, months, colour=colour)

    def spend_lines(self, run_id: str, words: Sequence[str]) -> list[str]:
        """Return what was spent under a cap, and how to go on where it stopped something.

        `words` are those by which the tests of this run are run again, our options first.
        """
        from pytest_llmprod.report import spending  # only a run with a cap needs it

        line, stopped = self._told_spending(run_id, words)
        more = [] if stopped is None else spending.stopped_lines(stopped)
        return [*([line] if line else []), *more]

    def spend_notes(self, run_id: str, words: Sequence[str]) -> list[str]:
        """Return the same in one line each, for reports that are no terminal."""
        from pytest_llmprod.report import spending  # only a run with a cap needs it

        line, stopped = self._told_spending(run_id, words)
        more = [] if stopped is None else [spending.stopped_note(stopped)]
        return [*([line] if line else []), *more]

    def _told_spending(self, run_id: str, words: Sequence[str]) -> "tuple[str, Stopped | None]":
        """Return what was spent, '' without a ledger, and what the cap stopped; read once."""
        if self._spent is None:
            self._spent = self._read_spending(run_id, words)
        return self._spent

    def _read_spending(self, run_id: str, words: Sequence[str]) -> "tuple[str, Stopped | None]":
        # Brings sqlite3: only a cap needs it.
        from pytest_llmprod.composition.ledger import close_ledger
        from pytest_llmprod.report import spending

        settings = self._settings()
        try:
            found = close_ledger(settings, run_id)
        except LlmprodError as error:
            return f"llmprod: {error}", None
        if found is None:
            return "", None
        line = spending.spent_line(
            cap_usd=found.cap_usd,
            spent_usd=found.spent_usd,
            judge_usd=found.judge_usd,
            open_usd=found.open_usd,
            calls=found.calls,
        )
        if not self._stops:
            return line, None
        stopped = spending.stopped(
            self._stops,
            mode=settings.record,
            options=words,
            is_too_low=bool(found.refused) and not found.calls,
        )
        return line, stopped

    def _gathered(self) -> "Budgeting":
        if self._budgeting is None:
            # Only a run with budgets needs it.
            from pytest_llmprod.composition.budgeting import Budgeting

            self._budgeting = Budgeting(self._settings(), now=self._started_at)
        return self._budgeting
