"""Journal: what was recorded in this run, on disk at once, before any cassette is touched.

Each process appends to a file of its own under `.llmprod/recording/<run>/`. When the run ends, one
process folds all journals of the run into the cassettes. Several xdist workers can so record into
one cassette, and a run that is killed leaves its recordings for the next one to pick up.
"""

import json
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_llmprod.core.errors import CassetteError
from pytest_llmprod.core.results import Drift
from pytest_llmprod.wire.cassettes import cassette_file
from pytest_llmprod.wire.cassettes.cassette_file import Rekey
from pytest_llmprod.wire.cassettes.leaks import refuse_secrets
from pytest_llmprod.wire.key import stored_key
from pytest_llmprod.wire.recording import Recording, asked_model
from pytest_llmprod.wire.rules import RecordMode
from pytest_llmprod.wire.scanners.scanning import Scanner

fcntl: Any
try:
    import fcntl
except ImportError:  # Windows: a journal in use cannot be deleted there, which serves as the lock
    fcntl = None

FOLDER = Path(".llmprod") / "recording"


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
        known: Callable[[], Sequence[Scanner]] = tuple,
    ) -> None:
        """Prepare the journal of the process `writer` in the run `run_id`.

        `known` returns scanners for the secrets of this machine.
        """
        self._known = known
        self._rootpath = rootpath
        self._mode = mode
        self._path = rootpath / FOLDER / run_id / f"{writer}.jsonl"
        self._file: Any = None
        self._lock = threading.Lock()

    def recorded(self, cassette: Path, recording: Recording) -> None:
        """Note a recording for `cassette`; it is on disk when this returns."""
        self._append({"cassette": self._relative(cassette), "recording": recording.to_json()})

    def ordered(self, cassette: Path, cases: Sequence[str]) -> None:
        """Note the run's mode, and the order of sections: that of the data set.

        Several orders for one cassette follow each other.
        """
        line = {"cassette": self._relative(cassette), "mode": self._mode, "order": list(cases)}
        self._append(line)

    def started(self, cassette: Path, case: str) -> None:
        """Note that a test of `case` starts to record; an earlier try in this run is void."""
        self._append({"cassette": self._relative(cassette), "started": case})

    def finished(self, cassette: Path, case: str) -> None:
        """Note that the test of `case` came to its end without an error."""
        self._append({"cassette": self._relative(cassette), "finished": case})

    def played(self, cassette: Path, case: str, played: Mapping[str, int]) -> None:
        """Note how often each key was played by a test of `case` that asks no more than that."""
        line = {"cassette": self._relative(cassette), "played": played, "case": case}
        self._append({**line, "mode": self._mode})

    def close(self) -> None:
        """Close the file; the journal is then free to be folded into the cassettes."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _append(self, line: Mapping[str, Any]) -> None:
        text = json.dumps(line)
        refuse_secrets(text, self._known(), "the environment variable")
        try:
            with self._lock:
                if self._file is None:
                    self._file = self._open()
                self._file.write(text.encode() + b"\n")
        except OSError as error:
            raise CassetteError(
                f"{self._path}: what was recorded cannot be written ({error.strerror}). Make room "
                f"or make the folder writable, and record again."
            ) from error

    def _open(self) -> Any:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        ignore = self._rootpath / FOLDER.parts[0] / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n")
        file = self._path.open("ab", buffering=0)
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return file

    def _relative(self, cassette: Path) -> str:
        return Path(os.path.relpath(cassette, self._rootpath)).as_posix()


@dataclass(slots=True)
class _Harvest:
    """All that the journals of one run say about one cassette."""

    mode: RecordMode = "once"
    order: list[str] = field(default_factory=list)
    finished: set[str] = field(default_factory=set)
    sections: dict[str, list[Recording]] = field(default_factory=dict)
    played: dict[str, Mapping[str, int]] = field(default_factory=dict)

    def take(self, line: Mapping[str, Any]) -> None:
        """Take in one line of a journal."""
        if "order" in line:
            self.order = list(dict.fromkeys([*self.order, *line["order"]]))
            self.mode = line["mode"]
        elif "played" in line:
            self.played[line["case"]] = line["played"]
            self.mode = line["mode"]
        elif "started" in line:  # a test that runs again says anew what it asks
            self.sections.pop(line["started"], None)
            self.finished.discard(line["started"])
        elif "finished" in line:
            self.finished.add(line["finished"])
        else:
            recording = Recording.from_json(line["recording"])
            self.sections.setdefault(recording.case, []).append(recording)

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


@dataclass(slots=True)
class Folded:
    """What a fold did: how many recordings it wrote, and which models answered by another name."""

    count: int = 0
    drifts: set[Drift] = field(default_factory=set)


def fold(rootpath: Path, run_id: str, *, whole: bool, rekey: Rekey = stored_key) -> Folded:
    """Write what the journals of `run_id` hold into the cassettes.

    `whole` says that every case of each data set ran: only then does `rewrite` drop the sections
    of cases that are no longer in the data set. `rekey` gives the keys of cassettes that were
    written by an older version. The journals are deleted when all is written; one to which a
    process still writes is left for the next recording run.
    """
    folder = rootpath / FOLDER / run_id
    journals = sorted(folder.glob("*.jsonl"))
    paths = [path for path in journals if not _is_locked(path)]
    whole = whole and paths == journals
    folded = Folded()
    for relative, harvest in _gather(paths).items():
        path = Path(os.path.normpath(rootpath / relative))
        old = cassette_file.load(path, rekey)
        folded.drifts |= _drifts(old, harvest)
        sections = _merge(old, harvest, whole=whole)
        if sections or path.exists():
            cassette_file.save(path, (each for section in sections for each in section))
        folded.count += sum(len(section) for section in harvest.sections.values())
    for path in paths:
        path.unlink()
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
    return folded


def _drifts(old: cassette_file.CassetteFile, harvest: _Harvest) -> set[Drift]:
    """Return which models answer by names that the old recordings of the file do not know."""
    before = _names(old.all()) if harvest.sections else {}
    now = _names(each for section in harvest.sections.values() for each in section)
    return {
        Drift(asked=asked, before=max(before[asked]), now=name)
        for asked, names in now.items()
        for name in names
        if asked in before and name not in before[asked]
    }


def _names(recordings: Iterable[Recording]) -> dict[str, set[str]]:
    """Return asked model -> the names under which it answered."""
    names: dict[str, set[str]] = {}
    for each in recordings:
        if each.is_answer:
            names.setdefault(asked_model(each), set()).add(each.model)
    return names


def abandoned_runs(rootpath: Path) -> list[str]:
    """Return the runs whose journals were left behind by a process that is gone."""
    folder = rootpath / FOLDER
    if not folder.is_dir():
        return []
    return sorted(run.name for run in folder.iterdir() if run.is_dir() and not _is_in_use(run))


def _is_in_use(run: Path) -> bool:
    return any(_is_locked(path) for path in run.glob("*.jsonl"))


def _is_locked(journal: Path) -> bool:
    if fcntl is None:
        return False
    with journal.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def _gather(paths: Iterable[Path]) -> dict[str, _Harvest]:
    harvests: dict[str, _Harvest] = {}
    for path in paths:
        for line in _lines(path):
            harvests.setdefault(line["cassette"], _Harvest()).take(line)
    for harvest in harvests.values():
        harvest.drop_errors()
    return harvests


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """Read a journal; its last line may be cut short by a kill, and is then left out."""
    for text in path.read_bytes().split(b"\n"):
        if not text:
            continue
        try:
            yield json.loads(text)
        except ValueError:
            return


def _merge(
    old: cassette_file.CassetteFile, harvest: _Harvest, *, whole: bool
) -> list[list[Recording]]:
    """Return the new sections of a cassette, in the order of the data set.

    A section is replaced only where its test came to its end: an interrupted or failed test adds
    what was missing and takes nothing away.
    """
    mode = harvest.mode
    sections = {case: old.section(case) for case in old.cases}
    for case, played in harvest.played.items():
        stale = old.unplayed(case, played)
        sections[case] = [each for each in sections.get(case, []) if each not in stale]
    for case, new in harvest.sections.items():
        before = sections.get(case, [])
        if mode == "rewrite" and case in harvest.finished:
            sections[case] = new
        elif mode == "all" and case in harvest.finished:
            again = {recording.key for recording in new}
            sections[case] = [each for each in before if each.key not in again] + new
        elif mode in ("all", "rewrite"):
            known = {recording.key for recording in before}
            sections[case] = before + [each for each in new if each.key not in known]
        else:
            # A fold that was killed may have written some of them already.
            sections[case] = before + [each for each in new if each not in before]
    rank = {case: number for number, case in enumerate(harvest.order)}
    if mode == "rewrite" and whole and rank:
        sections = {case: section for case, section in sections.items() if case in rank}
    names = sorted(filter(sections.get, sections), key=lambda case: rank.get(case, len(rank)))
    return [sections[name] for name in names]
