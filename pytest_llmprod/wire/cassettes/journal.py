"""Journal: what was recorded in this run, in a file at once, before any cassette is touched.

Each process appends to a file of its own under `.llmprod/recording/<run>/`, and so does each that
is forked from it: `gw0.jsonl`, `gw0.4711.jsonl`. When the run ends, one process folds all journals
of the run into the cassettes. Several xdist workers can so record into one cassette, and a run that
is killed leaves its recordings for the next one to pick up.
"""

import itertools
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Any, NamedTuple

from pytest_llmprod.core.errors import CassetteError
from pytest_llmprod.core.files import path_from, write_whole
from pytest_llmprod.wire.cassettes import locks
from pytest_llmprod.wire.cassettes.leaks import refuse_leaking_text
from pytest_llmprod.wire.fork_lock import ForkLock
from pytest_llmprod.wire.masking import Scanner
from pytest_llmprod.wire.recording import Recording
from pytest_llmprod.wire.rules import RecordMode

FOLDER = Path(".llmprod") / "recording"


class Turn(NamedTuple):
    """When something was asked: in the how-manieth tape, and as its how-manieth request.

    Both count from 1. Answers come in any order, and their recordings are to stand in this one.
    `opener` is the process that opened the tape: others, forked from one process, count alike.
    What has no turn comes before all that has one.
    """

    tape: int = 0
    opener: int = 0
    request: int = 0


