"""Regex steps: how many steps a backtracking matcher takes for a pattern, counted and not timed.

It follows the parse tree that `re` itself makes, character by character and in `re`'s order, so
that its steps grow as those of `re` do. It knows what the patterns of the detectors use.
"""

import re
from collections.abc import Iterator, Sequence
from re import _constants as c  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

Node = tuple[Any, Any]


class TooManySteps(Exception):
    """A search was given up."""


class Counter:
    """Counts the steps of searching one text for all matches of one pattern."""

    def __init__(self, pattern: re.Pattern[str], most: int = 1_000_000) -> None:
        """Parse the pattern once; a search of more than `most` steps is given up."""
        self.steps = 0
        self._most = most
        self._tree = parser.parse(pattern.pattern, pattern.flags & ~re.UNICODE)
        self._flags = pattern.flags
        self._text = ""

    def search_all(self, text: str) -> list[tuple[int, int]]:
        """Return where the matches are, as `finditer` does."""
        self._text = text
        found = []
        at = 0
        while at <= len(text):
            end = next(self._sequence(list(self._tree), 0, at, self._flags), None)
            if end is not None and end > at:
                found.append((at, end))
            at = end if end is not None and end > at else at + 1
        return found

    def _sequence(self, nodes: Sequence[Node], index: int, at: int, flags: int) -> Iterator[int]:
        if index == len(nodes):
            yield at
            return
        for end in self._node(nodes[index], at, flags):
            yield from self._sequence(nodes, index + 1, end, flags)

    def _node(self, node: Node, at: int, flags: int) -> Iterator[int]:
        self.steps += 1
        if self.steps > self._most:
            raise TooManySteps(f"{self.steps} steps")
        op, value = node
        if op in (c.LITERAL, c.NOT_LITERAL, c.IN, c.ANY):
            if at < len(self._text) and self._is_one(node, self._text[at], flags):
                yield at + 1
        elif op is c.AT:
            yield from self._at(value, at)
        elif op is c.BRANCH:
            for branch in value[1]:
                yield from self._sequence(list(branch), 0, at, flags)
        elif op is c.SUBPATTERN:
            _, add, remove, inside = value
            yield from self._sequence(list(inside), 0, at, (flags | add) & ~remove)
        elif op in (c.MAX_REPEAT, c.MIN_REPEAT, c.POSSESSIVE_REPEAT):
            yield from self._repeat(op, value, at, flags)
        elif op in (c.ASSERT, c.ASSERT_NOT):
            direction, inside = value
            start = at if direction > 0 else at - inside.getwidth()[0]
            holds = start >= 0 and any(True for _ in self._sequence(list(inside), 0, start, flags))
            if holds == (op is c.ASSERT):
                yield at
        else:
            raise NotImplementedError(str(op))

    def _repeat(self, op: Any, value: Any, at: int, flags: int) -> Iterator[int]:
        least, most, inside = value
        nodes = list(inside)
        if op is c.POSSESSIVE_REPEAT:
            count = 0
            while count < most:
                end = next(self._sequence(nodes, 0, at, flags), None)
                if end is None or end == at:
                    break
                at = end
                count += 1
            if count >= least:
                yield at
        else:
            yield from self._backtracking(nodes, least, most, at, flags, lazy=op is c.MIN_REPEAT)

    def _backtracking(
        self, nodes: list[Node], least: int, most: int, at: int, flags: int, *, lazy: bool
    ) -> Iterator[int]:
        if lazy and least <= 0:
            yield at
        if most > 0:
            for end in self._sequence(nodes, 0, at, flags):
                if end > at:
                    rest = (nodes, least - 1, most - 1, end, flags)
                    yield from self._backtracking(*rest, lazy=lazy)
        if not lazy and least <= 0:
            yield at

    def _at(self, where: Any, at: int) -> Iterator[int]:
        text = self._text
        before = at > 0 and (text[at - 1].isalnum() or text[at - 1] == "_")
        after = at < len(text) and (text[at].isalnum() or text[at] == "_")
        holds = {
            c.AT_BEGINNING: at == 0,
            c.AT_BEGINNING_STRING: at == 0,
            c.AT_END_STRING: at == len(text),
            c.AT_END: at == len(text),
            c.AT_BOUNDARY: before != after,
            c.AT_NON_BOUNDARY: before == after,
        }[where]
        if holds:
            yield at

    def _is_one(self, node: Node, char: str, flags: int) -> bool:
        op, value = node
        if op is c.ANY:
            return char != "\n"
        chars = (char, char.lower(), char.upper()) if flags & re.IGNORECASE else (char,)
        return any(self._matches(op, value, each) for each in chars)

    def _matches(self, op: Any, value: Any, char: str) -> bool:
        if op is c.LITERAL:
            return char == chr(value)
        if op is c.NOT_LITERAL:
            return char != chr(value)
        items = list(value)
        negated = items[0][0] is c.NEGATE
        return any(_is_in(item, char) for item in items[negated:]) != negated


_CATEGORIES = {
    c.CATEGORY_DIGIT: r"\d",
    c.CATEGORY_NOT_DIGIT: r"\D",
    c.CATEGORY_SPACE: r"\s",
    c.CATEGORY_NOT_SPACE: r"\S",
    c.CATEGORY_WORD: r"\w",
    c.CATEGORY_NOT_WORD: r"\W",
}


def _is_in(item: Node, char: str) -> bool:
    op, value = item
    if op is c.LITERAL:
        return char == chr(value)
    if op is c.RANGE:
        return value[0] <= ord(char) <= value[1]
    return re.match(_CATEGORIES[value], char) is not None


def is_bounded(pattern: re.Pattern[str]) -> bool:
    """Say whether a pattern looks at a bounded number of characters from each place on."""
    return not any(op for op in _unbounded(parser.parse(pattern.pattern, pattern.flags & ~32)))


def _unbounded(tree: Any) -> Iterator[Node]:
    for op, value in tree:
        if op in (c.MAX_REPEAT, c.MIN_REPEAT, c.POSSESSIVE_REPEAT):
            if value[1] == c.MAXREPEAT:
                yield op, value
            yield from _unbounded(value[2])
        elif op is c.SUBPATTERN:
            yield from _unbounded(value[3])
        elif op is c.BRANCH:
            for branch in value[1]:
                yield from _unbounded(branch)
        elif op in (c.ASSERT, c.ASSERT_NOT):
            yield from _unbounded(value[1])
        elif op is c.ATOMIC_GROUP:
            yield from _unbounded(value)
