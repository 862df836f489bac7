"""Passage: what the adapter of an HTTP library asks about a request."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol

from pytest_llmprod.core.faulting import Patience
from pytest_llmprod.wire.attempts import Attempts
from pytest_llmprod.wire.live import LiveExchange
from pytest_llmprod.wire.switch import Played
from pytest_llmprod.wire.tape import Tape


class Ask(Protocol):
    """Decides about a request: the recorded answer, or the live exchange that will record one."""

    def __call__(
        self,
        tape: Tape,
        *,
        method: str,
        url: str,
        headers: Sequence[tuple[str, str]],
        body: bytes,
        patience: Patience = ...,
    ) -> Played | LiveExchange:
        """Return what becomes of a request; raise CassetteMiss where it is neither."""


class Look(Protocol):
    """Looks at a request that is on no tape."""

    def __call__(
        self,
        *,
        method: str,
        url: str,
        headers: Sequence[tuple[str, str]],
        body: bytes,
        patience: Patience,
    ) -> None:
        """Raise RequestRefused where the request must not leave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """The way of a request through the switch, for the adapter of one library.

    `owner` returns the tape that belongs to what runs here and now. `tape_for(host, port)` returns
    the tape of a request, or None where it is to be sent as if we were not there. `ask` is
    `Switch.ask`. `attempts` knows what the client may be about to retry. `allow_hosts` are those
    that a replay reaches too. `look(host, port)` returns what looks at a request of no tape before
    it leaves, None where nobody does.
    """

    owner: Callable[[], Tape | None]
    tape_for: Callable[[str, int | None], Tape | None]
    ask: Ask
    attempts: Attempts
    allow_hosts: Sequence[str]
    look: Callable[[str, int | None], Look | None] = lambda host, port: None


def decoder(encoding: str) -> Callable[[bytes], bytes] | None:
    """Return what undoes the content encoding of an answer, None where there is none."""
    if encoding in ("", "identity"):
        return None

    def decode(raw: bytes) -> bytes:
        import httpx2  # heavy, and in by now: it knows every encoding

        return httpx2.Response(200, headers={"content-encoding": encoding}, content=raw).content

    return decode


def reason_of(status: int) -> str:
    """Return the standard's words for a status, the empty string where it has none."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def os_error_arguments(message: str) -> tuple[int, str] | tuple[str]:
    """Return what an OSError was made of, from its text: number and words, or the text itself."""
    told = re.fullmatch(r"\[Errno (\d+)\] (.*)", message, re.DOTALL)
    return (int(told[1]), told[2]) if told else (message,)
