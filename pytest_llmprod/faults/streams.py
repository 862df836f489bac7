"""Streams: the faults that only an answer which comes piece by piece can have."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from pytest_llmprod.core.faulting import NEVER_S, Asked, Break, WireAnswer
from pytest_llmprod.faults.chat_answer import completion_chunk
from pytest_llmprod.faults.fault import Fault
from pytest_llmprod.faults.good import Good, value_at
from pytest_llmprod.faults.good_answer import document_of, events_of
from pytest_llmprod.faults.http_answer import DONE, event, json_answer, stream_answer

_Events = Sequence[bytes]
_SPLIT = "caf\u00e9"


def _end_of(asked: Asked) -> int:
    """Return how many events at the end of a stream say that this is the end."""
    with_usage = bool(value_at(asked.document, "stream_options", "include_usage"))
    # What no API is known of is answered as a chat is.
    return {"responses": 1, "messages": 2}.get(asked.api, 2 + with_usage)


def _half(asked: Asked, events: _Events) -> list[bytes]:
    """Return the first half of a stream, with some of its text in it and no word of its end."""
    first_text = 5 if asked.api == "responses" else 3
    return list(events[: min(max(first_text, len(events) // 2), len(events) - _end_of(asked))])


def _streamed(change: Callable[[Asked, list[bytes]], _Events], *apis: str) -> Any:
    known = apis or ("chat", "responses", "messages")

    def build(asked: Asked, good: Good) -> WireAnswer | None:
        if not asked.stream or asked.api not in known:
            return None
        return stream_answer(change(asked, events_of(asked, good)))

    return build


def _broken(breaks: Break, ends_s: float = 0.0) -> Any:
    def build(asked: Asked, good: Good) -> WireAnswer | None:
        if not asked.stream or asked.api == "embeddings":
            return None
        half = stream_answer(_half(asked, events_of(asked, good)))
        return replace(half, breaks=breaks, ends_s=ends_s)

    return build


def _error_event(asked: Asked, events: list[bytes]) -> _Events:
    message = "The server had an error while processing your request."
    if asked.api == "messages":
        error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
        return [*_half(asked, events), event(error, "error")]
    inner = {"message": message, "type": "server_error", "param": None, "code": "server_error"}
    return [*_half(asked, events), event({"error": inner})]


def _named_error_event(asked: Asked, events: list[bytes]) -> _Events:
    inner = {"message": "Slow down.", "type": "requests", "param": None}
    error = {"error": {**inner, "code": "rate_limit_exceeded"}}
    return [*_half(asked, events), event(error, "error")]


def _flat_error_event(asked: Asked, events: list[bytes]) -> _Events:
    error = {"type": "error", "code": "server_error", "message": "Sorry.", "param": None}
    return [*_half(asked, events), event({**error, "sequence_number": 99}, "error")]


def _inserted(piece: bytes) -> Callable[[Asked, list[bytes]], _Events]:
    def insert(asked: Asked, events: list[bytes]) -> _Events:
        half = _half(asked, events)
        # Anthropic's client passes over an event without a name.
        name = b"event: content_block_delta\n" if asked.api == "messages" else b""
        return [*half, name + piece, *events[len(half) :]]

    return insert


def _unfinished(asked: Asked, events: list[bytes]) -> _Events:
    return events[: len(events) - _end_of(asked)]


def _no_last_blank_line(asked: Asked, events: list[bytes]) -> _Events:
    """Return a stream whose last event, the one with the end of the text, is not closed."""
    after_the_text = {"chat": _end_of(asked), "messages": 3}.get(asked.api, 0)
    kept = events[: len(events) - after_the_text]
    return [*kept[:-1], kept[-1].removesuffix(b"\n\n")]


def _split(asked: Asked, good: Good) -> WireAnswer | None:
    if not asked.stream or asked.api != "chat":
        return None
    # Written with its own bytes, not as an escape, so that it can be cut in two.
    document = {**completion_chunk(good.model or asked.model, {}), "system_fingerprint": "@@"}
    whole = event(document).replace(b"@@", _SPLIT.encode())
    at = whole.index(_SPLIT.encode()) + 4
    events = events_of(asked, good)
    return stream_answer([*events[:1], whole[:at], whole[at:], *events[1:]])


def _without_choices(asked: Asked, events: list[bytes]) -> _Events:
    usage = {"prompt_tokens": 20, "completion_tokens": 10, "total_tokens": 30}
    chunk = {**completion_chunk(asked.model, {}), "choices": [], "usage": usage}
    return [*events[:2], event(chunk), *events[2:]]


def _as_document(asked: Asked, good: Good) -> WireAnswer | None:
    return json_answer(document_of(asked, good)) if asked.stream else None


def _as_error(asked: Asked, good: Good) -> WireAnswer | None:
    if not asked.stream:
        return None
    error = {"message": "The server had an error.", "type": "server_error", "code": None}
    return json_answer({"error": error})


def _repeated(asked: Asked, events: list[bytes]) -> _Events:
    return [*events[:2], events[1], *events[2:]]


def _out_of_order(asked: Asked, events: list[bytes]) -> _Events:
    return [*events[:5], events[6], events[5], *events[7:]] if len(events) > 8 else events


def _nothing(asked: Asked, events: list[bytes]) -> _Events:
    return [DONE] if asked.api == "chat" else [b": nothing\n\n"]


def _fault(
    name: str,
    what: str,
    build: Any,
    *,
    raises: str = "",
    partial: bool = True,
    usable: bool = False,
    words: tuple[str, ...] = (),
) -> Fault:
    return Fault(
        name=name,
        group="stream",
        what=what,
        build=build,
        retryable=True,
        billable=True,
        raises=raises,
        partial=partial and not usable,
        usable=usable,
        words=words,
    )


_CONNECTION = ("connection", "disconnected", "broke")

STREAMS: tuple[Fault, ...] = (
    _fault(
        "stream-closed",
        "the connection closes in the middle of the stream",
        _broken("closed"),
        raises="APIConnectionError",
        words=_CONNECTION,
    ),
    _fault(
        "stream-reset",
        "the connection is reset in the middle of the stream",
        _broken("reset"),
        raises="APIConnectionError",
        words=_CONNECTION,
    ),
    _fault("stream-ends-early", "half a stream that ends as if it were all", _broken("")),
    _fault(
        "stream-without-end",
        "all of the text, and no word that this is the end",
        _streamed(_unfinished),
    ),
    _fault(
        "stream-stalls",
        "half a stream, and then nothing more",
        _broken("", NEVER_S),
        raises="APITimeoutError",
        words=("timed out", "timeout", "time out", "stalled"),
    ),
    _fault(
        "stream-error",
        "half a stream, and then an error as data",
        _streamed(_error_event),
        raises="APIError",
        words=("server_error", "overloaded_error"),
    ),
    _fault(
        "stream-error-event",
        "half a stream, and then an event called error",
        _streamed(_named_error_event, "chat", "responses"),
        raises="APIError",
        words=("rate_limit_exceeded",),
    ),
    _fault(
        "stream-flat-error",
        "half a stream, and then an event of type error",
        _streamed(_flat_error_event, "responses"),
        words=("server_error",),
    ),
    _fault(
        "stream-bad-json",
        "an event whose data is no JSON",
        _streamed(_inserted(b'data: {"id": \n\n')),
        raises="JSONDecodeError",
    ),
    _fault(
        "stream-empty-data",
        "an event without data",
        _streamed(_inserted(b"data:\n\n"), "chat"),
        raises="JSONDecodeError",
    ),
    _fault(
        "stream-html",
        "half a stream, and then a page of HTML",
        _streamed(lambda asked, events: [*_half(asked, events), b"<html>Bad gateway</html>\n\n"]),
    ),
    _fault(
        "stream-invalid-utf8",
        "bytes that are no UTF-8 in the stream",
        _streamed(_inserted(b"data: \xff\xfe\n\n")),
        raises="UnicodeDecodeError",
    ),
    _fault("stream-split-character", "a character in two pieces", _split, usable=True),
    _fault(
        "stream-last-event-lost",
        "the last event has no blank line after it",
        _streamed(_no_last_blank_line),
    ),
    _fault(
        "stream-without-choices",
        "an event with usage and no choices",
        _streamed(_without_choices, "chat"),
        usable=True,
    ),
    _fault("stream-nothing", "a stream without an event", _streamed(_nothing), partial=False),
    _fault(
        "stream-as-json", "a whole JSON body where a stream was asked", _as_document, partial=False
    ),
    _fault("stream-as-error", "a JSON error with status 200", _as_error, partial=False),
    _fault("stream-repeats", "an event comes twice", _streamed(_repeated), usable=True),
    _fault(
        "stream-out-of-order", "two events change places", _streamed(_out_of_order), usable=True
    ),
)
