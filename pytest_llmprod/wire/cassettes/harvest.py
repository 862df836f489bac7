"""Harvest: what the journals of a run say about each cassette."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any, cast

from pytest_llmprod.core.errors import CassetteError
from pytest_llmprod.wire.cassettes.journal import Turn, writer
from pytest_llmprod.wire.recording import NO_MODEL, Recording, asked_model
from pytest_llmprod.wire.rules import RECORD_MODES, RecordMode


@dataclass(slots=True)
class Harvest:
    """All that the journals of one run say about one cassette.

    `asked` is the model that was asked: it has the cassette for itself. `found` maps (case, key) ->
    how many recordings the cassette had of it when the run read it.
    """

    mode: RecordMode = "once"
    asked: str = ""
    order: list[str] = field(default_factory=list)
    finished: set[str] = field(default_factory=set)
    answered: set[str] = field(default_factory=set)
    sections: dict[str, list[Recording]] = field(default_factory=dict)
    played: dict[str, Mapping[str, Sequence[int]]] = field(default_factory=dict)
    found: dict[tuple[str, str], int] = field(default_factory=dict)
    _tapes: dict[str, set[Turn]] = field(default_factory=dict)

    def take(self, line: Mapping[str, Any], turn: Turn) -> None:
        """Take in one line of a journal.

        Raises AttributeError, KeyError, TypeError or ValueError for one that no journal of this
        version holds.
        """
        match line:
            case {"order": [*order], "mode": mode}:
                self.order = list(dict.fromkeys([*self.order, *map(_text, order)]))
                self.mode = _mode(mode)
            case {"played": {**played}, "case": str(case), "mode": mode}:
                self.played[case] = {_text(key): _positions(of) for key, of in played.items()}
                self.mode = _mode(mode)
            case {"started": str(case)}:
                self._start(case, turn)
            case {"finished": str(case)}:
                self.finished.add(case)
            case {"answered": str(case)}:
                self.answered.add(case)
            case {"recording": stored}:
                recording = _read(stored)
                self.sections.setdefault(recording.case, []).append(recording)
                # An older run did not say what it asked.
                self.asked = _text(line.get("asked", asked_model(recording) or NO_MODEL))
                if "found" in line:
                    self.found[recording.case, recording.key] = _number(line["found"])
                self._tapes.setdefault(recording.case, set()).add(turn._replace(request=0))
            case _:
                raise ValueError("it is none that this version writes")

    def _start(self, case: str, turn: Turn) -> None:
        """Forget an earlier try: a test that runs again says anew what it asks.

        Each of its processes says that it starts.
        """
        if turn in self._tapes.get(case, ()) and turn.tape:
            return
        self.sections.pop(case, None)
        self.played.pop(case, None)
        self.finished.discard(case)
        self.answered.discard(case)
        self._tapes.pop(case, None)

    def end(self, tapes: Collection[Turn]) -> None:
        """Note that the tests of these tapes are finished, whichever process recorded for them."""
        self.finished |= {case for case, own in self._tapes.items() if not own.isdisjoint(tapes)}

    def drop_errors(self) -> None:
        """Drop the error answers of tests that did not finish.

        A provider's bad moment would else be replayed for ever, and `once` never ask again.
        """
        for case in self.sections.keys() - self.finished:
            kept = [each for each in self.sections[case] if each.is_answer]
            if kept:
                self.sections[case] = kept
            else:
                del self.sections[case]


def gather(paths: Iterable[Path]) -> dict[str, Harvest]:
    """Return cassette -> what the journals at `paths` say about it, relative to the project.

    The journal of a worker is followed by those of its child processes.

    Raises CassetteError for a journal that cannot be understood to its end.
    """
    harvests: dict[str, Harvest] = {}
    ended: set[Turn] = set()
    for _, family in groupby(paths, key=writer):
        lines = [line for path in family for line in _read_lines(path)]
        for line in sorted(lines, key=lambda line: line.turn[:-1]):
            if "ended" in line.content:
                ended.add(line.turn)
                continue
            with _naming(line.path, line.number):
                cassette = _text(line.content["cassette"])
                harvests.setdefault(cassette, Harvest()).take(line.content, line.turn)
    for harvest in harvests.values():
        harvest.end(ended)
        harvest.drop_errors()
    return harvests


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of a journal, where it stands, and its place in the order of the run."""

    path: Path
    number: int
    content: Mapping[str, Any]
    turn: Turn


def _read_lines(path: Path) -> list[_Line]:
    """Return the lines of a journal in the order of their turns."""
    lines = []
    for number, text in _lines(path):
        with _naming(path, number):
            content = json.loads(text.decode())
            turn = Turn(*map(_number, content.get("turn", ())))
            lines.append(_Line(path, number, content, turn))
    return sorted(lines, key=attrgetter("turn"))


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of a journal, numbered from 1, without what a kill left of the last one."""
    *lines, tail = path.read_bytes().split(b"\n")
    yield from enumerate(lines, 1)
    if _is_json(tail):  # as the beginning of a line is not
        yield len(lines) + 1, tail


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text.decode())
    except ValueError:
        return False
    return True


@contextmanager
def _naming(path: Path, number: int) -> Iterator[None]:
    """Name the line of a journal in which the block finds something that it cannot understand."""
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        what = f"missing {error}" if isinstance(error, KeyError) else str(error)
        raise CassetteError(
            f"{path}, line {number}: this line of a journal cannot be read ({what}). Nothing was "
            f"taken from the file. Delete the line, or put the file aside with "
            f"`mv {path} {path}.aside`, and record again with --llm-record=once."
        ) from error


def _read(stored: Mapping[str, Any]) -> Recording:
    """Return a recording of which all can be read that a fold asks of it."""
    recording = Recording.from_json(stored)
    for part in (recording.case, recording.key, recording.model):
        _text(part)
    _number(recording.status)
    return recording


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise TypeError(f"{value!r} is no text")


def _positions(value: Any) -> Sequence[int]:
    """Return the positions of recordings; an older run noted only how many there were."""
    if isinstance(value, list):
        return [_number(each) for each in value]
    return range(_number(value))


def _number(value: Any) -> int:
    if type(value) is int:  # a truth value is none
        return value
    raise TypeError(f"{value!r} is no number")


def _mode(value: Any) -> RecordMode:
    if value in RECORD_MODES:
        return cast("RecordMode", value)
    raise ValueError(f"{value!r} is no record mode")
