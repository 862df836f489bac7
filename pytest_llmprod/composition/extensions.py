"""Extensions: what plugins supply to a session, built-in parts included."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_llmprod.core.errors import SpendStop
from pytest_llmprod.core.exchange import Exchange
from pytest_llmprod.wire.dialects import Dialect
from pytest_llmprod.wire.masking import Scanner


@dataclass(frozen=True, slots=True, kw_only=True)
class Extensions:
    """What plugins supply, built-in parts included; asked for when it is first needed.

    `spend_stop` is the class of what stops a test whose request must not be paid. `find_pii` finds
    what is personal in a text, None where nothing can.
    """

    dialects: Callable[[], Sequence[Dialect]]
    scanners: Callable[[], Sequence[Scanner]]
    prices: Callable[[Path], Sequence[Any]]
    on_exchange: Callable[[Exchange], None]
    spend_stop: type[SpendStop] = SpendStop
    find_pii: Callable[[str], Any] | None = None
