"""Summary: what a run prints at its end, in the order in which it is read.

Only a run that has something to tell imports this.
"""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

from pytest_llmprod.hooks.gathered import Gathered
from pytest_llmprod.hooks.scope import Scope
from pytest_llmprod.report import terminal, unanswered, view
from pytest_llmprod.report.layout import wrapped

if TYPE_CHECKING:
    from pytest_llmprod.core.results import RunResult


class Summary:
    """Prints what was gathered and decided."""

    def __init__(
        self,
        config: pytest.Config,
        reporter: pytest.TerminalReporter,
        scope: Scope,
        gathered: Gathered,
    ) -> None:
        """Make the summary of a run that prints to `reporter`."""
        self._config = config
        self._reporter = reporter
        self._scope = scope
        self._gathered = gathered

    def print_suites(self, result: "RunResult") -> None:
        """Print the summary of a run with evals."""
        gathered = self._gathered
        rows = view.make_view(result, gathered.notes(result))
        self._annotate(result)
        if self._reporter.verbosity < 0:
            drills = terminal.render_drills(result, terminal.MOST_OF_DRILLS)
            drills += terminal.render_scorecards(result, is_quiet=True)
            noticed = [*self._strange_lines(result), *gathered.noticed_lines()[:1]]
            self._write([*terminal.render_quiet(rows), *drills, *gathered.overdue, *noticed])
            return
        self._section("llmprod")
        lines = terminal.render_with_drills(
            rows, result, overdue=gathered.overdue, colour=self._reporter.hasmarkup
        )
        self._write([*lines, *terminal.render_scorecards(result)])

    def print_without_suites(self) -> None:
        """Print what tests that are no evals missed, and what was noticed of their recordings."""
        result, beside = self._gathered.result, self._gathered.beside
        noticed, budgets = self._gathered.noticed_lines(), self._budget_lines()
        if result is not None:
            self._annotate(result)
        # Of a run that was stopped before its drills could be decided there is nothing to say.
        has_drills = beside.has_results and result is not None
        if not (beside.misses or beside.outages or has_drills or noticed or budgets):
            return
        found = self._gathered.unanswered()
        missing = terminal.render_misses(
            unanswered.missing_of(found, self._scope.words(), has_others=False)
        )
        drills = self._drill_lines(result)
        if self._reporter.verbosity < 0:
            told = [*drills, *budgets[:1], *missing] if drills else missing
            first, *rest = told or [*budgets, *noticed][:1]
            self._write([f"llmprod: {first}", *rest])
            return
        self._section("llmprod")
        self._write([*drills, *budgets, *noticed, *missing])

    def _budget_lines(self) -> list[str]:
        if not self._gathered.has_accounts:
            return []
        return self._gathered.accounts.budget_lines(colour=self._reporter.hasmarkup)

    def _drill_lines(self, result: "RunResult | None") -> list[str]:
        if result is None:
            return list(self._gathered.overdue)
        is_quiet = self._reporter.verbosity < 0
        cards = terminal.render_scorecards(result, is_quiet=is_quiet)
        strange = self._strange_lines(result)
        return [*terminal.render_drills(result), *self._gathered.overdue, *cards, *strange]

    def _strange_lines(self, result: "RunResult") -> list[str]:
        return [line for each in self._gathered.strange(result) for line in wrapped(each)]

    def _annotate(self, result: "RunResult") -> None:
        """Tell GitHub Actions which gates are closed and which budgets broken, at their lines."""
        if os.environ.get("GITHUB_ACTIONS") != "true":
            return
        from pytest_llmprod.composition.report_files import (
            annotations,  # only a run on GitHub needs it
        )

        self._reporter.ensure_newline()
        self._write(annotations(result, self._config.rootpath, os.environ))

    def _section(self, title: str) -> None:
        self._reporter.ensure_newline()
        self._reporter.section(title)

    def _write(self, lines: Sequence[str]) -> None:
        for line in lines:
            self._reporter.write_line(line)
