"""Library: the cassettes of a run, each read once, and what they are called."""

import re
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from pytest_llmprod.wire.cassettes import cassette_file
from pytest_llmprod.wire.cassettes.cassette_file import CassetteFile, Rekey
from pytest_llmprod.wire.cassettes.journal import Journal
from pytest_llmprod.wire.key import stored_key
from pytest_llmprod.wire.recording import Recording


class Library:
    """The cassettes that this run has opened, each loaded once."""

    def __init__(self, journal: Journal, rekey: Rekey = stored_key) -> None:
        """Make an empty library; `journal` takes what is recorded.

        `rekey` gives the key of a stored request, for files that have none of this version.
        """
        self.journal = journal
        self._rekey = rekey
        self._files: dict[Path, CassetteFile] = {}
        self._named: dict[Path, set[str]] = {}
        self._listings: dict[Path, list[str]] = {}
        self._foreign: dict[Path, CassetteFile | None] = {}
        self._lock = threading.Lock()

    def open(self, path: Path) -> CassetteFile:
        """Return the cassette at `path`, loading it at the first use."""
        cassette = self._files.get(path)
        if cassette is None:
            with self._lock:
                cassette = self._files.get(path) or cassette_file.load(path, self._rekey)
                self._files[path] = cassette
        return cassette

    def open_foreign(self, path: Path, case: str) -> CassetteFile | None:
        """Return the cassette that pytest-recording left at `path` for one test, None for none."""
        if path not in self._foreign:
            with self._lock:
                if path not in self._foreign:
                    self._foreign[path] = self._load_foreign(path, case)
        return self._foreign[path]

    def _load_foreign(self, path: Path, case: str) -> CassetteFile | None:
        if not path.is_file():
            return None
        from pytest_llmprod.wire.cassettes import foreign  # brings vcrpy: only its files need it

        found = [replace(each, case=case) for each in foreign.load(path, self._rekey)]
        return CassetteFile(path, cassette_file.dump([each.to_json() for each in found]))

    def cassettes_of(self, folder: Path, function: str) -> list[Path]:
        """Return the cassettes of a test function for whatever model."""
        names = self._listings.get(folder)
        if names is None:
            found = folder.glob("*.json") if folder.is_dir() else ()
            names = self._listings[folder] = sorted(path.name for path in found)
        start = f"{function}."
        return [folder / name for name in names if name.startswith(start)]

    def keep(self, path: Path, recording: Recording, cases: Callable[[], tuple[str, ...]]) -> None:
        """Put a recording into the journal, and the order of the sections before the first.

        Variants of a test share its cassette, and each has sections, and an order, of its own.
        """
        with self._lock:
            named = self._named.get(path)
            if named is None or recording.case not in named:
                order = cases()
                if named is None or not named.issuperset(order):
                    self.journal.ordered(path, order)
                self._named[path] = {*(named or ()), *order}
            self.journal.recorded(path, recording)

    def started(self, path: Path, case: str) -> None:
        """Note that the test of `case` starts to record."""
        with self._lock:
            self.journal.started(path, case)

    def finished(self, path: Path, case: str) -> None:
        """Note that the test of `case` came to its end without an error."""
        with self._lock:
            self.journal.finished(path, case)


@lru_cache(maxsize=256)
def file_name(name: str) -> str:
    """Return `name` as part of a file name that every system takes.

    A name that has to be changed gets eight characters of its digest, so that two names never
    share a file.
    """
    safe = re.sub(r"[^A-Za-z0-9._-]", "-", name)[:100].strip(".")
    if safe == name:
        return name
    return f"{safe}-{sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
