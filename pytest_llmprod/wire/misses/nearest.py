"""Nearest: which recording of a cassette is most like a request that found none.

Two requests are as far apart as the words, fields and values in which they differ, compared with
all they hold; a recording of another endpoint is farther away. In a large cassette each recording
is first compared by a fingerprint of 4,096 bits, and the few that are left word by word.
"""

import heapq
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pytest_llmprod.wire.bodies import decode_document
from pytest_llmprod.wire.canonical import VOLATILE_FIELDS
from pytest_llmprod.wire.cassettes.cassette_file import CassetteFile
from pytest_llmprod.wire.cassettes.library import Library
from pytest_llmprod.wire.recording import Recording

_BITS = 4_096
_FEW = 20  # as many are compared word by word
_OTHER_PLACE = 0.3
_LONG = 400
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is looked for: the decoded body of a request, and whether a recording went there too.

    Recordings for which `is_left` is false, for they were played, are taken where no other is.
    """

    document: Any
    is_same_place: Callable[[Recording], bool]
    is_left: Callable[[Recording], bool] = lambda recording: True


def nearest(
    cassette: CassetteFile, sections: Iterable[str], wanted: Wanted, library: Library
) -> Recording | None:
    """Return the recording in these sections that is most like `wanted`, None where none is.

    Of several that are equally near, the first in the file is returned. `library` remembers the
    fingerprints: one miss seldom comes alone.
    """
    names = tuple(sections)
    count = sum(len(cassette.cases.get(name, ())) for name in names)
    if count > _FEW:
        prints = library.remembered((cassette, names), lambda: _Fingerprints(cassette, names))
        candidates = prints.nearest(wanted)
    else:
        candidates = [each for name in names for each in cassette.section(name)]
    candidates = [each for each in candidates if wanted.is_left(each)] or candidates
    mine = Counter(_features(wanted.document))

    def distance(recording: Recording) -> float:
        theirs = Counter(_features(recorded_document(recording)))
        shared = (mine & theirs).total()
        apart = 1 - 2 * shared / max(1, mine.total() + theirs.total())
        return apart + (0 if wanted.is_same_place(recording) else _OTHER_PLACE)

    return min(candidates, key=distance, default=None)


def recorded_document(recording: Recording) -> Any:
    """Return the decoded body of a recorded request."""
    return decode_document(recording.request["body"])


def _features(document: Any) -> Iterator[str]:
    """Yield what is compared: the name of each field, and its words or its value."""
    for name, value in _fields(document):
        yield name
        if isinstance(value, str):
            yield from _WORD.findall(value)
        else:
            yield f"{name}={value!r}"


def _fields(document: Any) -> Iterator[tuple[str, Any]]:
    """Yield the name and the value of each field.

    The position in a list is no part of a name: a message that was put first moves all others.
    """
    if isinstance(document, dict):
        document = {name: document[name] for name in document if name not in VOLATILE_FIELDS}
    return _fields_below(document, "")


def _fields_below(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _fields_below(item, f"{name}.{key}")
    elif isinstance(value, list):
        for item in value:
            yield from _fields_below(item, name)
    else:
        yield name, value


class _Numbers(dict[str, int]):
    """Gives each feature a bit; those that come first have one of their own."""

    def __missing__(self, feature: str) -> int:
        number = self[feature] = len(self) % _BITS
        return number


class _Fingerprints:
    """The recordings of some sections of a cassette, each as the set of its features in bits."""

    def __init__(self, cassette: CassetteFile, sections: Iterable[str]) -> None:
        self._cassette = cassette
        self._numbers = _Numbers()
        self._known: dict[int, int] = {}
        self._prints: list[tuple[int, int]] = []  # with the number of its bits
        self._places: list[tuple[str, str, int]] = []
        for case in sections:
            seen: Counter[str] = Counter()
            for recording in cassette.section(case):
                theirs = self._print(recorded_document(recording))
                self._prints.append((theirs, theirs.bit_count()))
                self._places.append((case, recording.key, seen[recording.key]))
                seen[recording.key] += 1

    def nearest(self, wanted: Wanted) -> list[Recording]:
        """Return the few recordings that are most like `wanted`, in file order."""
        mine = self._print(wanted.document)
        size = mine.bit_count()
        distances = [
            ((mine ^ theirs).bit_count() / (size + count or 1), number)
            for number, (theirs, count) in enumerate(self._prints)
        ]
        numbers = sorted(number for _, number in heapq.nsmallest(_FEW, distances))
        return [self._cassette.read(*self._places[number]) for number in numbers]

    def _print(self, document: Any) -> int:
        found = 0
        values: list[str] = []
        for name, value in _fields(document):
            values.append(name)
            if isinstance(value, str) and len(value) > _LONG:
                found |= self._print_of_text(value)
            elif isinstance(value, str):
                values.extend(value.split())
            else:
                values.append(f"{name}={value!r}")
        return found | self._bits(values)

    def _print_of_text(self, text: str) -> int:
        """Return the bits of a long text, which is often the same in every recording."""
        digest = hash(text)
        if digest not in self._known:
            self._known[digest] = self._bits(text.split())
        return self._known[digest]

    def _bits(self, features: Iterable[str]) -> int:
        bits = bytearray(_BITS // 8)
        for number in set(map(self._numbers.__getitem__, dict.fromkeys(features))):
            bits[number >> 3] |= 1 << (number & 7)
        return int.from_bytes(bits, "little")
