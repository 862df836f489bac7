"""Upkeep: what a run noticed about its recordings, from whichever process.

Nothing where there is nothing to notice: the lines are for the summary.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from pytest_llmprod.core.drift import Drift, Verified
from pytest_llmprod.report import upkeep
from pytest_llmprod.wire.cassettes.folding import Folded


class Upkeep:
    """Gathers what tests say of their recordings."""

    def __init__(self, max_age_days: int | None, options: Sequence[str]) -> None:
        """Make an upkeep that has heard nothing; `options` run the tests of this run again."""
        self._options = options
        self._max_age_days = max_age_days
        self._verified: list[Verified] = []
        self._aging: Counter[str] = Counter()
        self._drifts: set[Drift] = set()
        self._recorded: list[str] = []

    def add(self, row: Mapping[str, Any]) -> None:
        """Take what the report of one test carries."""
        self._verified += [Verified(**each) for each in row.get("verified", ())]
        if "aging" in row:
            self._aging[row["aging"]] += 1

    def folded(self, folded: Folded, *, picked_up: int) -> None:
        """Take what became of the recordings of this run, and how many another had left."""
        self._drifts |= folded.drifts
        self._recorded = upkeep.recorded_lines(
            count=folded.count,
            cassettes=folded.cassettes,
            dropped=folded.dropped,
            picked_up=picked_up,
        )

    def lines(self) -> list[str]:
        """Return the lines of the summary."""
        return [
            *self._recorded,
            *upkeep.verified_lines(self._verified),
            *upkeep.aging_lines(self._aging, self._max_age_days, self._options),
            *upkeep.drift_lines(self._drifts),
        ]
