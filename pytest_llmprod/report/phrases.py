"""Phrases: how changes are said in a few words."""

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from pytest_llmprod.core.text import printable, shorten

_MOST_WORDS = 400
_AROUND = 3


def word_diff(old: str, new: str, columns: int) -> str:
    """Return the first changes in one line of at most `columns`: `I [-can-]{+cannot+} help`.

    The line is safe to print. Of the words that stayed it keeps three on each side of a change.
    """
    before, after = printable(old).split(" "), printable(new).split(" ")
    if before == after:
        return shorten("(white space only)", columns)
    start = 0
    while start < min(len(before), len(after)) and before[start] == after[start]:
        start += 1
    begin = max(0, start - _AROUND)
    # A reader sees the first changes only, and comparing takes quadratic time.
    before, after = before[begin:][:_MOST_WORDS], after[begin:][:_MOST_WORDS]
    lead = ["..."] if begin else []
    return shorten(" ".join([*lead, *_marked(before, after, columns // 3)]), columns)


def _marked(before: Sequence[str], after: Sequence[str], longest: int) -> Iterator[str]:
    """Yield what stayed and what changed, each side cut to `longest` so that both are seen."""
    matcher = SequenceMatcher(a=before, b=after, autojunk=False)
    for kind, old_start, old_end, new_start, new_end in matcher.get_opcodes():
        old, new = before[old_start:old_end], after[new_start:new_end]
        if kind == "equal":
            is_long = len(old) > 2 * _AROUND + 1
            yield from [*old[:_AROUND], "...", *old[-_AROUND:]] if is_long else old
            continue
        gone, come = (shorten(" ".join(words), longest) for words in (old, new))
        yield (f"[-{gone}-]" if old else "") + (f"{{+{come}+}}" if new else "")
