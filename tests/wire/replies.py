"""Replies: what a provider on loopback is told to answer."""

import json
from collections.abc import Sequence
from typing import Any

from samples import chat_answer, chat_chunk


class Reply:
    """What the provider answers: a status, headers, and pieces with a pause before each."""

    def __init__(
        self,
        content: bytes | Sequence[bytes],
        *,
        status: int = 200,
        kind: str = "application/json",
        headers: Sequence[tuple[str, str]] = (),
        pause_s: float = 0.0,
        breaks_off: bool = False,
    ) -> None:
        self.pieces = [content] if isinstance(content, bytes) else list(content)
        self.status = status
        self.headers = [("content-type", kind), *headers]
        self.pause_s = pause_s
        self.breaks_off = breaks_off


def says(text: str, **other: Any) -> Reply:
    """Answer a chat with `text`."""
    return Reply(json.dumps(chat_answer(text)).encode(), **other)


def streams(texts: Sequence[str], **other: Any) -> Reply:
    """Answer a chat with a stream, one event for each text."""
    events = [f"data: {json.dumps(chat_chunk(text))}\n\n".encode() for text in texts]
    return Reply([*events, b"data: [DONE]\n\n"], kind="text/event-stream", **other)
