"""Beside cases: what reports of tests carry that is no row of an eval's case.

A test that ran again counts once: what its last report says.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_llmprod.core.drilling import DrillResult
    from pytest_llmprod.core.mode_test import ModeTest
    from pytest_llmprod.core.results import Unanswered
    from pytest_llmprod.core.scorecard import ScorecardResult

Row = Mapping[str, Any]


class BesideCases:
    """What the tests of a run told of misses, drills, guardrails and models, by their node ids.

    `asked` are the models that were asked in a run that swaps some, and `outages` says why a test
    got no answer of a model. `contracts` says of tests of the application's own log whether they
    passed.
    """

    def __init__(self) -> None:
        """Make one that was told nothing."""
        self.asked: set[str] = set()
        self.misses: dict[str, Row] = {}
        self.outages: dict[str, str] = {}
        self.contracts: dict[str, bool] = {}
        self._drills: dict[str, Row] = {}
        self._undrilled: dict[str, str] = {}  # the features of drills without a verdict
        self._modes: dict[str, Sequence[Row]] = {}
        self._scorecards: dict[str, Sequence[Row]] = {}

    def take(self, report: Any) -> None:
        """Take one report of a test."""
        for name, kept in (
            ("llmprod_misses", self.misses),
            ("llmprod_outage", self.outages),
            ("llmprod_drill", self._drills),
            ("llmprod_undrilled", self._undrilled),
            ("llmprod_modes", self._modes),
            ("llmprod_contract", self.contracts),
            ("llmprod_scorecards", self._scorecards),
        ):
            told = getattr(report, name, None)
            if told not in (None, "", {}):
                kept[report.nodeid] = told

    @property
    def has_drills(self) -> bool:
        """Say whether a drill has run."""
        return bool(self._drills)

    @property
    def has_results(self) -> bool:
        """Say whether there is something that a report of the run tells: a drill, a guardrail."""
        return bool(self._drills or self._modes or self._scorecards)

    @property
    def has_evidence(self) -> bool:
        """Say whether the history may keep something of the tests of guardrails, or of the log."""
        return bool(self._modes or self.contracts)

    def drills(self) -> "tuple[DrillResult, ...]":
        """Return what became of each drill, in the order of their names.

        Under xdist they arrive in any order; the catalogue's is that of the names in a file.
        """
        from pytest_llmprod.core.drilling import DrillResult  # only a run that decides needs it

        return tuple(DrillResult.from_json(row) for _, row in sorted(self._drills.items()))

    def drills_with_verdicts(self) -> "tuple[DrillResult, ...]":
        """Return the drills of features of which none failed without a verdict: the evidence."""
        without = set(self._undrilled.values())
        return tuple(each for each in self.drills() if each.feature not in without)

    def mode_tests(self) -> "tuple[ModeTest, ...]":
        """Return which ways to fail the tests of guardrails cover."""
        if not self._modes:
            return ()
        from pytest_llmprod.core.mode_test import ModeTest  # only a run with some needs it

        return tuple(ModeTest(**row) for _, rows in sorted(self._modes.items()) for row in rows)

    def scorecards(self) -> "tuple[ScorecardResult, ...]":
        """Return how guardrails did."""
        if not self._scorecards:
            return ()
        from pytest_llmprod.core.scorecard import ScorecardResult  # only a run with some needs it

        rows = [row for _, rows in sorted(self._scorecards.items()) for row in rows]
        return tuple(map(ScorecardResult.from_json, rows))

    def was_only_refused(self, test: str) -> bool:
        """Say whether a test got no answer because a request must not leave, and not otherwise.

        The cases that asked for it have failed, and say what mends that.
        """
        from pytest_llmprod.evals.standing import function_of  # only a run with evals needs it

        function = function_of(test)
        is_refused = any(
            row["refused"] for nodeid, row in self.misses.items() if function_of(nodeid) == function
        )
        return is_refused and not any(function_of(each) == function for each in self.outages)

    def unanswered(self, record: str) -> "Unanswered":
        """Return what got no answer in all tests of a run in this mode."""
        from pytest_llmprod.report import misses  # brings what only a summary needs

        return misses.total(self.misses.values(), self.outages.values(), record)
