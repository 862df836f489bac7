"""Text diff: the changed words of two texts, in a few narrow lines.

Unchanged lines are left out, and of a changed line only the neighbourhood of its changed words is
shown: a word at character 9,000 of a prompt is as easy to see as the first.
"""

import re
import unicodedata
from collections.abc import Iterator

from pytest_llmprod.core.text import escaped, shorten, width
from pytest_llmprod.wire.misses.alignment import Change, aligned, changes, common_ends

_CONTEXT = 24
_MOST_CHARACTERS = 100_000
_LONG_WORD = 24
_EMPTY = "(an empty line)"


def changed_lines(old: str, new: str, *, columns: int) -> Iterator[str]:
    """Yield the changed lines of two texts, `- ` before the old and `+ ` before the new ones.

    Each takes at most `columns` terminal columns, with `...` where something is left out, and is
    safe to print.
    """
    if _look_alike(old, new):
        before, after = _spelled_out(old), _spelled_out(new)
    else:
        before, after = escaped_lines(old), escaped_lines(new)
    for i, j in aligned(before, after):
        if i is None:
            yield _one("+", after[j or 0], columns)
        elif j is None:
            yield _one("-", before[i], columns)
        else:
            yield from _changed_words(before[i], after[j], columns)


def first_changed_line(old: str, new: str) -> int:
    """Return the number of the first line, from 1, in which the two texts differ."""
    equal_lines, _ = common_ends(old.split("\n"), new.split("\n"))
    return equal_lines + 1


def escaped_lines(text: str) -> list[str]:
    """Return the lines of `text`, every unprintable character escaped."""
    return [escaped(line) for line in text.split("\n")]


def _look_alike(old: str, new: str) -> bool:
    """Say whether a reader would take both for the same: only white space or encoding differs."""
    if len(old) + len(new) > 2 * _MOST_CHARACTERS:
        return False
    one, two = (unicodedata.normalize("NFKC", text).split() for text in (old, new))
    return one == two


def _spelled_out(text: str) -> list[str]:
    return [ascii(line) for line in text.split("\n")]


def _one(sign: str, line: str, columns: int) -> str:
    return f"{sign} {shorten(line, columns - 2) if line.strip() else _EMPTY}"


def _changed_words(old: str, new: str, columns: int) -> Iterator[str]:
    """Yield a pair of lines for each neighbourhood in which words were changed."""
    if max(width(old), width(new)) <= columns - 2:
        yield from (_one("-", old, columns), _one("+", new, columns))
        return
    shown_old = shown_new = -1
    for span in _changes(old, new):
        ends = min(span.b, span.a + _LONG_WORD), min(span.d, span.c + _LONG_WORD)
        if ends[0] <= shown_old and ends[1] <= shown_new:
            continue
        left, shown_old = _window(old, span.a, columns - 2)
        right, shown_new = _window(new, span.c, columns - 2)
        yield f"- {left or _EMPTY}"
        yield f"+ {right or _EMPTY}"


def _window(line: str, start: int, columns: int) -> tuple[str, int]:
    """Return the part of a line around `start`, and up to which character it shows the line."""
    begin = start
    room = _CONTEXT
    while begin and room > 0:
        begin -= 1
        room -= width(line[begin])
    if begin:
        space = line.find(" ", begin, start)  # not in the middle of a word
        begin = space + 1 if space >= 0 else begin
    lead = "..." if begin else ""
    piece = line[begin : begin + columns + 1]
    shown = shorten(lead + piece, columns)
    end = begin + len(piece)
    if shown.endswith("...") and shown != lead + piece:
        end = begin + len(shown) - len(lead) - len("...")
    return shown, end


def _changes(old: str, new: str) -> Iterator[Change]:
    """Yield what was changed in a line, word by word, as positions of characters."""
    start, end = common_ends(old, new)
    start, end = _whole_word_ends(old, start, end)
    words, others = _words(old[start : len(old) - end]), _words(new[start : len(new) - end])
    at, other_at = _offsets(words, start), _offsets(others, start)
    for a, b, c, d in changes(words, others):
        yield _narrowed(old, new, Change(at[a], at[b], other_at[c], other_at[d]))


def _whole_word_ends(old: str, start: int, end: int) -> tuple[int, int]:
    """Move both ends out of the middle of a word, unless the word is very long."""
    for _ in range(_LONG_WORD):
        if not start or not old[start - 1].isalnum():
            break
        start -= 1
    for _ in range(_LONG_WORD):
        if not end or not old[-end].isalnum():
            break
        end -= 1
    return start, end


def _narrowed(old: str, new: str, change: Change) -> Change:
    """Leave out the equal start of a change that is too long to be seen at once."""
    a, b, c, d = change
    if min(b - a, d - c) <= _LONG_WORD:
        return change
    start, _ = common_ends(old[a:b], new[c:d])
    return Change(a + start, b, c + start, d)


def _words(text: str) -> list[str]:
    return re.findall(r"\s+|\w+|[^\w\s]", text)


def _offsets(words: list[str], start: int) -> list[int]:
    """Return where each word begins, and where the last one ends."""
    offsets = [start]
    for word in words:
        offsets.append(offsets[-1] + len(word))
    return offsets
