"""Collector: gathers the reports of all tests, and has the run decided when the last has come.

Exists in one process only: pytest's own, or the xdist controller. What it imports at the top is
light, for it is part of every pytest run.
"""

from collections.abc import Generator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from pytest_llmprod.composition import garbage_collection
from pytest_llmprod.core.errors import LlmprodError, PricesError
from pytest_llmprod.core.text import printable
from pytest_llmprod.hooks.gathered import Gathered
from pytest_llmprod.hooks.reports import Reports
from pytest_llmprod.hooks.scope import STOPPED_EARLY, Scope
from pytest_llmprod.hooks.stash import LOG_PROBLEM, RUN_ID, SETTINGS
from pytest_llmprod.hooks.workers import Workers

if TYPE_CHECKING:
    from pytest_llmprod.core.results import RunResult
    from pytest_llmprod.hooks.summary import Summary


class Collector:
    """The hooks of the process that sees every report."""

    def __init__(
        self, config: pytest.Config, scope: Scope, started_at: datetime, workers: Workers
    ) -> None:
        """Make a collector that has seen nothing."""
        self._config = config
        self._workers = workers
        self._scope = scope
        self._gathered = Gathered(config, scope, started_at)
        self._reports = Reports(config)
        self._picked_up = 0
        self._is_interrupted = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Put in place what a recording run that was killed has left behind."""
        if self._config.option.llm_record == "none" or self._config.option.llm_plan:
            return
        from pytest_llmprod.wire.cassettes import folding  # only a run that records needs it

        rootpath = self._config.stash[SETTINGS]().rootpath
        try:
            self._picked_up = folding.fold_abandoned(rootpath, self._rekey)
        except LlmprodError as error:
            raise pytest.UsageError(str(error)) from error

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note that something could not be collected: evals may be missing then."""
        self._scope.has_collection_errors |= report.failed

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: Any) -> None:
        """Gather what a report tells, and let a text of ours be printed as it is."""
        if getattr(report, "llmprod_told", False) and isinstance(report.longrepr, str):
            from pytest_llmprod.report.misses import ToldText  # only a text of ours needs it

            report.longrepr = ToldText(report.longrepr)
        self._gathered.take(report)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """Decide when the loop has ended: each gate becomes a test report of its own."""
        try:
            outcome = yield
            if self._gathered.run is not None:
                garbage_collection.sweep()
        except LlmprodError as error:  # of a plan, which has no test that could fail with it
            raise pytest.UsageError(str(error)) from error
        finally:
            self._workers.close()
            self._fold_recordings(session)
        self._check_counts(session)
        self._decide(session)
        return outcome

    def _check_counts(self, session: pytest.Session) -> None:
        """Fail a run of evals, drills or budgets to whose end not all has come that was sent."""
        option, gathered = self._config.option, self._gathered
        asks_for_ours = option.llm_eval or option.llm_record != "none"
        is_ours = asks_for_ours or gathered.beside.has_drills or gathered.has_budgets
        if is_ours and self._workers.problem:
            self._scope.incomplete = self._workers.problem
            text = f"INCOMPLETE: {self._scope.incomplete}"
            self._report(session, "llmprod::complete", text)
        self._scope.gap = self._scope.missing(session)

    def _decide(self, session: pytest.Session) -> None:
        """Judge budgets and suites, and keep what is evidence."""
        gathered = self._gathered
        objection = self._scope.objection(session, gathered.beside)
        if objection:
            self._report(session, "llmprod::swap", objection)
        elif gathered.has_accounts and not self._config.option.llm_fallback_only:
            try:
                gathered.accounts.decide(session, is_complete=not self._scope.incomplete)
            except PricesError as error:
                self._report(session, "llmprod::budgets", str(error))
        if not self._has_something_to_decide():
            return
        from pytest_llmprod.hooks.deciding import Decider  # only a run that decides needs it

        decider = Decider(session, self._scope, gathered, self._reports)
        if gathered.run is None:
            decider.decide_without_suites()
        else:
            try:
                decider.decide(gathered.run, objection)
            except LlmprodError as error:
                gathered.run = None
                self._report(session, "llmprod::decided", str(error))
        if gathered.beside.has_drills:
            decider.note_drills()
        decider.note_evidence()
        decider.write_reports()

    def _has_something_to_decide(self) -> bool:
        option, gathered = self._config.option, self._gathered
        is_asked = option.llm_eval or self._reports.are_wanted()
        beside = gathered.beside
        has_told = beside.has_results or beside.has_evidence
        has_gathered = gathered.run is not None or gathered.has_budgets
        return bool(is_asked or has_gathered or has_told)

    def _report(self, session: pytest.Session, nodeid: str, failure: str) -> None:
        """Log a test report that no test made: it has failed with a text."""
        from pytest_llmprod.hooks import emitted  # only a run in which something failed needs it

        emitted.report(session, nodeid, failure)

    def pytest_sessionfinish(self) -> None:
        """Drop what is kept no longer of the logs of earlier runs, once a day."""
        option = self._config.option
        has_tests = self._config.pluginmanager.hasplugin("llmprod-recorder")  # else in workers
        if not (has_tests or option.llm_eval or getattr(option, "numprocesses", None)):
            return
        runs = self._config.rootpath / ".llmprod" / "runs"
        if not runs.is_dir():
            return
        from pytest_llmprod.records import retention  # only where there is a log

        try:
            days = self._config.stash[SETTINGS]().retention_days
            retention.apply_daily(runs, days, datetime.now(UTC))
        except (LlmprodError, OSError, pytest.UsageError) as error:
            self._config.stash[LOG_PROBLEM] = self._config.stash[LOG_PROBLEM] or str(error)

    def pytest_keyboard_interrupt(self) -> None:
        """Note that the run was stopped: what it has recorded so far is kept."""
        self._is_interrupted = True

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the summary, and how to go on after a run that was stopped while it recorded."""
        self._summarise(terminalreporter)
        if self._gathered.lost_evidence:
            text = f"llmprod: the evidence of this run is lost: {self._gathered.lost_evidence}"
            terminalreporter.write_line(printable(text), yellow=True)
        if self._config.option.llm_max_spend is not None:
            run_id, words = self._config.stash[RUN_ID], self._scope.capped_words()
            for line in self._gathered.accounts.spend_lines(run_id, words):
                terminalreporter.write_line(line)
        if self._is_interrupted and self._gathered.has_recorded:
            from pytest_llmprod.report import upkeep  # only such a run needs it

            mode = self._config.option.llm_record
            for line in upkeep.stopped_lines(mode, self._scope.words()):
                terminalreporter.write_line(line)
        self._reports.close(terminalreporter)

    def _summarise(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the summary; nothing where no suite ran and nothing was noticed or missing."""
        gathered = self._gathered
        if gathered.run is not None:
            try:
                result = gathered.result or self._stopped_early()
            except LlmprodError as error:
                terminalreporter.write_line(f"llmprod: {error}", red=True)
                return
            self._summary(terminalreporter).print_suites(result)
        elif gathered.has_something_to_tell:
            self._summary(terminalreporter).print_without_suites()

    def _stopped_early(self) -> "RunResult":
        """Return what is known where the loop was broken off before anything could be decided."""
        run = self._gathered.run
        assert run is not None, "only a run with cases asks"
        note = f"gates not written: {STOPPED_EARLY}"
        self._gathered.result = self._gathered.result_of(run, run.decide(), note)
        return self._gathered.result

    def _summary(self, terminalreporter: pytest.TerminalReporter) -> "Summary":
        from pytest_llmprod.hooks.summary import Summary  # brings what only a summary needs

        return Summary(self._config, terminalreporter, self._scope, self._gathered)

    def _fold_recordings(self, session: pytest.Session) -> None:
        """Write what was recorded into the cassettes."""
        if self._config.option.llm_record == "none":
            return
        from pytest_llmprod.wire.cassettes import folding  # only a run that records needs it

        run = self._gathered.run
        whole = run is not None and run.is_complete and not run.has_skipped
        whole = whole and not self._scope.narrowing(session)
        try:
            folded = folding.fold(
                self._config.rootpath, self._config.stash[RUN_ID], whole=whole, rekey=self._rekey
            )
            self._gathered.has_recorded = bool(folded.count)
            if folded.cassettes or self._picked_up:
                self._gathered.noticed().folded(folded, picked_up=self._picked_up)
        except LlmprodError as error:
            self._report(session, "cassettes::written", str(error))

    def _rekey(self, request: Mapping[str, Any]) -> str:
        """Return the key of a stored request, as the dialects and scanners of this run see it."""
        from pytest_llmprod.wire.key import stored_key  # only a run that records needs it

        dialects = [each for part in self._config.hook.pytest_llmprod_dialects() for each in part]
        scanners = [each for part in self._config.hook.pytest_llmprod_scanners() for each in part]
        return stored_key(request, dialects, scanners)
