"""Gathered: what the reports of a run have told, and what was made of it so far.

Lives beside the Collector, which fills it. What it imports at the top is light, for it is part of
every pytest run.
"""

from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pytest

from pytest_llmprod.composition.beside_cases import BesideCases
from pytest_llmprod.hooks.scope import Scope
from pytest_llmprod.hooks.stash import LEFT_OUT, RUN_ID

if TYPE_CHECKING:
    from pytest_llmprod.composition.shard_parts import Carried
    from pytest_llmprod.composition.upkeep import Upkeep
    from pytest_llmprod.core.results import RunResult, SuiteResult, Unanswered
    from pytest_llmprod.hooks.accounts import Accounts
    from pytest_llmprod.run import Run


class Gathered:
    """All that the process knows that sees every report.

    `run` holds the cases of evals, None where none came; `beside` what other tests told. `carried`
    is kept for the one who joins this run with others. `upkeep` is what was noticed of recordings.
    `result` is what was decided, None before, and `overdue` says which features want a drill.
    `lost_evidence` says why the history does not keep what this run has shown, '' where it does.
    """

    def __init__(self, config: pytest.Config, scope: Scope, started_at: datetime) -> None:
        """Make one that was told nothing."""
        self._config = config
        self._scope = scope
        self._started_at = started_at
        self._supplied: list[str] | None = None
        self.beside = BesideCases()
        self.run: Run | None = None
        self.upkeep: Upkeep | None = None
        self.carried: Carried | None = None
        self.result: RunResult | None = None
        self.overdue: list[str] = []
        self.lost_evidence = ""
        self.has_recorded = False

    @cached_property
    def accounts(self) -> "Accounts":
        """Return the calls and the money of this run; only one with budgets or a cap needs them."""
        from pytest_llmprod.hooks.accounts import Accounts

        return Accounts(lambda: self._scope.settings, self._started_at)

    @property
    def has_accounts(self) -> bool:
        """Say whether a test told of its calls, or of a spend cap that kept it from some."""
        return "accounts" in self.__dict__

    @property
    def has_budgets(self) -> bool:
        """Say whether a test came to which a budget applies."""
        return self.has_accounts and self.accounts.has_calls

    @property
    def has_something_to_tell(self) -> bool:
        """Say whether a run without cases has noticed, missed or decided something."""
        beside = self.beside
        has_lines = self.upkeep is not None or self.has_budgets or self.result is not None
        return bool(has_lines or beside.misses or beside.outages)

    def take(self, report: Any) -> None:
        """Take the row of a case, and what any test missed; a test that ran again counts once."""
        if self._config.option.llm_json is not None:
            self._keep(report)
        row = getattr(report, "llmprod", None)
        if row is not None:
            if self.run is None:
                self.run = self.new_run()
            self.run.add(row)
        if hasattr(report, "llmprod_calls") or hasattr(report, "llmprod_stop"):
            self.accounts.take(report)
        noticed = getattr(report, "llmprod_wire", None)
        if noticed is not None:
            self.noticed().add(noticed)
            self.beside.asked.update(noticed.get("asked", ()))
        self.beside.take(report)

    def _keep(self, report: Any) -> None:
        if self.carried is None:
            # Only a run that is stored needs it.
            from pytest_llmprod.composition.shard_parts import Carried

            self.carried = Carried()
        self.carried.take(report)

    def noticed(self) -> "Upkeep":
        """Return where to write what is noticed of recordings."""
        if self.upkeep is None:
            # Only a run with something to tell needs it.
            from pytest_llmprod.composition.upkeep import Upkeep

            rules = self._scope.settings.play_rules
            self.upkeep = Upkeep(rules.max_age_days, self._scope.words())
        return self.upkeep

    def noticed_lines(self) -> list[str]:
        """Return what was noticed of recordings."""
        return [] if self.upkeep is None else self.upkeep.lines()

    def new_run(self) -> "Run":
        """Return a run without a case."""
        from pytest_llmprod.run import Run  # brings the evals: only a run with evals needs it

        hook = self._config.hook
        return Run(
            self._scope.settings,
            run_id=self._config.stash[RUN_ID],
            started_at=self._started_at,
            overrule=lambda result: hook.pytest_llmprod_verdict(result=result),
        )

    def unanswered(self) -> "Unanswered":
        """Return what got no answer in all tests."""
        found = self.beside.unanswered(self._config.option.llm_record)
        return replace(found, is_capped=self.accounts.is_capped)

    def result_of(
        self,
        run: "Run",
        suites: "list[SuiteResult]",
        note: str,
        gates: Any = None,
        objection: str = "",
    ) -> "RunResult":
        """Return what is known of a run; `note` says why no gates were written, '' where they were.

        `gates` is what the gates file says of each feature, None where nothing was written.
        """
        # Only a run that decides needs these.
        from pytest_llmprod.composition.shard_parts import settings_of
        from pytest_llmprod.core.part import Part

        unanswered = self.unanswered()
        left_out: set[str] = self._config.stash[LEFT_OUT]
        part = Part(
            settings=settings_of(run.settings, self._config.inipath),
            left_out=tuple(sorted(left_out)),
            incomplete=self._scope.incomplete or self._scope.gap,
            tests={} if self.carried is None else self.carried.tests,
        )
        result = run.result(
            suites,
            gates=gates or {},
            gates_note=note,
            selection=self._scope.selection(),
            misses=unanswered.misses,
            objection=objection,
        )
        return replace(
            result,
            unanswered=unanswered,
            part=part,
            drills=self.beside.drills(),
            scorecards=self.beside.scorecards(),
            mode_tests=self.beside.mode_tests(),
        )

    def notes(self, result: "RunResult") -> list[str]:
        """Return what was noticed of recordings, and what plugins say; they are asked once."""
        if self._supplied is None:
            supplied = self._config.hook.pytest_llmprod_summary(result=result)
            self._supplied = [str(line) for part in supplied for line in part]
        beside = []
        if result.fallbacks:
            from pytest_llmprod.report.fallback import fallback_lines  # only such a run needs it

            errors = {each.test: each.errors for each in result.suites}
            beside = fallback_lines(result.fallbacks, errors)
        return [*self.strange(result), *beside, *self.noticed_lines(), *self._supplied]

    def strange(self, result: "RunResult") -> list[str]:
        """Return which features of this run have names that are likely to be wrong."""
        features = self._scope.settings.features
        if not (features or result.drills or result.mode_tests):
            return []
        # Only a run with something to compare needs it.
        from pytest_llmprod.composition.strange_features import strange_features

        return list(strange_features(result, features))
