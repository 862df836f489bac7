"""Collector: gathers the reports of all tests, decides when the last has come, and prints.

Exists in one process only: pytest's own, or the xdist controller. What it imports at the top is
light, for it is part of every pytest run.
"""

import os
from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pytest

from pytest_llmprod.composition import garbage
from pytest_llmprod.composition.beside_cases import BesideCases
from pytest_llmprod.core.errors import LlmprodError, PricesError, StoredRunError
from pytest_llmprod.core.text import printable
from pytest_llmprod.hooks.stash import LEFT_OUT, LOG_PROBLEM, NARROWED, RUN_ID, SETTINGS
from pytest_llmprod.hooks.workers import Workers

if TYPE_CHECKING:
    from pytest_llmprod.composition.carried import Carried
    from pytest_llmprod.composition.upkeep import Upkeep
    from pytest_llmprod.core.results import RunResult, SuiteResult, Unanswered
    from pytest_llmprod.hooks.accounts import Accounts
    from pytest_llmprod.run import Run
    from pytest_llmprod.settings import Settings


class Collector:
    """The hooks of the process that sees every report."""

    def __init__(self, config: pytest.Config, started_at: datetime, workers: Workers) -> None:
        """Make a collector that has seen nothing."""
        self._config = config
        self._started_at = started_at
        self._has_collection_errors = False
        self._beside = BesideCases()
        self._overdue: list[str] = []
        self._unkept = ""
        self._picked_up = 0
        self._has_recorded = False
        self._is_interrupted = False
        self._run: Run | None = None
        self._upkeep: Upkeep | None = None
        self._result: RunResult | None = None
        self._supplied: list[str] | None = None
        self._workers = workers
        self._incomplete = ""
        self._gap = "the run was stopped early"  # until it comes to its end
        self._carried: Carried | None = None

    @cached_property
    def _accounts(self) -> "Accounts":
        # Only a run with budgets or a cap needs it.
        from pytest_llmprod.hooks.accounts import Accounts

        return Accounts(lambda: self._config.stash[SETTINGS](), self._started_at)

    @property
    def _has_accounts(self) -> bool:
        """Say whether a test told of its calls, or of a spend cap that kept it from some."""
        return "_accounts" in self.__dict__

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
        self._has_collection_errors |= report.failed

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: Any) -> None:
        """Gather the row of a case, and what any test missed; a test that ran again counts once."""
        if getattr(report, "llmprod_told", False) and isinstance(report.longrepr, str):
            from pytest_llmprod.report.misses import ToldText  # only a text of ours needs it

            report.longrepr = ToldText(report.longrepr)
        if self._config.option.llm_json is not None:
            self._keep(report)
        row = getattr(report, "llmprod", None)
        if row is not None:
            self._gathered().add(row)
        if hasattr(report, "llmprod_calls") or hasattr(report, "llmprod_stop"):
            self._accounts.take(report)
        noticed = getattr(report, "llmprod_wire", None)
        if noticed is not None:
            self._noticed().add(noticed)
            self._beside.asked.update(noticed.get("asked", ()))
        self._beside.take(report)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """Decide when the loop has ended: each gate becomes a test report of its own."""
        try:
            outcome = yield
            if self._run is not None:
                garbage.sweep()
        except LlmprodError as error:  # of a plan, which has no test that could fail with it
            raise pytest.UsageError(str(error)) from error
        finally:
            self._workers.close()
            self._fold_recordings(session)
        self._check_counts(session)
        objection = self._unmet_swap(session)
        if objection:
            self._report(session, "llmprod::swap", objection)
        elif self._has_accounts and not self._config.option.llm_fallback_only:
            try:
                self._accounts.decide(session, is_complete=not self._incomplete)
            except PricesError as error:
                self._report(session, "llmprod::budgets", str(error))
        if self._run is not None:
            try:
                self._decide(session, self._run, objection or self._fallback_only())
            except LlmprodError as error:
                self._run = None
                self._report(session, "llmprod::decided", str(error))
        else:
            self._report_gone(session)
            self._write_without_suites(session)
        self._note_drills(session)
        self._note_evidence(session)
        return outcome

    def _check_counts(self, session: pytest.Session) -> None:
        """Fail a run of evals, drills or budgets to whose end not all has come that was sent."""
        option = self._config.option
        is_ours = option.llm_eval or option.llm_record != "none"
        is_ours = (
            is_ours or self._beside.has_drills or (self._has_accounts and self._accounts.has_calls)
        )
        if is_ours and self._workers.problem:
            self._incomplete = self._workers.problem
            self._report(session, "llmprod::complete", f"INCOMPLETE: {self._incomplete}")
        self._gap = self._missing(session)

    def _keep(self, report: Any) -> None:
        """Keep what a report carries for the one who joins this run with others."""
        if self._carried is None:
            # Only a run that is stored needs it.
            from pytest_llmprod.composition.carried import Carried

            self._carried = Carried()
        self._carried.take(report)

    def _write_without_suites(self, session: pytest.Session) -> None:
        """Write the reports of a run without evals: of budgets, of drills, or of a shard."""
        option = self._config.option
        if option.llm_plan or option.collectonly:
            return
        has_budgets = self._has_accounts and self._accounts.has_calls
        if option.llm_json is not None or has_budgets or self._beside.has_results:
            run = self._new_run(self._config.stash[SETTINGS]())
            self._result = self._accounts.added_to(self._run_result(run, [], "no eval ran"))
            self._write_json(session, run)
            self._write_pages(session, run)

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
        if self._unkept:
            text = f"llmprod: the evidence of this run is lost: {self._unkept}"
            terminalreporter.write_line(printable(text), yellow=True)
        if self._config.option.llm_max_spend is not None:
            run_id = self._config.stash[RUN_ID]
            for line in self._accounts.spend_lines(run_id, self._capped_words()):
                terminalreporter.write_line(line)
        if self._is_interrupted and self._has_recorded:
            from pytest_llmprod.report import upkeep  # only such a run needs it

            options = [*self._options(), *self._selection()]
            for line in upkeep.stopped_lines(self._config.option.llm_record, options):
                terminalreporter.write_line(line)
        if self._config.option.llm_audit:
            self._audit(terminalreporter)

    def _summarise(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the summary; nothing where no suite ran and nothing was noticed or missing."""
        noticed = [] if self._upkeep is None else self._upkeep.lines()
        if self._run is None:
            self._summarise_without_suites(terminalreporter, noticed)
            return
        if self._result is None:  # the loop was broken off before anything could be decided
            note = "gates not written: the run was stopped early"
            try:
                self._result = self._run_result(self._run, self._run.decide(), note)
            except LlmprodError as error:
                terminalreporter.write_line(f"llmprod: {error}", red=True)
                return
        from pytest_llmprod.report import terminal, view  # brings tabulate

        rows = view.make_view(self._result, self._notes(self._result))
        self._annotate(terminalreporter, self._result)
        if terminalreporter.verbosity < 0:
            drills = terminal.render_drills(self._result, terminal.MOST_OF_DRILLS)
            drills += terminal.render_scorecards(self._result, is_quiet=True)
            told = [*terminal.render_quiet(rows), *drills, *self._overdue, *noticed[:1]]
            for line in told:
                terminalreporter.write_line(line)
            return
        terminalreporter.ensure_newline()
        terminalreporter.section("llmprod")
        lines = terminal.render_with_drills(
            rows, self._result, overdue=self._overdue, colour=terminalreporter.hasmarkup
        )
        for line in [*lines, *terminal.render_scorecards(self._result)]:
            terminalreporter.write_line(line)

    def _notes(self, result: "RunResult") -> list[str]:
        """Return what was noticed of recordings, and what plugins say; they are asked once."""
        if self._supplied is None:
            supplied = self._config.hook.pytest_llmprod_summary(result=result)
            self._supplied = [str(line) for part in supplied for line in part]
        noticed = [] if self._upkeep is None else self._upkeep.lines()
        beside = []
        if result.fallbacks:
            from pytest_llmprod.report.fallback import fallback_lines  # only such a run needs it

            beside = fallback_lines(result.fallbacks)
        return [*beside, *noticed, *self._accounts.notes, *self._supplied]

    def _annotate(self, terminalreporter: pytest.TerminalReporter, result: "RunResult") -> None:
        """Tell GitHub Actions which gates are closed and which budgets broken, at their lines."""
        if os.environ.get("GITHUB_ACTIONS") != "true":
            return
        from pytest_llmprod.composition.written import annotations  # only a run on GitHub needs it

        terminalreporter.ensure_newline()
        for line in annotations(result, self._config.rootpath, os.environ):
            terminalreporter.write_line(line)

    def _noticed(self) -> "Upkeep":
        if self._upkeep is None:
            # Only a run with something to tell needs it.
            from pytest_llmprod.composition.upkeep import Upkeep

            rules = self._config.stash[SETTINGS]().play_rules
            self._upkeep = Upkeep(rules.max_age_days, [*self._options(), *self._selection()])
        return self._upkeep

    def _summarise_without_suites(
        self, terminalreporter: pytest.TerminalReporter, noticed: list[str]
    ) -> None:
        """Say what tests that are no evals missed, and what was noticed of their recordings."""
        budgets: list[str] = []
        if self._has_accounts:
            budgets = self._accounts.budget_lines(colour=terminalreporter.hasmarkup)
        if self._result is not None:
            self._annotate(terminalreporter, self._result)
        # Of a run that was stopped before its drills could be decided there is nothing to say.
        has_drills = self._beside.has_results and self._result is not None
        has_misses = self._beside.misses or self._beside.outages
        if not (has_misses or has_drills or noticed or budgets):
            return
        from pytest_llmprod.report import terminal, unanswered  # brings what only a summary needs

        options = [*self._options(), *self._selection()]
        found = unanswered.missing_of(self._unanswered(), options, has_others=False)
        missing = terminal.render_misses(found)
        drills = [] if self._result is None else terminal.render_drills(self._result)
        drills += self._overdue
        if self._result is not None:
            is_quiet = terminalreporter.verbosity < 0
            drills += terminal.render_scorecards(self._result, is_quiet=is_quiet)
        lines = [*drills, *budgets, *noticed, *missing]
        if terminalreporter.verbosity < 0:
            told = [*drills, *budgets[:1], *missing] if drills else missing
            first, *rest = told or [*budgets, *noticed][:1]
            lines = [f"llmprod: {first}", *rest]
        else:
            terminalreporter.ensure_newline()
            terminalreporter.section("llmprod")
        for line in lines:
            terminalreporter.write_line(line)

    def _options(self) -> list[str]:
        """Return our options by which the tests of this run are run again."""
        flag = ["--llm-eval"] if self._config.option.llm_eval else []
        return [*flag, *self._config.stash[SETTINGS]().options]

    def _capped_words(self) -> list[str]:
        """Return all by which the tests of this run are run again under its spend cap."""
        cap = f"--llm-max-spend={self._config.stash[SETTINGS]().max_spend_usd}"
        return [*self._options(), cap, *self._selection()]

    def _selection(self) -> list[str]:
        """Return the options and the names by which this run chose its tests.

        A command without them would run, and pay for, more.
        """
        option = self._config.option
        words = []
        for name, flag in (("keyword", "-k"), ("markexpr", "-m")):
            if getattr(option, name, ""):
                words += [flag, getattr(option, name)]
        words += ["--lf"] if getattr(option, "lf", False) else []
        for name, flag in (("deselect", "--deselect"), ("ignore", "--ignore")):
            words += [f"{flag}={each}" for each in getattr(option, name, None) or ()]
        is_named = self._config.args_source == pytest.Config.ArgsSource.ARGS
        return [*words, *(self._config.args if is_named else ())]

    def _gathered(self) -> "Run":
        if self._run is None:
            self._run = self._new_run(self._config.stash[SETTINGS]())
        return self._run

    def _new_run(self, settings: "Settings") -> "Run":
        from pytest_llmprod.run import Run  # brings the evals: only a run with evals needs it

        hook = self._config.hook
        return Run(
            settings,
            run_id=self._config.stash[RUN_ID],
            started_at=self._started_at,
            overrule=lambda result: hook.pytest_llmprod_verdict(result=result),
        )

    def _fold_recordings(self, session: pytest.Session) -> None:
        """Write what was recorded into the cassettes."""
        if self._config.option.llm_record == "none":
            return
        from pytest_llmprod.wire.cassettes import folding  # only a run that records needs it

        run = self._run
        whole = run is not None and run.is_complete and not run.has_skipped
        whole = whole and not self._narrowing(session)
        try:
            folded = folding.fold(
                self._config.rootpath, self._config.stash[RUN_ID], whole=whole, rekey=self._rekey
            )
            self._has_recorded = bool(folded.count)
            if folded.cassettes or self._picked_up:
                self._noticed().folded(folded, picked_up=self._picked_up)
        except LlmprodError as error:
            self._report(session, "cassettes::written", str(error))

    def _rekey(self, request: Mapping[str, Any]) -> str:
        """Return the key of a stored request, as the dialects and scanners of this run see it."""
        from pytest_llmprod.wire.key import stored_key  # only a run that records needs it

        dialects = [each for part in self._config.hook.pytest_llmprod_dialects() for each in part]
        scanners = [each for part in self._config.hook.pytest_llmprod_scanners() for each in part]
        return stored_key(request, dialects, scanners)

    def _decide(self, session: pytest.Session, run: "Run", objection: str) -> None:
        from pytest_llmprod.hooks import emitted  # only a run that decides something needs it

        suites = run.decide(judging=not objection)
        for suite in suites:
            if not run.is_old_model(suite):
                emitted.report_gate(session, suite)
        self._fail_without_answer(session, suites)
        self._note_looks(session, run, suites)
        gates, note = self._write_gates(session, run, suites, objection)
        result = self._accounts.added_to(self._run_result(run, suites, note, gates, objection))
        if self._config.option.llm_fallback_only:
            # Only such a run needs it.
            from pytest_llmprod.composition.fallback_scores import fallback_scores

            result = replace(result, fallbacks=fallback_scores(run.settings.rootpath, suites))
        self._result = self._compared(session, run, result)
        self._write_json(session, run)
        self._write_pages(session, run)

    def _compared(self, session: pytest.Session, run: "Run", result: "RunResult") -> "RunResult":
        """Return the run compared with what it is to be compared with: a report for each suite."""
        from pytest_llmprod.core.files import BASELINE_NAME  # only a run with evals needs it

        rootpath = run.settings.rootpath
        if not result.models and not (rootpath / BASELINE_NAME).exists():
            return result
        from pytest_llmprod.composition import regressions  # only a run that is compared needs it

        try:
            if result.models:
                is_strict = run.settings.is_strict
                result, findings = regressions.compare_models(result, is_strict=is_strict)
            elif result.objection or not run.is_complete or self._narrowing(session):
                return result
            else:
                result, findings = regressions.compare_with_baseline(result, rootpath)
        except StoredRunError as error:
            self._report(session, "llmprod-baseline.json::read", str(error))
            return result
        for found in findings:
            self._report(session, found.nodeid, found.failure, found.properties)
        return result

    def _report_gone(self, session: pytest.Session) -> None:
        """Fail a run that has no eval any more, where the accepted one had some."""
        option, settings = self._config.option, self._config.stash[SETTINGS]
        if not option.llm_eval or option.collectonly or option.llm_plan or option.llm_models:
            return
        from pytest_llmprod.core.files import BASELINE_NAME  # only a run for evals needs it

        rootpath = self._config.rootpath
        if not (rootpath / BASELINE_NAME).exists() or self._narrowing(session):
            return
        run = self._new_run(settings())
        self._compared(session, run, self._run_result(run, [], ""))

    def _fail_without_answer(self, session: pytest.Session, suites: "list[SuiteResult]") -> None:
        """Fail a recording run in which nobody answered a case, though a fallback may hide it."""
        if self._config.option.llm_record == "none" or self._accounts.is_capped:
            return
        from pytest_llmprod.hooks.emitted import nodeid_of  # only a run with evals needs it
        from pytest_llmprod.report.unanswered import unrecorded_text

        reasons = "; ".join(sorted(set(self._beside.outages.values())))
        why = f" ({reasons})" if reasons else ""
        for test, suite in {suite.test: suite for suite in suites}.items():
            if suite.unrecorded:
                text = (
                    f"{unrecorded_text([suite], ' from a model')}{why}. Their "
                    f"recordings stay as they were. Mend the key, the address of the provider or "
                    f"the name of the model, and give the same command again."
                )
                self._report(session, nodeid_of(test, "answered"), text)

    def _run_result(
        self,
        run: "Run",
        suites: "list[SuiteResult]",
        note: str,
        gates: Any = None,
        objection: str = "",
    ) -> "RunResult":
        # Only a run that decides needs these.
        from pytest_llmprod.composition.carried import settings_of
        from pytest_llmprod.core.part import Part

        unanswered = self._unanswered()
        left_out: set[str] = self._config.stash[LEFT_OUT]
        part = Part(
            settings=settings_of(run.settings, self._config.inipath),
            left_out=tuple(sorted(left_out)),
            incomplete=self._incomplete or self._gap,
            tests={} if self._carried is None else self._carried.tests,
        )
        result = run.result(
            suites,
            gates=gates or {},
            gates_note=note,
            selection=self._selection(),
            misses=unanswered.misses,
            objection=objection,
        )
        return replace(
            result,
            unanswered=unanswered,
            part=part,
            drills=self._beside.drills(),
            scorecards=self._beside.scorecards(),
            mode_tests=self._beside.mode_tests(),
        )

    def _note_drills(self, session: pytest.Session) -> None:
        """Keep the evidence of drills in the history, and say which features are overdue."""
        if not self._beside.has_drills:
            return
        from pytest_llmprod.composition import drill_history  # only a run with drills needs it

        results, now = self._beside.drills_with_verdicts(), datetime.now(UTC)
        rootpath, settings = self._config.rootpath, self._config.stash[SETTINGS]()
        every_days = settings.drill_every_days
        self._overdue = drill_history.told(rootpath, results, now, every_days)
        option = self._config.option
        if self._narrowing(session) or option.markexpr or option.deselect:
            return  # who left some drills out has no evidence that the feature survives all
        try:
            drill_history.note(rootpath, results, now)
        except LlmprodError as error:
            self._unkept = str(error)

    def _note_evidence(self, session: pytest.Session) -> None:
        """Keep in the history which guardrails and logs were tested, and which models compared."""
        swaps = () if self._result is None else self._result.swaps
        option = self._config.option
        is_part = self._narrowing(session) or option.markexpr or option.deselect
        if is_part or not (self._beside.has_evidence or swaps):
            return
        from pytest_llmprod.composition import evidence_history  # only a run with evidence needs it

        rows = [
            *evidence_history.swap_rows(swaps),
            *evidence_history.guard_rows(self._beside.mode_tests(), self._beside.scorecards()),
            *evidence_history.contract_rows(self._beside.contracts.values()),
        ]
        try:
            evidence_history.note(self._config.rootpath, rows, datetime.now(UTC))
        except LlmprodError as error:
            self._unkept = str(error)

    def _audit(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Close the summary with the audit of the project."""
        # Only who asks for it needs it.
        from pytest_llmprod.composition.auditing import audit_project
        from pytest_llmprod.report import audit as report

        try:
            found = audit_project(self._config.rootpath, datetime.now(UTC))
        except LlmprodError as error:
            terminalreporter.write_line(f"llmprod: {error}", red=True)
            return
        if terminalreporter.verbosity < 0:
            lines = report.render_quiet(found)
            lines[0] = f"llmprod: {lines[0]}"
        else:
            terminalreporter.ensure_newline()
            terminalreporter.section("llmprod audit")
            lines = report.render(found, colour=terminalreporter.hasmarkup)
        for line in lines:
            terminalreporter.write_line(line)

    def _unanswered(self) -> "Unanswered":
        """Return what got no answer in all tests."""
        found = self._beside.unanswered(self._config.option.llm_record)
        return replace(found, is_capped=self._accounts.is_capped)

    def _write_gates(
        self, session: pytest.Session, run: "Run", suites: "list[SuiteResult]", objection: str
    ) -> tuple[Any, str]:
        incomplete = "" if run.is_complete else "not every case was judged"
        obstacle = objection or self._narrowing(session) or incomplete or self._other_model(run)
        if obstacle:
            return {}, f"gates not written: {obstacle}"
        try:
            gates = run.write_gates(suites, datetime.now(UTC))
        except LlmprodError as error:
            self._report(session, "llmprod-gates.json::written", str(error))
            return {}, "gates not written: see the failure above"
        return gates, ""

    def _note_looks(self, session: pytest.Session, run: "Run", suites: "list[SuiteResult]") -> None:
        """Count the new answers of a run that recorded, also one of a single test function."""
        if self._config.option.llm_record in ("none", "verify") or self._other_model(run):
            return
        try:
            is_whole = run.is_complete and not self._narrowing(session)
            run.note_looks(suites, is_whole=is_whole)
        except LlmprodError as error:
            self._report(session, "llmprod-looks.json::written", str(error))

    def _write_json(self, session: pytest.Session, run: "Run") -> None:
        path = run.settings.json_path
        if path is None or self._result is None:
            return
        from pytest_llmprod.core.files import write_whole
        from pytest_llmprod.report import data

        try:
            write_whole(path, data.to_json(self._result).encode())
        except OSError as error:
            self._report(
                session,
                "llmprod-json::written",
                f"{path}: cannot be written ({error.strerror}). Name another file with --llm-json.",
            )

    def _write_pages(self, session: pytest.Session, run: "Run") -> None:
        """Write the reports for people, where they are asked for or GitHub shows them."""
        settings = run.settings
        is_asked = settings.html_path is not None or settings.markdown_path is not None
        if self._result is None or not (is_asked or os.environ.get("GITHUB_STEP_SUMMARY")):
            return
        from pytest_llmprod.composition import written  # brings what only a page needs

        notes = self._notes(self._result)
        if settings.max_spend_usd is not None:
            words = self._capped_words()
            notes += self._accounts.spend_notes(self._config.stash[RUN_ID], words)
        for nodeid, failure in written.write(self._result, notes, settings, os.environ):
            self._report(session, nodeid, failure)

    def _narrowing(self, session: pytest.Session) -> str:
        """Return why this run may have left out evals, or ''."""
        option = self._config.option
        for name, flag in (("keyword", "-k"), ("maxfail", "-x"), ("lf", "--lf")):
            if getattr(option, name, None):
                return f"a run with {flag} never writes them"
        if option.llm_record == "verify":
            return "--llm-record=verify writes nothing"
        if any("::" in argument for argument in self._config.args):
            return "single tests were named"
        if self._config.stash[NARROWED]:
            return f"{self._config.stash[NARROWED]} evals were deselected"
        return self._missing(session)

    def _missing(self, session: pytest.Session) -> str:
        """Return why something has not come that was to come, or ''."""
        if self._incomplete:
            return "the run is INCOMPLETE, see the failure above"
        if self._has_collection_errors:
            return "not every file could be collected"
        if session.shouldstop or session.shouldfail:
            return "the run was stopped early"
        return ""

    def _unmet_swap(self, session: pytest.Session) -> str:
        """Return which --llm-swap or --llm-models met no request, though some were made, or ''.

        What is in no recording has not told its model, and a run that was stopped not every one.
        """
        if (
            not self._beside.asked
            or self._beside.misses
            or session.shouldstop
            or session.shouldfail
        ):
            return ""
        asked = ", ".join(sorted(self._beside.asked))
        choice = self._config.stash[SETTINGS]().choice
        if choice.models and self._beside.asked.isdisjoint(choice.models):
            return f"--llm-models {','.join(choice.models)} met no request; asked: {asked}"
        for old, new in choice.swaps.items():
            if new not in self._beside.asked:
                return f"--llm-swap {old}={new} met no request; asked: {asked}"
        return ""

    def _fallback_only(self) -> str:
        """Return that no model was asked, or ''."""
        if not self._config.option.llm_fallback_only:
            return ""
        from pytest_llmprod.composition.fallback_scores import OBJECTION  # only such a run needs it

        return OBJECTION

    def _other_model(self, run: "Run") -> str:
        """Return that the run asked another model, or ''."""
        choice = run.settings.choice
        if choice.models:
            return "a run with --llm-models only compares models"
        if choice.override or choice.swaps:
            option = "--llm-model" if choice.override else "--llm-swap"
            return f"{option} asks another model than the application does"
        return ""

    def _report(
        self,
        session: pytest.Session,
        nodeid: str,
        failure: str,
        properties: "Sequence[tuple[str, object]]" = (),
    ) -> None:
        """Log a test report that no test made: passed, or failed with a text."""
        from pytest_llmprod.hooks import emitted  # only a run that decides something needs it

        emitted.report(session, nodeid, failure, properties)
