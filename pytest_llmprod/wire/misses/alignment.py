"""Alignment: which items of two sequences belong together, where the sequences differ."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import takewhile, zip_longest
from typing import NamedTuple

Pair = tuple[int | None, int | None]

_MOST_EDITS = 300
_MOST_PAIRS = 2_500
_LEAST_LIKENESS = 0.3


class Change(NamedTuple):
    """A stretch that differs: `old[a:b]` became `new[c:d]`."""

    a: int
    b: int
    c: int
    d: int


def aligned(old: Sequence[str], new: Sequence[str]) -> Iterator[Pair]:
    """Yield the positions of what differs, in order: in both where an item was changed.

    The position is None on the side that lacks the item. Equal items are left out, unless too much
    differs to find them.
    """
    for a, b, c, d in changes(old, new):
        yield from _paired(old, new, range(a, b), range(c, d))


def changes(old: Sequence[str], new: Sequence[str]) -> list[Change]:
    """Return the stretches that differ, in order; one for all where more than 300 items do.

    The algorithm is the greedy one of Myers, An O(ND) Difference Algorithm and Its Variations
    (1986): difflib takes 20 s for some pairs of prompts, and does not find the fewest changes.
    """
    start, end = common_ends(old, new)
    first, second = old[start : len(old) - end], new[start : len(new) - end]
    if not first and not second:
        return []
    if not first or not second:
        return [Change(start, len(old) - end, start, len(new) - end)]
    found: list[Change] = []
    for x, y, is_removal in _edits(first, second):
        a, c = x + start, y + start
        b, d = (a + 1, c) if is_removal else (a, c + 1)
        if found and (found[-1].b, found[-1].d) == (a, c):
            found[-1] = found[-1]._replace(b=b, d=d)
        else:
            found.append(Change(a, b, c, d))
    return found or [Change(start, len(old) - end, start, len(new) - end)]


def _edits(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int, bool]]:
    """Return where items are removed (True) or added; nothing where there are too many edits.

    A diagonal holds the pairs of positions with one difference, x - y. `reach` says how far each
    diagonal gets with the edits made so far, and `history` what it said before each edit.
    """
    reach = {1: 0}
    history: list[dict[int, int]] = []
    for edit in range(_MOST_EDITS + 1):
        history.append(dict(reach))
        for diagonal in range(-edit, edit + 1, 2):
            previous = _previous(reach, diagonal, edit)
            x = reach[previous] + (previous < diagonal)
            while x < len(old) and x - diagonal < len(new) and old[x] == new[x - diagonal]:
                x += 1
            reach[diagonal] = x
            if x >= len(old) and x - diagonal >= len(new):
                return _traced_back(history, diagonal)
    return []


def _previous(reach: dict[int, int], diagonal: int, edit: int) -> int:
    """Return the diagonal from which an edit gets farthest on `diagonal`."""
    if diagonal == -edit:
        return diagonal + 1
    if diagonal == edit or reach[diagonal - 1] >= reach[diagonal + 1]:
        return diagonal - 1
    return diagonal + 1


def _traced_back(history: Sequence[dict[int, int]], diagonal: int) -> list[tuple[int, int, bool]]:
    edits: list[tuple[int, int, bool]] = []
    for edit in range(len(history) - 1, 0, -1):
        reach = history[edit]
        previous = _previous(reach, diagonal, edit)
        x = reach[previous]
        edits.append((x, x - previous, previous < diagonal))
        diagonal = previous
    return edits[::-1]


def common_ends(old: Sequence[str], new: Sequence[str]) -> tuple[int, int]:
    """Return how many items are equal at the start, and how many of the others at the end."""
    start = sum(1 for _ in takewhile(_is_equal, zip(old, new, strict=False)))
    rest = min(len(old), len(new)) - start
    backwards = zip(reversed(old[-rest:]), reversed(new[-rest:]), strict=True) if rest else iter(())
    return start, sum(1 for _ in takewhile(_is_equal, backwards))


def _is_equal(pair: tuple[str, str]) -> bool:
    return pair[0] == pair[1]


def _paired(old: Sequence[str], new: Sequence[str], left: range, right: range) -> Iterator[Pair]:
    """Pair the most alike of both sides, then those before and those after it."""
    if len(left) == len(right) or not left or not right or len(left) * len(right) > _MOST_PAIRS:
        yield from zip_longest(left, right)
        return
    share, i, j = max((_likeness(old[i], new[j]), -i, -j) for i in left for j in right)
    if share < _LEAST_LIKENESS:
        yield from ((position, None) for position in left)
        yield from ((None, position) for position in right)
        return
    i, j = -i, -j
    yield from _paired(old, new, range(left.start, i), range(right.start, j))
    yield i, j
    yield from _paired(old, new, range(i + 1, left.stop), range(j + 1, right.stop))


def _likeness(one: str, two: str) -> float:
    """Return the share of words that two texts have in common, 0..1."""
    first, second = _words(one), _words(two)
    return 2 * len(first & second) / max(1, len(first) + len(second))


@lru_cache(maxsize=4 * 50)  # a block of pairs asks again and again
def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text))
