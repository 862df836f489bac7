"""Mount: one fault between a client and its provider, in this process and in virtual time."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab import Lab, Run

from pytest_llmprod.core.exchange import Exchange
from pytest_llmprod.core.virtual_time import VirtualClock
from pytest_llmprod.faults.plan import InjectedFaults, Turns
from pytest_llmprod.faults.script import Script


@dataclass(frozen=True)
class Test:
    """One test: what its requests met, and its clock."""

    plan: InjectedFaults
    clock: VirtualClock


class Mount:
    """The wire of a project, on which one test follows the other."""

    def __init__(self, root: Path) -> None:
        self._run: Run = Lab(root).run()

    @property
    def exchanges(self) -> list[Exchange]:
        """All exchanges so far."""
        return self._run.observed

    @contextmanager
    def installed(self) -> Iterator["Mount"]:
        with self._run.patched():
            yield self

    @contextmanager
    def met(self, turns: Turns | None, text: str = "") -> Iterator[Test]:
        """Let the requests of the block meet faults; `text` is what a good answer says."""
        plan, clock = InjectedFaults(stands_in=True), VirtualClock()
        plan.begin(turns)
        if text:
            plan.script = Script().reply(text)
        with self._run.test() as tape, clock.running():
            tape.faults, tape.clock = plan, clock
            yield Test(plan, clock)
