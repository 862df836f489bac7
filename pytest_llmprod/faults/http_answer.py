"""HTTP answer: a body, JSON, or a stream of events, as an answer on the wire."""

import json
from collections.abc import Sequence
from typing import Any

from pytest_llmprod.core.faulting import WireAnswer

JSON = ("content-type", "application/json")
EVENTS = ("content-type", "text/event-stream")


def json_answer(
    document: Any, status: int = 200, headers: Sequence[tuple[str, str]] = ()
) -> WireAnswer:
    """Return `document` as an answer."""
    return body_answer(json.dumps(document).encode(), status, (JSON, *headers))


def body_answer(
    body: bytes, status: int = 200, headers: Sequence[tuple[str, str]] = (JSON,)
) -> WireAnswer:
    """Return an answer whose body is `body`."""
    return WireAnswer(status=status, headers=tuple(headers), pieces=((0.0, body),))


def stream_answer(events: Sequence[bytes]) -> WireAnswer:
    """Return an answer that streams `events`, each a piece of its own."""
    return WireAnswer(headers=(EVENTS,), pieces=tuple((0.0, event) for event in events))


def event(data: Any, name: str = "") -> bytes:
    """Return a server-sent event whose data is JSON, or text as it is."""
    text = data if isinstance(data, str) else json.dumps(data)
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {text}\n\n".encode()


DONE = event("[DONE]")
