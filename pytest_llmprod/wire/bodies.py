"""Bodies: how the bytes of a request or an answer are stored so that a diff can be read.

Four forms exist. `{"json": value}` holds a JSON document, `{"text": lines}` other UTF-8 text,
`{"base64": text}` everything else, and `{"stream": events, "text": lines}` a stream of server-sent
events with the time of each. Inside a JSON document a string of several lines is stored as
`{"$lines": [...]}`, one line an element, line ends kept, as notebooks do.
"""

import base64
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

LINES = "$lines"
_LINES_MEMBER = b'"$lines":'  # as `json_bytes` writes it
_MOST_LEVELS = 200  # far below the depth at which Python's recursion ends


def encode_body(content: bytes) -> dict[str, Any]:
    """Return the stored form of `content`; `decode_body` gives equal JSON or the same bytes."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(content).decode("ascii")}
    try:
        return {"json": split_lines(_parse_to_store(text))}
    except ValueError:
        return {"text": _lines(text)}


def decode_body(stored: dict[str, Any]) -> bytes:
    """Return the bytes of a stored body."""
    if "json" in stored:
        return decode_json(stored)[1]
    if "base64" in stored:
        return base64.b64decode(stored["base64"])
    return join_text(stored.get("text", "")).encode()


def decode_json(stored: dict[str, Any]) -> tuple[Any, bytes]:
    """Return the value of a stored JSON body, and its bytes."""
    document = stored["json"]
    content = json_bytes(document)
    if _LINES_MEMBER not in content:  # most hold none, and a walk to find them takes longer
        return document, content
    document = join_lines(document)
    return document, json_bytes(document)


def decode_document(stored: dict[str, Any]) -> Any:
    """Return the JSON value of a stored body, or its text where it is no JSON."""
    if "json" in stored:
        return join_lines(stored["json"])
    return decode_body(stored).decode("utf-8", "replace")


def parse_json(text: str) -> Any:
    """Return the value of a JSON text; raise ValueError where it is none, as `NaN` is none."""
    try:
        return json.loads(text, parse_constant=_no_constant)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _parse_to_store(text: str) -> Any:
    """Return the value of a JSON text; raise ValueError where it would not come back equal."""
    try:
        document = json.loads(
            text,
            object_pairs_hook=_object_without_surprises,
            parse_constant=_no_constant,
            parse_float=_finite_float,
        )
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if is_nested_too_deeply(document):
        raise ValueError("nested too deeply")
    return document


def is_nested_too_deeply(document: Any) -> bool:
    """Say whether a JSON value has more levels than can be walked through one in the other."""
    level = [document]
    for _ in range(_MOST_LEVELS):
        level = [part for value in level for part in _parts(value)]
        if not level:
            return False
    return True


def _parts(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def json_bytes(document: Any) -> bytes:
    """Return `document` as compact JSON in UTF-8."""
    try:
        return _COMPACT.encode(document).encode()
    except UnicodeEncodeError:  # a lone surrogate is legal in JSON as an escape only
        return json.dumps(document, separators=(",", ":")).encode()


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


def _finite_float(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"{text} does not fit a float")
    return value


def _object_without_surprises(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse objects that would not come back equal: doubled keys, or our own escape."""
    document = dict(pairs)
    if len(document) != len(pairs) or LINES in document:
        raise ValueError("not stored as JSON")
    return document


def split_lines(value: Any) -> Any:
    """Return `value` with every string of several lines turned into `{"$lines": [...]}`."""
    if isinstance(value, str):
        return {LINES: value.splitlines(keepends=True)} if "\n" in value else value
    if isinstance(value, list):
        return [split_lines(item) for item in value]
    if isinstance(value, dict):
        return {name: split_lines(item) for name, item in value.items()}
    return value


def join_lines(value: Any) -> Any:
    """Undo `split_lines`."""
    if isinstance(value, list):
        return [join_lines(item) for item in value]
    if isinstance(value, dict):
        if LINES in value:
            return "".join(value[LINES])
        return {name: join_lines(item) for name, item in value.items()}
    return value


def join_text(stored: str | list[str]) -> str:
    """Return a stored text: a string, or the list of its lines."""
    return stored if isinstance(stored, str) else "".join(stored)


def _lines(text: str) -> str | list[str]:
    return text.splitlines(keepends=True) if "\n" in text else text


@dataclass(frozen=True, slots=True)
class Event:
    """One server-sent event: when its last byte came, its name, and its data.

    `is_cut` says that the stream ended before the empty line that ends an event, `is_torn` that it
    ended within a line.
    """

    t: float
    name: str
    data: Any
    is_json: bool
    is_cut: bool
    is_torn: bool


_EVENT_FIELDS = frozenset({"", "data", "event", "id", "retry"})


