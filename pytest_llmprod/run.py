"""Run: what one pytest invocation left behind, and what is decided from it.

Lives in the one process that sees every report: that of pytest itself, or the xdist controller.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from pytest_llmprod.composition.case_row import Row, case_result
from pytest_llmprod.composition.suite_result import SuiteResults
from pytest_llmprod.composition.suite_so_far import SuiteSoFar
from pytest_llmprod.core.errors import LlmprodError, PricesError
from pytest_llmprod.core.results import CaseResult, RunResult, SuiteResult
from pytest_llmprod.core.verdict import Verdict
from pytest_llmprod.evals import gates_file
from pytest_llmprod.evals.looks import LooksFile
from pytest_llmprod.gates import FILE_NAME
from pytest_llmprod.settings import Settings


class Run:
    """Gathers the rows of all cases, and decides when the last has come.

    `overrule` lets plugins replace a verdict.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        run_id: str,
        started_at: datetime,
        overrule: Callable[[SuiteResult], Verdict | None],
    ) -> None:
        """Make a run without rows."""
        self.settings = settings
        self.run_id = run_id
        self._started_at = started_at
        self._overrule = overrule
        self._suites: dict[str, SuiteSoFar] = {}
        self._looks = LooksFile(settings.rootpath)
        self._results = SuiteResults(settings, self._looks, started_at)

    @property
    def is_complete(self) -> bool:
        """Say whether every case of every suite has come, and was judged from an answer."""
        return all(each.is_judgeable for each in self._suites.values())

    @property
    def has_skipped(self) -> bool:
        """Say whether a case was skipped."""
        return any(suite.has_skipped for suite in self._suites.values())

    def is_old_model(self, suite: SuiteResult) -> bool:
        """Say whether a suite is that of the old model, with which the others are compared."""
        return bool(suite.model) and suite.model == self.settings.choice.models[0]

    def add(self, row: Row) -> None:
        """Take the row of one case. A case that ran again replaces its earlier row."""
        suite = self._suites.setdefault(row["suite"], SuiteSoFar())
        if self.settings.is_fallback_only:
            row = {**row, "exchanges": ()}  # what nobody answered says nothing of a model
        suite.add(row)

    def decide(self, *, judging: bool = True) -> list[SuiteResult]:
        """Return the result of each suite and metric, suites in the order of their tests' names.

        Without `judging` no suite gets a verdict. Raises PricesError where costs are unknown
        because the prices could not be read.
        """
        self._refuse_unread_prices()
        results = [
            self._results.of(suite, metric)
            for _, suite in sorted(self._suites.items())
            for metric in suite.meta["threshold"]
        ]
        if judging:
            return [self._overruled(result) for result in results]
        return [replace(result, verdict=None) for result in results]

    def _refuse_unread_prices(self) -> None:
        for suite in self._suites.values():
            for row in suite.rows.values():
                if "prices_problem" in row:
                    raise PricesError(row["prices_problem"])

    def cases(self) -> list[CaseResult]:
        """Return the result of each case, in the order of suites and of ids.

        The order of arrival would differ from run to run under xdist.
        """
        return [
            case_result(
                name,
                # The row that brought the marker may have been replaced by one of the same case.
                row if number else {**row, "meta": suite.meta},
                suite.bill(row),
                suite.meta["threshold"],
            )
            for name, suite in sorted(self._suites.items())
            for number, row in enumerate(suite.in_order())
        ]

    def write_gates(
        self, suites: Sequence[SuiteResult], now: datetime
    ) -> Mapping[str, Mapping[str, Any]]:
        """Write the gates of a whole run and return them; raises GatesFileError."""
        deciding = [suite for suite in suites if not suite.is_report_only]
        valid_days = self.settings.gate_valid_days
        entries = gates_file.gate_entries(deciding, now=now, valid_days=valid_days)
        return gates_file.write(
            self.settings.rootpath / FILE_NAME,
            entries,
            run_id=self.run_id,
            now=now,
            report_only={(suite.test, suite.metric) for suite in suites if suite.is_report_only},
        )

    def note_looks(self, suites: Sequence[SuiteResult], *, is_whole: bool) -> None:
        """Note which new answers were judged; raises LooksFileError.

        A run that `is_whole` drops the looks at tests that are gone.

        A run that records nothing shows nothing new. Neither does one that fails by its errors: it
        says something about the application, and hardly anything about its answers.
        """
        for suite in suites:
            found = self._suites[suite.test]
            is_new = suite.source in ("live", "partly live")
            if suite.verdict and is_new and suite.errors <= found.meta["max_errors"]:
                is_open = suite.verdict.is_open
                self._looks.note(found.meta, suite.metric, found.answers(), is_open=is_open)
        self._looks.save(is_whole=is_whole)

    def result(
        self,
        suites: Sequence[SuiteResult],
        *,
        gates: Mapping[str, Mapping[str, Any]],
        gates_note: str,
        selection: Sequence[str],
        misses: Mapping[str, int],
        objection: str,
    ) -> RunResult:
        """Return everything that reports print; RunResult says what the arguments mean."""
        return RunResult(
            run_id=self.run_id,
            started_at=self._started_at.isoformat(timespec="seconds"),
            suites=tuple(suites),
            cases=tuple(self.cases()),
            gates=gates,
            gates_note=gates_note,
            options=("--llm-eval", *self.settings.options),
            models=self.settings.choice.models,
            stored_as="" if self.settings.json_path is None else str(self.settings.json_path),
            selection=tuple(selection),
            misses=misses,
            objection=objection,
        )

    def _overruled(self, result: SuiteResult) -> SuiteResult:
        if result.verdict is None:
            return result
        verdict = self._overrule(result)
        if verdict is None:
            return result
        if not isinstance(verdict, Verdict):
            raise LlmprodError(
                f"the hook pytest_llmprod_verdict must return a Verdict or None, not {verdict!r}"
            )
        return replace(result, verdict=verdict)
