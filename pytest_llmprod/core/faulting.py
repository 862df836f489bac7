"""Faulting: what a provider does to one request, as the wire and the catalogue both see it.

A `WireAnswer` is bytes and times, and how the connection breaks. The same one is given to a client
in this process and written to a socket.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

#: When what never comes would come, in seconds.
NEVER_S = math.inf

#: How a connection breaks: `reset` and `closed` by the peer (RST and FIN), `refused` and
#: `unknown host` before there is one, `no tls` where the peer never answers a handshake, and
#: `not http` where it speaks something else.
Break = Literal["", "reset", "closed", "refused", "unknown host", "no tls", "not http"]

#: Which API a request is one of, by its path.
Api = Literal["chat", "responses", "embeddings", "messages", "other"]

_PATHS: Mapping[str, Api] = {
    "/chat/completions": "chat",
    "/responses": "responses",
    "/embeddings": "embeddings",
    "/messages": "messages",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WireAnswer:
    """What comes back for one request, and when.

    `head_s` is when the head comes, and `pieces` holds (time, bytes); all times are in seconds
    since the request. The answer ends `ends_s` after the request, by the break where `breaks` names
    one. A `status` of 0 stands for no head at all. `length` is a `content-length` that is told in
    place of the true one; without it a body of several pieces is sent in chunks.
    """

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    pieces: tuple[tuple[float, bytes], ...] = ()
    head_s: float = 0.0
    ends_s: float = 0.0
    breaks: Break = ""
    length: int | None = None

    @property
    def body(self) -> bytes:
        """Return all bytes of the body."""
        return b"".join(piece for _, piece in self.pieces)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a client waits, in seconds: None for ever.

    `connect_s` for a connection, `read_s` for the next bytes, and `total_s` for the whole answer.
    """

    connect_s: float | None = None
    read_s: float | None = None
    total_s: float | None = None


ENDLESS = Patience()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request, as a fault plan sees it.

    `document` is its body as JSON, and an empty mapping where it is none. `retries` is how often
    the client says that it has tried before.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    document: Mapping[str, Any]
    retries: int = 0
    patience: Patience = ENDLESS

    @property
    def api(self) -> Api:
        """Return which API is asked."""
        path = self.url.partition("?")[0].rstrip("/")
        for end, api in _PATHS.items():
            if path.endswith(end):
                return api
        return "other"

    @property
    def stream(self) -> bool:
        """Say whether the answer is to be streamed."""
        return self.document.get("stream") is True

    @property
    def model(self) -> str:
        """Return the model that is asked, '' where the body names none."""
        return str(self.document.get("model") or "")


class FaultPlan(Protocol):
    """Decides what goes wrong; the session hands one down for each test that has faults."""

    def answer(self, asked: Asked, recorded: Callable[[], WireAnswer | None]) -> WireAnswer | None:
        """Return what comes in place of the provider's answer, None where nothing goes wrong.

        `recorded` takes the next recording of this request from the tape, where there is one.
        """
        ...

    def stand_in(self, asked: Asked) -> WireAnswer | None:
        """Return a good answer for a request that nothing else answers, None to let it miss."""
        ...

    def waited(self, asked: Asked, seconds: float, *, gave_up: bool) -> None:
        """Note how long the client will wait for this answer, and whether it gives up then."""
        ...
