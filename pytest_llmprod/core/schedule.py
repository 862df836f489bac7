"""Schedule: a fault, or none, for each request of a test in its turn."""

from dataclasses import dataclass
from typing import Literal

from pytest_llmprod.core.fault_names import is_fault, unknown

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
            if step != OK and not is_fault(step):
                raise unknown(step)

    def at(self, number: int) -> str:
        """Return the step of the request `number`, counted from 1."""
        if number <= len(self.steps):
            return self.steps[number - 1]
        return self.steps[-1] if self.then == "last" and self.steps else OK

    def __str__(self) -> str:
        """Return the steps as text."""
        text = ", ".join(self.steps) or OK
        return f"{text}, ..." if self.then == "last" else text
