"""Deciding: what is done when the last test has ended.

Gates and comparisons become test reports of their own, and files are written: gates, looks, the
history, the reports. Only a run that has something to decide imports this.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from pytest_llmprod.core.errors import LlmprodError, StoredRunError
from pytest_llmprod.core.files import BASELINE_NAME
from pytest_llmprod.hooks import emitted
from pytest_llmprod.hooks.gathered import Gathered
from pytest_llmprod.hooks.reports import Reports
from pytest_llmprod.hooks.scope import Scope
from pytest_llmprod.hooks.stash import RUN_ID

if TYPE_CHECKING:
    from pytest_llmprod.core.results import RunResult, SuiteResult
    from pytest_llmprod.run import Run


class Decider:
    """Decides one run, once."""

    def __init__(
        self, session: pytest.Session, scope: Scope, gathered: Gathered, reports: Reports
    ) -> None:
        """Make the decider of a run whose tests have ended."""
        self._session = session
        self._config = session.config
        self._scope = scope
        self._gathered = gathered
        self._reports = reports

    def decide(self, run: "Run", objection: str) -> None:
        """Judge all suites, write the gates, and compare the run.

        Where there is an `objection` nothing is judged. Raises LlmprodError where rows of cases do
        not fit together.
        """
        objection = objection or self._fallback_only()
        suites = run.decide(judging=not objection)
        for suite in suites:
            if not run.is_old_model(suite):
                emitted.report_gate(self._session, suite)
        self._fail_without_answer(suites)
        self._note_looks(run, suites)
        gates, note = self._write_gates(run, suites, objection)
        result = self._gathered.result_of(run, suites, note, gates, objection)
        result = self._gathered.accounts.added_to(result)
        if self._config.option.llm_fallback_only:
            # Only such a run needs it.
            from pytest_llmprod.composition.fallback_scores import fallback_scores

            result = replace(result, fallbacks=fallback_scores(run.settings.rootpath, suites))
        self._gathered.result = self._compared(run, result)

    def decide_without_suites(self) -> None:
        """Note what a run without evals found: of budgets, of drills, of a shard, of an audit."""
        self._report_gone()
        option = self._config.option
        if option.llm_plan or option.collectonly:
            return
        gathered = self._gathered
        if self._reports.are_wanted() or gathered.has_budgets or gathered.beside.has_results:
            run = gathered.new_run()
            gathered.result = gathered.accounts.added_to(gathered.result_of(run, [], "no eval ran"))

    def _fallback_only(self) -> str:
        """Return that no model was asked, or ''."""
        if not self._config.option.llm_fallback_only:
            return ""
        from pytest_llmprod.composition.fallback_scores import OBJECTION  # only such a run needs it

        return OBJECTION

    def _compared(self, run: "Run", result: "RunResult") -> "RunResult":
        """Return the run compared with what it is to be compared with: a report for each suite."""
        rootpath = run.settings.rootpath
        if not result.models and not (rootpath / BASELINE_NAME).exists():
            return result
        from pytest_llmprod.composition import regressions  # only a run that is compared needs it

        try:
            if result.models:
                is_strict = run.settings.is_strict
                result, findings = regressions.compare_models(result, is_strict=is_strict)
            elif result.objection or not run.is_complete or self._scope.narrowing(self._session):
                return result
            else:
                result, findings = regressions.compare_with_baseline(result, rootpath)
        except StoredRunError as error:
            self._report("llmprod-baseline.json::read", str(error))
            return result
        for found in findings:
            self._report(found.nodeid, found.failure, found.properties)
        return result

    def _report_gone(self) -> None:
        """Fail a run that has no eval any more, where the accepted one had some."""
        option = self._config.option
        if not option.llm_eval or option.collectonly or option.llm_plan or option.llm_models:
            return
        is_accepted = (self._config.rootpath / BASELINE_NAME).exists()
        if is_accepted and not self._scope.narrowing(self._session):
            run = self._gathered.new_run()
            self._compared(run, self._gathered.result_of(run, [], ""))

    def _fail_without_answer(self, suites: "list[SuiteResult]") -> None:
        """Fail a recording run in which nobody answered a case, though a fallback may hide it."""
        if self._config.option.llm_record == "none" or self._gathered.accounts.is_capped:
            return
        from pytest_llmprod.report.unanswered import unrecorded_text  # only a run that records

        beside = self._gathered.beside
        reasons = "; ".join(sorted(set(beside.outages.values())))
        why = f" ({reasons})" if reasons else ""
        for test, suite in {suite.test: suite for suite in suites}.items():
            if suite.unrecorded and not beside.was_only_refused(test):
                whose = "Its" if suite.unrecorded == 1 else "Their"
                text = (
                    f"{unrecorded_text([suite], ' from a model')}{why}. {whose} "
                    f"recordings stay as they were. Mend the key, the address of the provider or "
                    f"the name of the model, and give the same command again."
                )
                self._report(emitted.nodeid_of(test, "answered"), text)

    def _write_gates(
        self, run: "Run", suites: "list[SuiteResult]", objection: str
    ) -> tuple[Any, str]:
        incomplete = "" if run.is_complete else "not every case was judged"
        narrowing = self._scope.narrowing(self._session)
        obstacle = objection or narrowing or incomplete or self._scope.other_model()
        if obstacle:
            return {}, f"gates not written: {obstacle}"
        try:
            gates = run.write_gates(suites, datetime.now(UTC))
        except LlmprodError as error:
            self._report("llmprod-gates.json::written", str(error))
            return {}, "gates not written: see the failure above"
        return gates, ""

    def _note_looks(self, run: "Run", suites: "list[SuiteResult]") -> None:
        """Count the new answers of a run that recorded, also one of a single test function."""
        if self._config.option.llm_record in ("none", "verify") or self._scope.other_model():
            return
        try:
            is_whole = run.is_complete and not self._scope.narrowing(self._session)
            run.note_looks(suites, is_whole=is_whole)
        except LlmprodError as error:
            self._report("llmprod-looks.json::written", str(error))

    def note_drills(self) -> None:
        """Keep the evidence of drills in the history, and say which features are overdue."""
        from pytest_llmprod.composition import drill_history  # only a run with drills needs it

        results = self._gathered.beside.drills_with_verdicts()
        rootpath, now = self._config.rootpath, datetime.now(UTC)
        every_days = self._scope.settings.drill_every_days
        self._gathered.overdue = drill_history.told(rootpath, results, now, every_days)
        if self._scope.is_part(self._session):
            return  # who left some drills out has no evidence that the feature survives all
        try:
            drill_history.note(rootpath, results, now)
        except LlmprodError as error:
            self._gathered.lost_evidence = str(error)

    def note_evidence(self) -> None:
        """Keep in the history which guardrails and logs were tested, and which models compared."""
        result, beside = self._gathered.result, self._gathered.beside
        swaps = () if result is None else result.swaps
        if self._scope.is_part(self._session) or not (beside.has_evidence or swaps):
            return
        from pytest_llmprod.composition import evidence_history  # only a run with evidence needs it

        rows = [
            *evidence_history.swap_rows(swaps),
            *evidence_history.guard_rows(beside.mode_tests(), beside.scorecards()),
            *evidence_history.contract_rows(beside.contracts.values()),
        ]
        try:
            evidence_history.note(self._config.rootpath, rows, datetime.now(UTC))
        except LlmprodError as error:
            self._gathered.lost_evidence = str(error)

    def write_reports(self) -> None:
        """Write the reports, after all that the audit in them takes as evidence."""
        if self._gathered.result is not None:
            self._reports.write(self._session, self._gathered.result, self._notes)

    def _notes(self, result: "RunResult") -> list[str]:
        """Return the notes of a report: also what a spend cap did, which a terminal shows apart."""
        notes = self._gathered.notes(result)
        if self._config.option.llm_max_spend is None:
            return notes
        run_id, words = self._config.stash[RUN_ID], self._scope.capped_words()
        return [*notes, *self._gathered.accounts.spend_notes(run_id, words)]

    def _report(
        self, nodeid: str, failure: str, properties: Sequence[tuple[str, object]] = ()
    ) -> None:
        """Log a test report that no test made: passed, or failed with a text."""
        emitted.report(self._session, nodeid, failure, properties)
