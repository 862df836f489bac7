"""Library: the cassettes of a run, each read once, and which of them a test plays."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from pytest_llmprod.wire.cassettes import cassette_file
from pytest_llmprod.wire.cassettes.cassette_file import CassetteFile, Rekey
from pytest_llmprod.wire.cassettes.foreign import load as load_foreign
from pytest_llmprod.wire.cassettes.journal import Journal, Turn
from pytest_llmprod.wire.dialects import Dialect
from pytest_llmprod.wire.fork_lock import ForkLock
from pytest_llmprod.wire.label import TapeLabel, is_cassette_of
from pytest_llmprod.wire.recording import NO_MODEL, Recording, asked_model

T = TypeVar("T")


class Foreign(NamedTuple):
    """What pytest-recording left for one test, and the models that it asks."""

    cassette: CassetteFile
    models: frozenset[str]


class Library:
    """The cassettes that this run has opened, each loaded once."""

    def __init__(
        self,
        journal: Journal,
        rekey: Rekey,
        dialects: Callable[[], Sequence[Dialect]],
    ) -> None:
        """Make an empty library; `journal` takes what is recorded.

        `rekey` gives the key of a stored request, for files that have none of this version.
        `dialects` returns those of the run.
        """
        self.journal = journal
        self._rekey = rekey
        self._dialects = dialects
        self._files: dict[Path, CassetteFile] = {}
        self._by_name: dict[tuple[Path, str, str], CassetteFile] = {}
        self._named: dict[Path, set[str]] = {}
        self._listings: dict[Path, list[str]] = {}
        self._foreign: dict[Path, Foreign | None] = {}
        self._remembered: dict[Hashable, Any] = {}
        self._lock = ForkLock()
        #: That of all tapes: each holds it for microseconds, and making one takes as long.
        self.tape_lock = ForkLock()

    def open(self, path: Path) -> CassetteFile:
        """Return the cassette at `path`, loading it at the first use."""
        cassette = self._files.get(path)
        if cassette is None:
            with self._lock:
                cassette = self._files.get(path) or cassette_file.load(path, self._rekey)
                self._files[path] = cassette
        return cassette

    def playing(self, label: TapeLabel, model: str) -> Iterator[CassetteFile]:
        """Yield the cassettes from which a test plays what it asks of `model`, in this order.

        The first is ours, and may be empty. The one that pytest-recording left for this test comes
        second, where it holds anything of this model.
        """
        yield self._own(label, model)
        foreign = self.foreign(label)
        if foreign is not None and model in foreign.models:
            yield foreign.cassette

    def _own(self, label: TapeLabel, model: str) -> CassetteFile:
        name = (label.folder, label.function, model)
        cassette = self._by_name.get(name)
        if cassette is None:
            cassette = self._by_name[name] = self.open(label.cassette(model))
        return cassette

    def has_recorded(self, label: TapeLabel, model: str) -> bool:
        """Say whether there is any recording of a test for `model`: `once` then adds none."""
        return any(label.case in each.cases for each in self.playing(label, model))

    def foreign(self, label: TapeLabel) -> Foreign | None:
        """Return the cassette that pytest-recording left for a test, None where there is none."""
        path = label.foreign()
        if path is None:
            return None
        if path not in self._foreign:
            with self._lock:
                if path not in self._foreign:
                    self._foreign[path] = self._load_foreign(path, label.case)
        return self._foreign[path]

    def _load_foreign(self, path: Path, case: str) -> Foreign | None:
        if not path.is_file():
            return None
        dialects = self._dialects()
        found = load_foreign(path, self._rekey, dialects)
        stored = [replace(each, case=case).to_json() for each in found]
        models = frozenset(asked_model(each, dialects) or NO_MODEL for each in found)
        return Foreign(CassetteFile(path, cassette_file.dump(stored)), models)

    def is_foreign(self, path: Path) -> bool:
        """Say whether the cassette at `path` is one that pytest-recording left."""
        return path in self._foreign

    def of_function(self, label: TapeLabel) -> list[Path]:
        """Return the cassettes of a test's function, for whatever model."""
        folder = label.folder
        names = self._listings.get(folder)
        if names is None:
            found = folder.glob("*.json") if folder.is_dir() else ()
            names = self._listings[folder] = sorted(path.name for path in found)
        return [folder / name for name in names if is_cassette_of(label.function, name)]

    def remembered(self, name: Hashable, make: Callable[[], T]) -> T:
        """Return what `make` returned when it was first called for `name` in this run.

        For what takes long to find out about the cassettes of this run, and is forgotten with them.
        """
        if name not in self._remembered:
            self._remembered[name] = make()
        found: T = self._remembered[name]
        return found

    def keep(
        self, path: Path, recording: Recording, cases: Callable[[], tuple[str, ...]], turn: Turn
    ) -> None:
        """Put a recording into the journal, and the order of the sections before the first.

        Variants of a test share its cassette, and each has sections, and an order, of its own.
        """
        found = self.open(path).count(recording.case, recording.key)
        asked = asked_model(recording, self._dialects()) or NO_MODEL
        with self._lock:
            named = self._named.get(path)
            if named is None or recording.case not in named:
                order = cases()
                if named is None or not named.issuperset(order):
                    self.journal.ordered(path, order)
                self._named[path] = {*(named or ()), *order}
            self.journal.recorded(path, recording, turn, found=found, asked=asked)

    def started(self, path: Path, case: str, turn: Turn) -> None:
        """Note that the test of `case` starts to record."""
        with self._lock:
            self.journal.started(path, case, turn)

    def finished(self, path: Path, case: str, turn: Turn) -> None:
        """Note that the test of `case` came to its end without an error."""
        with self._lock:
            self.journal.finished(path, case, turn)
