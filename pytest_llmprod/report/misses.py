"""Misses: how those of a test are told, each kind at each place of a suite in full once a run."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Any, Protocol

from pytest_llmprod.core.miss import Miss, RefusedText
from pytest_llmprod.core.results import Unanswered
from pytest_llmprod.core.text import printable, shorten, width

_COLUMNS = 80
_LONGEST_AGAIN = 120
_HEADLINES = ("No recording: ", "recording too old: ")
_UNPLAYED = re.compile(r"\d+ of the \d+ recordings of this test (?:was|were) not played$")
_Cause = tuple[str, str, str]
Move = tuple[str, str]


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
    if line.startswith(_HEADLINES) or _UNPLAYED.match(line):
        return {"red": True, "bold": True}
    return {"bold": True} if line.startswith("  mend ") else {}


class Telling:
    """Tells the misses of one test after the other, and remembers which causes it has told."""

    def __init__(self) -> None:
        """Start with nothing told."""
        self._tests: dict[_Cause, str] = {}

    def tell(self, misses: Sequence[Miss | str], test: str) -> str:
        """Return the text for the report of the test `test`, with the command that mends it last.

        A cause that was told of another test takes one line. A text is another error of ours, such
        as a cassette that cannot be read.
        """
        causes: dict[_Cause | str, list[Miss]] = {}
        for miss in misses:
            if isinstance(miss, str):
                causes[miss] = []
            else:
                causes.setdefault((miss.suite, miss.kind, miss.place), []).append(miss)
        blocks = [
            self._error(cause, test)
            if isinstance(cause, str)
            else self._block(cause, of_cause, test)
            for cause, of_cause in causes.items()
        ]
        mends = dict.fromkeys(miss.mend for miss in misses if isinstance(miss, Miss))
        is_short = not any("\n" in block for block in blocks)
        lines = ["\n".join(mends)] if mends else []
        return ("\n" if is_short else "\n\n").join([*blocks, *lines])

    def again(self, suite: str, text: str, test: str) -> str:
        """Return in one line what was told of another test of its suite; '' where it is new.

        Of a text of several sentences it repeats the first one.
        """
        told = self._tests.setdefault((suite, "error", text), test)
        brief = shorten(text.partition(". ")[0], _LONGEST_AGAIN)
        return "" if told == test else self._as_above(brief, told, " above")

    def _error(self, text: str, test: str) -> str:
        suite = test.partition("[")[0]
        if not isinstance(text, RefusedText):
            return self.again(suite, text, test) or text
        told = self._tests.setdefault((suite, "refused", text.cause), test)
        return text if told == test else self._as_above(text.brief, told, " above")

    def _block(self, cause: _Cause, misses: Sequence[Miss], test: str) -> str:
        first, others = misses[0], len(misses) - 1
        told = self._tests.setdefault(cause, test)
        if told != test:
            return self._as_above(first.headline, told, f" above{_more(others, ' (', ')')}")
        return first.full + _more(others, "\n\n", ", for the same reason")

    def _as_above(self, text: str, told: str, end: str) -> str:
        start = f"{text}, as in "
        name = printable(told.partition("::")[2] or told)
        return start + shorten(name, max(20, _COLUMNS - width(start + end))) + end


def _more(number: int, before: str, after: str) -> str:
    if not number:
        return ""
    return f"{before}and {number} more request{'s' if number > 1 else ''} of this test{after}"


def count(misses: Sequence[Miss | str], *, refused: int = 0) -> Mapping[str, Any]:
    """Return what the report of a test carries of its misses, as plain JSON.

    `kinds` says how many requests are in no recording, by kind; equal ones of a test count once.
    `moves` lists, as two paths each, what is to be moved after a rename. `refused` is how many
    requests must not leave.
    """
    kinds: dict[str, int] = {}
    moves: list[list[str]] = []
    for miss in dict.fromkeys(misses):
        if isinstance(miss, Miss):
            kinds[miss.kind] = kinds.get(miss.kind, 0) + 1
            moves += [list(move) for move in miss.moves]
    return {"kinds": kinds, "moves": moves, "refused": refused}


def total(
    counts: Iterable[Mapping[str, Any]], outages: Iterable[str] = (), record: str = "none"
) -> Unanswered:
    """Return what got no answer in all tests of a run with `--llm-record=record`.

    `counts` are those of each test, as `count` makes them, `outages` the reason of each test that
    no provider answered.
    """
    misses: Counter[str] = Counter()
    moves: dict[Move, None] = {}
    refused = 0
    for each in counts:
        misses.update(each["kinds"])
        refused += each["refused"]
        moves |= dict.fromkeys((old, new) for old, new in each["moves"])
    return Unanswered(
        misses=dict(misses),
        moves=tuple(moves),
        outages=dict(Counter(outages)),
        record=record,
        refused=refused,
    )


def move_commands(moves: Iterable[Move]) -> tuple[tuple[str, ...], ...]:
    """Return the commands, as words, that make these moves one after the other.

    Folders come first. What lies in one of them, or would take the place of another, is left out:
    the next run tells where it belongs.
    """
    commands: dict[tuple[str, ...], None] = {}
    sources: list[str] = []
    targets: set[str] = set()
    for old, new in sorted(moves, key=lambda move: (move[0].endswith(".json"), move)):
        folder, target = PurePath(old).parent, PurePath(new).parent
        if new in targets or any(PurePath(old).is_relative_to(each) for each in sources):
            continue
        sources.append(old)
        targets.add(new)
        if target != folder:
            commands["mkdir", "-p", str(target)] = None
        commands["mv", old, new] = None
    return tuple(commands)