def read_stream(kind: str, chunks: Sequence[tuple[float, bytes]]) -> list[Event] | None:
    """Return the events of an answer of content type `kind`, or None where it is no stream.

    What says that it is one, but is no UTF-8 or holds more than events, is to be stored as it is.
    """
    if not kind.lower().startswith("text/event-stream"):
        return None
    try:
        text = b"".join(chunk for _, chunk in chunks).decode()
    except UnicodeDecodeError:
        return None
    *lines, last = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if any(line.partition(":")[0] not in _EVENT_FIELDS for line in lines):
        return None
    torn = last.partition(":")[0]
    if not any(field.startswith(torn) for field in _EVENT_FIELDS):
        return None
    return parse_events(chunks)


def parse_events(chunks: Sequence[tuple[float, bytes]]) -> list[Event]:
    """Return the events in `chunks`, each with the time in s at which it was complete.

    Follows the parsing rules of the HTML standard, section 9.2.6, for `event` and `data`; comments,
    `id` and `retry` are left out, for no client of a model uses them.
    """
    return [event for block in _blocks(chunks) for event in _parse_block(*block)]


_EMPTY_LINE = b"\n\n"


def _blocks(chunks: Iterable[tuple[float, bytes]]) -> Iterator[tuple[float, bytes, bytes]]:
    """Yield the blocks of lines in `chunks`: when each was complete, its bytes, and how it ended.

    A block ends with an empty line; the last one may end with a line or within one. Each byte is
    looked at once, however many chunks a block comes in.
    """
    t = 0.0
    pieces: list[bytes] = []  # of the block that is not complete yet
    waiting = b""  # may be the first part of an empty line
    for t, chunk in chunks:
        text = waiting + chunk
        # A lone CR at the end may be the first half of CRLF: it waits for the next chunk.
        end = len(text) - text.endswith(b"\r")
        piece, *others = _with_lf(text[:end]).split(_EMPTY_LINE)
        for other in others:
            yield t, b"".join([*pieces, piece]), _EMPTY_LINE
            pieces, piece = [], other
        rest = piece.removesuffix(b"\n")
        pieces.append(rest)
        waiting = piece[len(rest) :] + text[end:]
    yield t, b"".join(pieces), _with_lf(waiting)


def _with_lf(text: bytes) -> bytes:
    return text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _parse_block(t: float, block: bytes, end: bytes) -> Iterator[Event]:
    name = ""
    data: list[str] = []
    for line in block.decode("utf-8", "replace").split("\n"):
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            name = value
        elif field == "data":
            data.append(value)
    if not data:
        return
    text = "\n".join(data)
    is_cut = end != _EMPTY_LINE
    is_torn = is_cut and end != b"\n"
    try:
        document = _parse_to_store(text)
    except ValueError:
        document = None
    # A number may be a piece of a text: it is one, digit for digit.
    is_json = isinstance(document, dict | list | str)
    yield Event(t, name, document if is_json else text, is_json, is_cut, is_torn)


def encode_stream(events: Sequence[Event], text: str) -> dict[str, Any]:
    """Return the stored form of a stream: its events, and the assembled text for a reader."""
    return {"stream": [_stored_event(event) for event in events], "text": _lines(text)}


def _stored_event(event: Event) -> dict[str, Any]:
    stored: dict[str, Any] = {"t": round(event.t, 6)}
    if event.name:
        stored["event"] = event.name
    if event.is_json:
        stored["data"] = split_lines(event.data)
    else:
        stored["raw"] = _lines(event.data)
    if event.is_cut:
        stored["cut"] = True
    if event.is_torn:
        stored["torn"] = True
    return stored


def decode_stream(stored: dict[str, Any]) -> list[tuple[float, bytes]]:
    """Return the time in s and the bytes of each event of a stored stream, in order."""
    return [(event["t"], _event_bytes(event)) for event in stored["stream"]]


def documents_of(stored: dict[str, Any]) -> list[Any]:
    """Return the JSON of a stored body: of each event of a stream, or of the whole."""
    return stream_documents(stored) if "stream" in stored else [decode_document(stored)]


def stream_documents(stored: dict[str, Any]) -> list[Any]:
    """Return the JSON value of each event of a stored stream that has one."""
    return [join_lines(event["data"]) for event in stored["stream"] if "data" in event]


def _event_bytes(stored: dict[str, Any]) -> bytes:
    head = f"event: {stored['event']}\n" if "event" in stored else ""
    if "raw" in stored:
        text = join_text(stored["raw"])
    else:
        text = json_bytes(join_lines(stored["data"])).decode()
    data = "".join(f"data: {line}\n" for line in text.split("\n"))
    end = "" if stored.get("cut") else "\n"
    whole = f"{head}{data}{end}"
    return (whole.removesuffix("\n") if stored.get("torn") else whole).encode()
