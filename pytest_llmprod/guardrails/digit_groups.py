"""Digit groups: numbers as they are written, in groups with signs between them.

A run is as long as nothing but a few spaces, dashes, dots, slashes or brackets stands between its
digits, and no sentence ends; it may hold several numbers. It is searched by the sizes of its
groups, each of which is looked at a bounded number of times.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

# The digit comes before what may not precede it: a search for a digit is quick.
_RUN = re.compile(r"\d(?<![^\W_]\d)\d*+(?:(?!\. | / )[ .\-/()]{1,3}+\d++)*+")
_GROUP = re.compile(r"\d++")
_LEAST_DIGITS = 7


class Run:
    """One run in a text. `sizes` has a byte for each group: how many digits, 255 at most."""

    __slots__ = ("groups", "sizes", "text")

    def __init__(self, text: str, groups: list[tuple[int, int]]) -> None:
        """Take the places of the groups."""
        self.text = text
        self.groups = groups
        self.sizes = bytes([end - start if end - start < 256 else 255 for start, end in groups])

    def digits(self, first: int, count: int) -> str:
        """Return the digits of `count` groups."""
        if count == 1:
            start, end = self.groups[first]
            return self.text[start:end]
        return "".join([self.text[start:end] for start, end in self.groups[first : first + count]])

    def separators(self, first: int, count: int) -> list[str]:
        """Return what stands between `count` groups."""
        inside = self.groups[first : first + count]
        return [self.text[before[1] : after[0]] for before, after in pairwise(inside)]

    def place(self, first: int, count: int) -> tuple[int, int]:
        """Return where `count` groups begin and end in the text."""
        return self.groups[first][0], self.groups[first + count - 1][1]


def runs(text: str) -> Iterator[Run]:
    """Yield the runs of seven digits or more."""
    for match in _RUN.finditer(text):
        start, end = match.span()
        if end - start < _LEAST_DIGITS:
            continue
        groups = [group.span() for group in _GROUP.finditer(text, start, end)]
        run = Run(text, groups)
        if sum(run.sizes) >= _LEAST_DIGITS:
            yield run
