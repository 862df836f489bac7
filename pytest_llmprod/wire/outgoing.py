"""Outgoing: a request as it leaves, taken apart into the texts that it carries.

No text is left out because a parser would pass over it: what stands beside the JSON of a body, and
a member that another one of its name hides, are texts too. Each stands at a place that a reader
finds again: a JSON pointer into the body, a header, a part of the URL. Escapes of JSON,
percent-encoding, compression, forms and base64 payloads are undone; what a text holds in itself,
base64 in a sentence for instance, is left to who searches it.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from pytest_llmprod.core.told import text_of, unpacked
from pytest_llmprod.wire.bodies import is_nested_too_deeply
from pytest_llmprod.wire.canonical import payload_of
from pytest_llmprod.wire.documents import Document, find_documents
from pytest_llmprod.wire.forms import Part, form_parts

#: The way from the root of a JSON value to one in it, the last step first.
Way = tuple[Any, str | int] | None
#: Shorter numbers are counts, sizes and the like.
_LEAST_NUMBER = 10**6
_WORD = re.compile(r"\w")


class Outgoing(NamedTuple):
    """A request as the application sends it; `body` is what it was before it was compressed."""

    method: str
    url: str
    headers: Sequence[tuple[str, str]]
    body: bytes

    @property
    def content_type(self) -> str:
        """Return the value of the header Content-Type, "" without one."""
        found = (value for name, value in self.headers if name.lower() == "content-type")
        return next(found, "")


class Place(NamedTuple):
    """Where a text stands: in which part of the request, and where in the JSON value there."""

    part: str
    way: Way = None

    def told(self, shown: Callable[[str], str]) -> str:
        """Return the place for a reader: `body /messages/0/content`; `shown` writes each step."""
        steps: list[str] = []
        way = self.way
        while way is not None:
            way, step = way
            steps.append(shown(str(step)).replace("~", "~0").replace("/", "~1"))
        return " ".join([self.part, *(["/" + "/".join(reversed(steps))] if steps else [])])


class Piece(NamedTuple):
    """A text that leaves, and where it stands.

    `name` is that of the member, the header or the parameter that holds it, "" where it has none or
    is a name itself. `how` names an encoding that was undone, "" without one.
    """

    place: Place
    text: str
    name: str = ""
    how: str = ""


def pieces(outgoing: Outgoing) -> Iterator[Piece]:
    """Yield all texts of a request, those of its body in their order."""
    yield from _of_url(outgoing.url)
    for name, value in outgoing.headers:
        yield Piece(Place(f"header {name.lower()}"), value, name)
    if outgoing.body:
        yield from _of_content("body", outgoing.content_type, unpacked(outgoing.body))


def _of_url(url: str) -> Iterator[Piece]:
    parts = urlsplit(url)
    user, at, _ = parts.netloc.rpartition("@")
    if at:
        yield Piece(Place("user of the URL"), unquote(user))
    yield Piece(Place("path of the URL"), unquote(parts.path))
    yield from _of_parameters("parameter of the URL", f"{parts.query}&{parts.fragment}")


def _of_parameters(part: str, query: str) -> Iterator[Piece]:
    for name, value in parse_qsl(query, keep_blank_values=True):
        yield Piece(Place(part, (None, name)), name)
        yield Piece(Place(part, (None, name)), value, name)


def _of_content(part: str, content_type: str, content: bytes) -> Iterator[Piece]:
    """Yield the texts of a body, or of a part of one; bytes that are no text have none."""
    form = form_parts(content_type, content)
    if form is not None:
        for number, each in enumerate(form):
            yield from _of_form_part(f"{part} part", number, each)
        return
    text = text_of(content)
    if text is None:
        return
    if "urlencoded" in content_type:
        yield from _of_parameters(f"parameter of the {part}", text)
        return
    documents, rest = _documents(text)
    for number, document in enumerate(documents, 1):
        yield from _of_json(part if len(documents) == 1 else f"{part} line {number}", document)
    if rest:
        yield Piece(Place(part), rest)


def _documents(text: str) -> tuple[list[Any], str]:
    """Return the JSON values of a body, and what they do not tell of it, "" where they tell all."""
    hidden: list[str] = []

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            hidden.append(text)
        return found

    try:
        documents = [json.loads(text, object_pairs_hook=members)]
    except (ValueError, RecursionError):
        found = find_documents(text)
        documents = [each.value for each in found]
        hidden = [_beside(text, found)]
    if any(map(is_nested_too_deeply, documents)):
        return [], text
    return documents, "".join(hidden[:1])


def _beside(text: str, documents: Sequence[Document]) -> str:
    """Return what stands between the JSON values of a text, "" where that is no word."""
    ends = [0, *(each.end for each in documents)]
    starts = [*(each.start for each in documents), len(text)]
    rest = "\n".join(text[end:start] for end, start in zip(ends, starts, strict=True))
    return rest if _WORD.search(rest) else ""


def _of_form_part(part: str, number: int, form: Part) -> Iterator[Piece]:
    place = Place(part, (None, form.name or number))
    for text in (form.name, form.filename):
        yield Piece(place, text)
    inner = list(_of_content("", form.content_type, unpacked(form.content)))
    for each in inner:
        yield each._replace(place=_below(place, each.place), name=each.name or form.name)


def _below(place: Place, inner: Place) -> Place:
    steps: list[str | int] = []
    way = inner.way
    while way is not None:
        way, step = way
        steps.append(step)
    joined = place.way
    for step in reversed(steps):
        joined = (joined, step)
    return Place(f"{place.part}{inner.part}", joined)


def _of_json(part: str, document: Any) -> Iterator[Piece]:
    """Yield the strings, the names and the long numbers of a JSON value, in their order."""
    waiting: list[tuple[Way, str, Any]] = [(None, "", document)]
    while waiting:
        way, name, value = waiting.pop()
        if isinstance(value, str):
            yield _of_string(Place(part, way), value, name)
        elif isinstance(value, dict):
            for key in value:
                yield Piece(Place(part, (way, key)), key)
            waiting += [((way, key), key, item) for key, item in reversed(value.items())]
        elif isinstance(value, list):
            numbered = reversed(list(enumerate(value)))
            waiting += [((way, at), name, item) for at, item in numbered]
        elif isinstance(value, int | float) and abs(value) >= _LEAST_NUMBER:
            yield Piece(Place(part, way), str(value), name)


def _of_string(place: Place, text: str, name: str) -> Piece:
    payload = payload_of(text)
    if payload is None:
        return Piece(place, text, name)
    return Piece(place, text_of(unpacked(payload)) or "", name, "base64")
