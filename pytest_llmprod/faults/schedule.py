"""Schedule: which request of a test gets which fault of the catalogue."""

from dataclasses import dataclass

from pytest_llmprod.core.schedule import OK, Schedule
from pytest_llmprod.faults.catalogue import CATALOGUE
from pytest_llmprod.faults.fault import Fault


@dataclass(frozen=True, slots=True)
class InTurn:
    """The faults that the steps of a schedule name, one request each."""

    schedule: Schedule

    def at(self, number: int) -> Fault | None:
        """Return the fault of the request `number`, counted from 1, None where it gets none."""
        step = self.schedule.at(number)
        return None if step == OK else CATALOGUE[step]

    def __str__(self) -> str:
        """Return the steps as text."""
        return str(self.schedule)


@dataclass(frozen=True, slots=True)
class Always:
    """One fault for all requests of a test, or for those that the fault itself says."""

    fault: Fault

    def at(self, number: int) -> Fault | None:
        """Return the fault of the request `number`, counted from 1, None where it gets none."""
        return self.fault if self.fault.hits(number) else None

    def __str__(self) -> str:
        """Return the name of the fault."""
        return self.fault.name
