"""Schedule: which request of a test gets which fault."""

from dataclasses import dataclass
from typing import Literal

from pytest_llmprod.faults.catalogue import select
from pytest_llmprod.faults.fault import Fault

OK = "ok"


@dataclass(frozen=True, slots=True)
class Schedule:
    """A fault, or none, for each request of a test in its turn.

    `steps` names the faults of the catalogue, and "ok" for a request with which nothing goes wrong.
    After the last step all is well, or with `then="last"` the last step holds for all that follow.

    >>> str(Schedule(("rate-limit", "ok", "stream-closed")))
    'rate-limit, ok, stream-closed'
    """

    steps: tuple[str, ...]
    then: Literal["ok", "last"] = "ok"

    def __post_init__(self) -> None:
        """Raise FaultError where a step names no fault."""
        for step in self.steps:
            _fault(step)

    def at(self, number: int) -> Fault | None:
        """Return the fault of the request `number`, counted from 1, None where it gets none."""
        if number <= len(self.steps):
            return _fault(self.steps[number - 1])
        if self.then == "last" and self.steps:
            return _fault(self.steps[-1])
        return None

    def __str__(self) -> str:
        """Return the steps as text."""
        text = ", ".join(self.steps) or OK
        return f"{text}, ..." if self.then == "last" else text


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


def _fault(step: str) -> Fault | None:
    return None if step == OK else select([step])[0]
