"""Running: the test that runs here and now, for what a user calls without a fixture."""

from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any, NamedTuple

from pytest_llmprod.core.errors import FaultError


class Running(NamedTuple):
    """The tape of the running test, the root of the project, and the case of an eval, or ''.

    `masked` returns a JSON value without secrets, and `find_pii` finds in a text what is personal.
    `lend_keys` lets clients be built without a key, until the test ends.
    """

    tape: Any
    root: Path
    case: str
    masked: Callable[[Any], Any]
    find_pii: Callable[[str], Any] | None
    lend_keys: Callable[[], None]


_RUNNING: ContextVar[Running | None] = ContextVar("llmprod_running", default=None)


def begin(test: Running) -> None:
    """Note which test runs from now on."""
    _RUNNING.set(test)


def end() -> None:
    """Note that no test with a tape runs any more."""
    _RUNNING.set(None)


def running_or_none() -> Running | None:
    """Return the running test, None where there is none that has a tape."""
    return _RUNNING.get()


def running(name: str) -> Running:
    """Return the running test for what is called `name`; raise FaultError where there is none."""
    found = _RUNNING.get()
    if found is None:
        raise FaultError(
            f"{name}() works in a test that records and replays. Mark the test with "
            f"@pytest.mark.llm_cassette."
        )
    return found
