"""Misses: how those of a test are told, each kind at each place of a suite in full once a run."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from pytest_llmprod.core.miss import Miss
from pytest_llmprod.core.text import printable, shorten, width

_COLUMNS = 80
_Cause = tuple[str, str, str]


class Terminal(Protocol):
    """What a text of ours is printed on; pytest's TerminalWriter is one."""

    def line(self, s: str = "", **markup: bool) -> None:
        """Print a line, in colour where the terminal takes it."""
        ...


class ToldText(str):
    """The text of a failed test which pytest prints with its changes and commands in colour."""

    __slots__ = ()

    def toterminal(self, tw: Terminal) -> None:
        """Print the text; pytest calls this."""
        for line in self.split("\n"):
            tw.line(line, **_markup(line))


def _markup(line: str) -> dict[str, bool]:
    start = line.lstrip()[:2]
    if line.startswith("   ") and start in ("- ", "+ "):
        return {"red" if start == "- " else "green": True}
    if line.startswith(("No recording: ", "recording too old: ")):
        return {"red": True, "bold": True}
    return {"bold": True} if line.startswith("  mend ") else {}


class Telling:
    """Tells the misses of one test after the other, and remembers which causes it has told."""

    def __init__(self) -> None:
        """Start with nothing told."""
        self._tests: dict[_Cause, str] = {}

    def tell(self, misses: Sequence[Miss | str], test: str) -> str:
        """Return the text for the report of the test `test`, with the command that mends it last.

        A cause that was told of another test takes one line. A text is another error of ours.
        """
        causes: dict[_Cause | str, list[Miss]] = {}
        for miss in misses:
            if isinstance(miss, str):
                causes[miss] = []
            else:
                causes.setdefault((miss.suite, miss.kind, miss.place), []).append(miss)
        blocks = [
            cause if isinstance(cause, str) else self._block(cause, of_cause, test)
            for cause, of_cause in causes.items()
        ]
        mends = dict.fromkeys(miss.mend for miss in misses if isinstance(miss, Miss))
        is_short = not any("\n" in block for block in blocks)
        lines = ["\n".join(mends)] if mends else []
        return ("\n" if is_short else "\n\n").join([*blocks, *lines])

    def _block(self, cause: _Cause, misses: Sequence[Miss], test: str) -> str:
        first, others = misses[0], len(misses) - 1
        told = self._tests.setdefault(cause, test)
        if told != test:
            start, end = f"{first.headline}, as in ", f" above{_more(others, ' (', ')')}"
            name = printable(told.partition("::")[2] or told)
            return start + shorten(name, max(20, _COLUMNS - width(start + end))) + end
        return first.full + _more(others, "\n\n", ", for the same reason")


def _more(number: int, before: str, after: str) -> str:
    if not number:
        return ""
    return f"{before}and {number} more request{'s' if number > 1 else ''} of this test{after}"


def count(misses: Sequence[Miss | str]) -> Mapping[str, int]:
    """Return how many requests are in no recording, by kind; equal ones of a test count once."""
    counts: dict[str, int] = {}
    for miss in dict.fromkeys(misses):
        if isinstance(miss, Miss):
            counts[miss.kind] = counts.get(miss.kind, 0) + 1
    return counts
