"""Plays: which recordings answer the requests of one test, and which of them are left."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from pytest_llmprod.wire.cassettes.cassette_file import CassetteFile
from pytest_llmprod.wire.cassettes.library import Library
from pytest_llmprod.wire.conversations import earlier_answer, going_on, read_conversations
from pytest_llmprod.wire.key import WireRequest
from pytest_llmprod.wire.label import TapeLabel
from pytest_llmprod.wire.recording import Recording
from pytest_llmprod.wire.rules import Repeats

#: Key of a request -> the positions of its recordings that were played, in the order of plays.
Positions = dict[str, list[int]]


class Plays:
    """What one test has played of its cassettes.

    Look-up and consumption are one step under a lock: equal requests, also from several threads,
    get the recordings in the order in which they were made, each once.
    """

    def __init__(self, label: TapeLabel, library: Library) -> None:
        """Note no play yet of the test that `label` names."""
        self._label = label
        self._library = library
        self._played: dict[Path, Positions] = {}
        self._lock = library.tape_lock

    def next(self, request: WireRequest, repeats: Repeats) -> Recording | None:
        """Return the next recording of `request` and count it as played, or None.

        `repeats` says which one comes when all were played.
        """
        for cassette in self._library.playing(self._label, request.shelf):
            recording = self._next_in(cassette, request, repeats)
            if recording is not None:
                return recording
        return None

    def _next_in(
        self, cassette: CassetteFile, request: WireRequest, repeats: Repeats
    ) -> Recording | None:
        with self._lock:
            played = self._played.setdefault(cassette.path, {})
            positions = played.get(request.key, [])
            times = len(positions)
            count = cassette.count(self._label.case, request.key)
            position = _position(times, count, repeats)
            earlier = earlier_answer(request.document)
            if position is not None and earlier and times < count:
                position = self._going_on(cassette, request.key, earlier, positions)
            if position is None:
                return None
            played[request.key] = [*positions, position]
        return cassette.read(self._label.case, request.key, position)

    def _going_on(
        self, cassette: CassetteFile, key: str, earlier: str, taken: Sequence[int]
    ) -> int | None:
        """Return which of the recordings of `key` goes on from the answer `earlier`."""
        case = self._label.case
        known = self._library.remembered(
            ("conversations", cassette.path, case, key),
            lambda: read_conversations(
                (cassette.read(case, key, at) for at in range(cassette.count(case, key))),
                cassette.section(case),
            ),
        )
        return going_on(earlier, known, taken)

    def is_left(self, cassette: CassetteFile, key: str) -> bool:
        """Say whether a recording of `key` has not been played yet."""
        positions = self._played.get(cassette.path, {}).get(key, ())
        return len(positions) < cassette.count(self._label.case, key)

    def has_played_all(self, cassette: CassetteFile) -> bool:
        """Say whether this test has recordings in `cassette`, and all of them were played."""
        keys = cassette.keys(self._label.case)
        return bool(keys) and not any(self.is_left(cassette, key) for key in keys)

    def left_over(
        self, *, is_given: bool = False
    ) -> Iterator[tuple[CassetteFile, Positions, Sequence[Recording]]]:
        """Yield each cassette of which not all was played, what was played of it, and the rest.

        It knows the cassettes of the models that were asked. Of a test that asked none, it looks
        for any cassette, but where its output `is_given`.
        """
        asked = self._own_played()
        for path, played in asked or ([] if is_given else self._never_played()):
            cassette = self._library.open(path)
            left = cassette.unplayed(self._label.case, played)
            if left:
                yield cassette, played, left

    def completed(self) -> set[Path]:
        """Return the cassettes in which this test played what an earlier one left unfinished."""
        played = (path for path, _ in self._own_played())
        return {path for path in played if self._library.open(path).is_unfinished(self._label.case)}

    def _own_played(self) -> list[tuple[Path, Positions]]:
        """Return what was played from each cassette of ours; those of others we do not keep up."""
        return [each for each in self._played.items() if not self._library.is_foreign(each[0])]

    def _never_played(self) -> list[tuple[Path, Positions]]:
        """Return all cassettes of a test that asked nothing, of whatever model."""
        return [(path, {}) for path in self._library.of_function(self._label)]


def _position(times: int, count: int, repeats: Repeats) -> int | None:
    """Return which of `count` equal recordings comes after `times` plays, None for none."""
    if times < count:
        return times
    if not count or repeats == "strict":
        return None
    return count - 1 if repeats == "last" else times % count
