"""Streams: a text in pieces, as a model streams it, and the bytes in which these arrive."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from pytest_llmprod.core.planted import Document
from pytest_llmprod.strategies.drawing import below, chosen, pick

_MOST_CUTS = 3
_CONTINUATION = re.compile(rb"[\x80-\xbf]")
Content = str | Document


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One way in which a text is streamed.

    `"".join(pieces) == text`, and `cut` says how it was cut. `chunks` are the same stream as server
    sent events of Chat Completions, cut into what arrives at once; `byte_cut` says how that was
    done. A chunk may end anywhere, also within a code point. `document` is given where the text was
    one of `pii_documents()`.
    """

    text: str
    pieces: tuple[str, ...]
    cut: str
    chunks: tuple[bytes, ...]
    byte_cut: str
    document: Document | None = None


#: How the text is cut, and how the bytes are.
CUTS = ("whole", "anywhere", "inside a span", "every character", "with empty pieces")
BYTE_CUTS = ("whole", "every event", "anywhere", "inside a code point", "every byte")


def _pieces(text: str, cuts: Iterable[int]) -> tuple[str, ...]:
    ends = [*sorted(set(cuts)), len(text)]
    return tuple(text[start:end] for start, end in zip([0, *ends], ends, strict=False))


def _inner_places(document: Document | None) -> list[int]:
    """Return the places between two characters of planted data."""
    spans = document.spans if document else ()
    return [at for span in spans for at in range(span.start + 1, span.end)]


_NUMBERS = st.lists(below(1 << 16), min_size=1, max_size=_MOST_CUTS)


def _places(places: Sequence[int], numbers: Sequence[int]) -> list[int]:
    return [places[number % len(places)] for number in numbers]


_HEAD = b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1790000000,'
_HEAD += b'"model":"gpt-test","choices":[{"index":0,"delta":'
_GOES_ON = b',"finish_reason":null}]}\n\n'
_ROLE = b"".join((_HEAD, b'{"role":"assistant","content":""}', _GOES_ON))
_END = b"".join((_HEAD, b'{},"finish_reason":"stop"}]}\n\n'))
_DONE = b"data: [DONE]\n\n"


def _event(piece: str) -> bytes:
    try:
        content = json.dumps(piece, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # half a surrogate pair, which JSON can escape
        content = json.dumps(piece).encode()
    return b"".join((_HEAD, b'{"content":', content, b"}", _GOES_ON))


def _events(pieces: Sequence[str]) -> list[bytes]:
    return [_ROLE, *map(_event, pieces), _END, _DONE]


@st.composite
def _chunks(draw: st.DrawFn, events: Sequence[bytes], wanted: tuple[str, ...]) -> tuple[str, Any]:
    body = b"".join(events)
    middles = [found.start() for found in _CONTINUATION.finditer(body)]
    way = pick(draw, tuple(each for each in wanted if middles or "code point" not in each))
    numbers = draw(_NUMBERS)  # also where no place is needed: the simpler ways need them
    if way == "every event":
        return way, tuple(events)
    if way == "every byte":
        return way, tuple(body[at : at + 1] for at in range(len(body)))
    places: Sequence[int] = middles if "code point" in way else range(1, len(body))
    cuts = [] if way == "whole" else _places(places, numbers)
    ends = [*sorted(set(cuts)), len(body)]
    return way, tuple(body[start:end] for start, end in zip([0, *ends], ends, strict=False))


@st.composite
def _streams(
    draw: st.DrawFn,
    contents: st.SearchStrategy[Content],
    cuts: tuple[str, ...],
    byte_cuts: tuple[str, ...],
) -> Stream:
    content = draw(contents)
    document = content if isinstance(content, Document) else None
    text = content.text if isinstance(content, Document) else content
    places = {"inside a span": _inner_places(document), "anywhere": range(1, len(text))}
    cut = pick(draw, tuple(way for way in cuts if places.get(way, [0])) or ("whole",))
    numbers = draw(_NUMBERS)
    pieces: tuple[str, ...] = (text,)
    if cut == "every character":
        pieces = tuple(text)
    elif cut == "with empty pieces":
        pieces = ("", *_pieces(text, _places(range(len(text) + 1), numbers)), "")
    elif cut != "whole":
        pieces = _pieces(text, _places(places[cut], numbers))
    way, chunks = draw(_chunks(_events(pieces), byte_cuts))
    return Stream(text=text, pieces=pieces, cut=cut, chunks=chunks, byte_cut=way, document=document)


def streams(
    text: Content | st.SearchStrategy[Any] = "Your order is on its way. \U0001f642",
    cuts: Iterable[str] | str | None = None,
    byte_cuts: Iterable[str] | str | None = None,
) -> st.SearchStrategy[Stream]:
    """Return a strategy of the ways in which a text may be streamed.

    `text` is a text, one of `pii_documents()`, or a strategy of these. `cuts` are CUTS and
    `byte_cuts` BYTE_CUTS; those that the text does not allow are left out.
    """
    contents = text if isinstance(text, st.SearchStrategy) else st.just(text)
    ways = chosen("cuts", cuts, CUTS)
    return _streams(contents, ways, chosen("byte_cuts", byte_cuts, BYTE_CUTS))