class Journal:
    """The journal that this process writes; safe to use from several threads.

    The file is opened at the first line, so that a run that records nothing leaves nothing. It is
    the first file that a recording comes to: a line that holds a known secret is refused.
    """

    def __init__(
        self,
        rootpath: Path,
        run_id: str,
        writer: str,
        mode: RecordMode,
        known: Callable[[], Sequence[Scanner]],
        *,
        home: Path | None = None,
    ) -> None:
        """Prepare the journal of the process `writer` in the run `run_id`.

        `known` returns scanners for the secrets of this machine. The journal lies in the project,
        or in `home` where the process that folds it does not see that folder.
        """
        self._known = known
        self._rootpath = rootpath
        self._home = home or rootpath
        self._mode = mode
        self._path = self._home / FOLDER / run_id / f"{writer}.jsonl"
        self._file: FileIO | None = None
        self._lock = ForkLock()
        self._tapes = itertools.count(1)
        self._names: dict[Path, str] = {}
        self._process = os.getpid()
        self._alone_in = 0  # the process that is about to open its file

    @property
    def rootpath(self) -> Path:
        """Return the folder of the project."""
        return self._rootpath

    def next_turn(self) -> Turn:
        """Return the turn of a tape that is opened now, before its first request."""
        return Turn(tape=next(self._tapes), opener=os.getpid())

    def recorded(
        self, cassette: Path, recording: Recording, turn: Turn, *, found: int, asked: str
    ) -> None:
        """Note a recording for `cassette`, of the request that was sent at `turn`.

        `found` is how many recordings of that request the run had found in `cassette`, and `asked`
        the model that was asked. When this returns it outlives a kill of the process, though not a
        loss of power.
        """
        line = {"cassette": self._relative(cassette), "turn": turn, "found": found, "asked": asked}
        self._append({**line, "recording": recording.to_json()})

    def ordered(self, cassette: Path, cases: Sequence[str]) -> None:
        """Note the run's mode, and the order of sections: that of the data set.

        Several orders for one cassette follow each other.
        """
        line = {"cassette": self._relative(cassette), "mode": self._mode, "order": list(cases)}
        self._append(line)

    def started(self, cassette: Path, case: str, turn: Turn) -> None:
        """Note that a test of `case` starts to record; an earlier try in this run is void."""
        self._append({"cassette": self._relative(cassette), "started": case, "turn": turn})

    def finished(self, cassette: Path, case: str, turn: Turn) -> None:
        """Note that the test of `case` came to its end without an error."""
        self._append({"cassette": self._relative(cassette), "finished": case, "turn": turn})

    def answered(self, cassette: Path, case: str, turn: Turn) -> None:
        """Note that the task has answered `case` in a run that was stopped before its test."""
        self._append({"cassette": self._relative(cassette), "answered": case, "turn": turn})

    def ended(self, turn: Turn) -> None:
        """Note, where child processes have recorded, that the test of this turn is finished.

        What they alone have recorded, and in which cassettes, their parent does not know.
        """
        if self._has_children():
            self._append({"ended": True, "turn": turn})

    def played(
        self, cassette: Path, case: str, played: Mapping[str, Sequence[int]], turn: Turn
    ) -> None:
        """Note which recordings of each key were played by a test of `case` that asks no more."""
        line = {"cassette": self._relative(cassette), "played": played, "case": case}
        self._append({**line, "mode": self._mode, "turn": turn})

    def close(self) -> None:
        """Close the file; the journal is then free to be folded into the cassettes."""
        with self._lock:
            if self._file is not None:
                if os.getpid() == self._process:  # a child would unlock it for its parent
                    locks.release(self._file)
                self._file.close()
                self._file = None

    def _append(self, line: Mapping[str, Any]) -> None:
        text = json.dumps(line)
        refuse_leaking_text(text, self._known(), "the environment variable")
        try:
            with self._lock:
                self._write(text.encode() + b"\n")
        except OSError as error:
            raise CassetteError(
                f"{self._path}: what was recorded cannot be written ({error.strerror}). Make room "
                f"or make the folder writable, and record again."
            ) from error

    def _write(self, line: bytes) -> None:
        is_own = os.getpid() == self._process
        if is_own and self._file is not None:
            _write_line(self._file, line)
        elif self._alone_in == os.getpid():
            # Python collected garbage meanwhile, and so ended a request that a test broke off.
            self._write_and_close(line)
        elif is_own:
            # Lock it while nobody can take it for one that was left behind.
            with self._alone():
                self._file = self._open(self._path)
                locks.claim(self._file, self._path)
            _write_line(self._file, line)
        else:
            with self._alone():
                self._write_and_close(line)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self._alone_in = os.getpid()
        try:
            with locks.alone(self._home):
                yield
        finally:
            self._alone_in = 0

    def _write_and_close(self, line: bytes) -> None:
        """Write to the file of this process, of its own where it was forked from the journal's.

        It is open for one line only: the child may outlive the run, and is not to keep anything
        back from the cassettes.
        """
        path = self._path
        if os.getpid() != self._process:
            path = path.with_name(f"{path.stem}.{os.getpid()}.jsonl")
        with self._open(path) as file:
            _write_line(file, line)

    def _has_children(self) -> bool:
        """Say whether a process that was forked from this one has recorded anything."""
        try:  # each test asks: `Path.glob` takes ten times as long
            names = os.listdir(self._path.parent)
        except OSError:  # nothing has been written there, or could be
            return False
        own = self._path.name
        return any(name.startswith(f"{self._path.stem}.") and name != own for name in names)

    def _open(self, path: Path) -> FileIO:
        ignore = self._home / FOLDER.parts[0] / ".gitignore"
        if not ignore.exists():
            write_whole(ignore, b"*\n")
        path.parent.mkdir(parents=True, exist_ok=True)
        return FileIO(path, "ab")

    def _relative(self, cassette: Path) -> str:
        if cassette not in self._names:
            self._names[cassette] = path_from(cassette, self._rootpath)
        return self._names[cassette]


def writer(journal: Path) -> str:
    """Return which process writes a journal, or has forked the one that does."""
    return journal.stem.partition(".")[0]


def _write_line(file: FileIO, line: bytes) -> None:
    """Append a line whole, or leave the file as it was: a nearly full disk takes a part of it."""
    start = file.seek(0, os.SEEK_END)
    try:
        while line:
            line = line[file.write(line) :]
    except BaseException:
        file.truncate(start)
        raise
