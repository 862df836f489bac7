"""Documents: which JSON values and texts make up a body, and how are others put in their place?

A body is one JSON value, or many: in an array that may be cut short, one behind the other, on
lines of their own, or in lines `data: ...`, whatever its content type says and whatever else stands
between them. Frames of AWS hold one each.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from pytest_llmprod.wire import aws_frames, bodies


class Document(NamedTuple):
    """A JSON value in a text, `text[start:end]`; `is_text` where it stands there as itself."""

    start: int
    end: int
    value: Any
    is_text: bool = False


_DECODER = json.JSONDecoder()
_BETWEEN = re.compile(r"[\s,\[\]]*")
_LINE = re.compile(r"(\ufeff?data: ?)?([^\r\n]*)[\r\n]*")


def find_documents(text: str) -> list[Document]:
    """Return the JSON values in a text, and the texts of events, in order.

    What is nested too deeply to be walked through is none of them.
    """
    try:
        found = [Document(0, len(text.rstrip()), json.loads(text))]
    except (ValueError, RecursionError):
        found = list(_in_sequence(text))
        found += _on_lines(text, found[-1].end if found else 0)
    return [each for each in found if not bodies.is_nested_too_deeply(each.value)]


def _in_sequence(text: str) -> Iterator[Document]:
    """Yield the objects and strings with which a text begins, until something else stands there."""
    at = _end_of(_BETWEEN, text, 0)
    while text.startswith(("{", '"'), at):
        try:
            value, end = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            return
        yield Document(at, end, value)
        at = _end_of(_BETWEEN, text, end)


def _end_of(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return at if match is None else match.end()


def _on_lines(text: str, at: int) -> Iterator[Document]:
    for line in _LINE.finditer(text, at):
        start, end = line.span(2)
        try:
            value = json.loads(line[2])
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, (dict, list, str)):
            yield Document(start, end, value)
        elif line[1]:
            yield Document(start, end, line[2], is_text=True)


def put_documents(text: str, documents: Sequence[Document], values: Sequence[Any]) -> str:
    """Return `text` with `values` in place of its documents, byte for byte where they are equal."""
    # An escape for a byte that is no UTF-8 would not become that byte again.
    is_ascii = not _UNDECODED.search(text)
    pieces: list[str] = []
    at = 0
    for document, value in zip(documents, values, strict=True):
        if value is not document.value and value != document.value:
            new = value if document.is_text else json.dumps(value, ensure_ascii=is_ascii)
            pieces += (text[at : document.start], new)
            at = document.end
    return "".join((*pieces, text[at:]))


_UNDECODED = re.compile("[\udc80-\udcff]")


def views(content: bytes) -> Iterator[list[Any]]:
    """Yield the values in a body as its readers see them: line by line, and as events of a stream.

    These differ where an event has several lines.
    """
    frames, rest = aws_frames.split(content)
    if frames:
        texts = [aws_frames.text_of(frame) for frame in frames]
        yield [document.value for text in texts for document in find_documents(text)]
    yield [each.value for each in find_documents(rest.decode("utf-8", "surrogateescape"))]
    if b"data:" in rest:
        yield [event.data for event in bodies.parse_events([(0.0, rest)])]
