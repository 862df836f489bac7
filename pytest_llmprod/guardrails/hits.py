"""Hits: what a part of a detector found in a reading, before it is told of the original text."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from pytest_llmprod.guardrails.finding import Finding
from pytest_llmprod.guardrails.reading import Reading


class Hit(NamedTuple):
    """A stretch `text[start:end]` of the text of a reading; the rest is as in a Finding."""

    kind: str
    start: int
    end: int
    value: str
    why: str


class Taken:
    """Findings that do not overlap: of two that would, the one that came first is kept."""

    def __init__(self, original: str) -> None:
        """Begin without any."""
        self._original = original
        self._is_taken = bytearray(len(original))
        self._found: list[Finding] = []

    def add(self, reading: Reading, hits: Iterable[Hit]) -> None:
        """Add the hits of a reading that stand where nothing was found yet."""
        for hit in hits:
            start, end = reading.span(hit.start, hit.end)
            if self._is_taken.find(1, start, end) < 0:
                self._is_taken[start:end] = b"\1" * (end - start)
                text = self._original[start:end]
                self._found.append(Finding(hit.kind, start, end, text, hit.value, hit.why))

    def in_order(self) -> list[Finding]:
        """Return the findings in the order of the text."""
        return sorted(self._found, key=lambda finding: finding.start)


def united(original: str, found: Iterable[tuple[Reading, Hit]]) -> list[Finding]:
    """Return findings in the order of the text; those that overlap are one, of the first kind."""
    placed = [(reading.span(hit.start, hit.end), hit) for reading, hit in found]
    united: list[tuple[int, int, Hit]] = []
    for (start, end), hit in sorted(placed, key=lambda each: each[0][0]):
        if united and start < united[-1][1]:
            first, last, kept = united[-1]
            united[-1] = (first, max(last, end), kept)
        else:
            united.append((start, end, hit))
    return [
        Finding(hit.kind, start, end, original[start:end], hit.value, hit.why)
        for start, end, hit in united
    ]


_BEFORE = 48
_DIGITS = frozenset("0123456789")


def label_before(text: str, start: int, labels: re.Pattern[str]) -> str | None:
    """Return the name of the group of the last label before `start`, None where there is none.

    It is looked for in 48 characters, and not beyond the number before.
    """
    floor = max(0, start - _BEFORE)
    first = start
    while first > floor and text[first - 1] not in _DIGITS:
        first -= 1
    if text[first:start].isspace():  # as between the numbers of a list
        return None
    name = None
    for match in labels.finditer(text, first, start):
        name = match.lastgroup
    return name


def is_attached(text: str, start: int, end: int, signs: str = "-._") -> bool:
    """Say whether more digits follow or precede behind one of the signs, or a letter at once."""
    before, after = text[max(0, start - 2) : start], text[end : end + 2]
    if (before and before[-1].isalnum()) or (after and after[0].isalnum()):
        return True
    if len(before) == 2 and before[1] in signs and before[0].isdigit():
        return True
    return len(after) == 2 and after[0] in signs and after[1].isdigit()
