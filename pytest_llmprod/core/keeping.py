"""Keeping: scorecards on their way from where they are made to the run that tells them."""

from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pytest_llmprod.core.scorecard import ScorecardResult


class Card(Protocol):
    """A scorecard of which more may be asked yet."""

    def result(self) -> "ScorecardResult":
        """Return what is known of it now."""


Listener = Callable[[Card], None]
_LISTENER: ContextVar[Listener | None] = ContextVar("llmprod_scorecards", default=None)


def keep(card: Card) -> None:
    """Hand a scorecard to who listens, if anybody does. A card may come more than once."""
    listener = _LISTENER.get()
    if listener is not None:
        listener(card)


def listen(listener: Listener) -> Callable[[], None]:
    """Give every scorecard to `listener` from now on; return what lets the one before listen."""
    before = _LISTENER.get()
    _LISTENER.set(listener)

    def stop() -> None:
        _LISTENER.set(before)

    return stop
