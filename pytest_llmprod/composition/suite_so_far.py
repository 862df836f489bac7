"""Suite so far: what the reports of one suite have told, by case and by repeat."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_llmprod.budgets.prices import Bill
from pytest_llmprod.composition.case_row import Asked, Row, asked_of, bill_of, exchanges_of
from pytest_llmprod.core.text import natural
from pytest_llmprod.evals.looks import Answers


@dataclass(slots=True)
class SuiteSoFar:
    """What the reports of one suite said: its marker, and the last row of each repeat of a case.

    `meta` is the marker as plain JSON, which some row brings. `bills` holds what the requests of a
    case cost.
    """

    meta: Mapping[str, Any] = field(default_factory=dict)
    rows: dict[Asked, Row] = field(default_factory=dict)
    bills: dict[Asked, Bill] = field(default_factory=dict)

    def add(self, row: Row) -> None:
        """Take the row of one case. A case that ran again replaces its earlier row."""
        if "meta" in row:
            row = dict(row)
            self.meta = row.pop("meta")
        asked = asked_of(row)
        before = self.rows.get(asked, {})
        if before.get("unrecorded"):  # what one try missed, another may have got from a cache
            tries = [each for each in (before, row) if each.get("unrecorded")]
            asked_less = all(each.get("unplayed") for each in tries)
            row = {**row, "unrecorded": True, "unplayed": asked_less}
        self.rows[asked] = row
        self.bills.pop(asked, None)

    @property
    def is_judgeable(self) -> bool:
        """Say whether every case has come, and none asked what is in no recording."""
        if len(self.rows) != self.meta.get("cases", 0) * self.meta.get("repeats", 1):
            return False
        return not any(row.get("unrecorded") for row in self.rows.values())

    @property
    def has_skipped(self) -> bool:
        """Say whether a case was skipped."""
        return any(row["outcome"] == "skip" for row in self.rows.values())

    def bill(self, row: Row) -> Bill:
        """Return what the requests of a case cost."""
        asked = asked_of(row)
        bill = self.bills.get(asked)
        if bill is None:
            bill = self.bills[asked] = bill_of(exchanges_of(row))
        return bill

    def in_order(self) -> list[Row]:
        """Return the row of each repeat of each case, numbers in ids by their value."""
        asked = sorted(self.rows, key=lambda each: (natural(each[0]), each[1]))
        return [self.rows[each] for each in asked]

    def answers(self) -> Answers:
        """Return what tells the answers of this suite from others to the same requests."""
        rows = self.rows.values()
        return Answers.of(
            times=[
                # To the digits that a cassette keeps: a replay must read like the run that
                # recorded.
                (*asked_of(row), each.get("recorded_at", ""), round(each.get("latency_s", 0.0), 6))
                for row in rows
                for each in row.get("exchanges", ())
            ],
            requests=[(row["case"], row.get("asked", "")) for row in rows],
        )
