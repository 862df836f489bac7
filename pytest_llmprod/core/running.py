"""Running: the test that runs here and now, for what a user calls without a fixture."""

from contextvars import ContextVar
from pathlib import Path
from typing import Any, NamedTuple

from pytest_llmprod.core.errors import FaultError


class Running(NamedTuple):
    """The tape of the running test, the root of the project, and whether the test is an eval."""

    tape: Any
    root: Path
    is_eval: bool


_RUNNING: ContextVar[Running | None] = ContextVar("llmprod_running", default=None)


def begin(tape: Any, root: Path, *, is_eval: bool = False) -> None:
    """Note which test runs from now on."""
    _RUNNING.set(Running(tape, root, is_eval))


def end() -> None:
    """Note that no test with a tape runs any more."""
    _RUNNING.set(None)


def running(name: str) -> Running:
    """Return the running test for what is called `name`; raise FaultError where there is none."""
    found = _RUNNING.get()
    if found is None:
        raise FaultError(
            f"{name}() works in a test that records and replays. Mark the test with "
            f"@pytest.mark.llm_cassette."
        )
    return found
