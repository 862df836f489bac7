"""Reading: the runs in a log folder and the lines of each, whatever has happened to the files."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_llmprod.core.errors import LogError
from pytest_llmprod.records import bodies, names
from pytest_llmprod.records.log import LINES

_MOST = 1e15


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a log: what `figures_of` wrote, or what somebody made of it.

    `folder` is that of its run. Values are read through `text` and `number`, which do not trust
    them.
    """

    folder: Path
    figures: Mapping[str, Any]

    @property
    def run(self) -> str:
        """Return the id of the run."""
        return self.folder.name

    def text(self, name: str) -> str:
        """Return a value that is a text, '' where there is none."""
        value = self.figures.get(name)
        return value if isinstance(value, str) else ""

    def number(self, name: str) -> float | None:
        """Return a value that is a number, None where there is none that a run can have."""
        value = self.figures.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return value if abs(value) < _MOST else None  # nor is NaN below it

    @property
    def is_failed(self) -> bool:
        """Say whether the exchange went wrong on the wire or at the provider."""
        return bool(self.text(names.ERROR))


@dataclass(frozen=True, slots=True)
class Log:
    """The entries of some runs in the order of their time, and how many lines were no entries.

    A `broken` line is one that a process left half written when it died, or that was damaged.
    """

    entries: tuple[Entry, ...]
    broken: int


def folders_of(runs: Path) -> list[Path]:
    """Return the folders of all runs below `runs`, in the order in which they were last written.

    There is none where nothing was logged yet.
    """
    found = [(last_written(path), path) for path in runs.glob("*/") if path.is_dir()]
    return [path for written, path in sorted(found) if written]


def last_written(folder: Path) -> float:
    """Return when a run was last added to, in seconds since 1970; 0 where it has no line."""
    return max((path.stat().st_mtime for path in folder.glob(f"*{LINES}")), default=0.0)


def read(*folders: Path) -> Log:
    """Return all that can be read in the folders of runs.

    Raises LogError where a file is there and cannot be opened.
    """
    entries: list[Entry] = []
    broken = 0
    for folder in folders:
        for path in sorted(folder.glob(f"*{LINES}")):
            for line in _content(path).split(b"\n"):
                figures = _figures(line)
                if figures is not None:
                    entries.append(Entry(folder, figures))
                elif line:
                    broken += 1
    entries.sort(key=lambda entry: entry.text(names.TIMESTAMP))
    return Log(tuple(entries), broken)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise LogError(
            f"{path}: cannot be read ({error.strerror}). Make it readable, or remove its run with "
            f"`llmprod log purge --run {path.parent.name}`."
        ) from error


def _figures(line: bytes) -> dict[str, Any] | None:
    try:
        figures = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return figures if isinstance(figures, dict) else None


def bodies_of(entry: Entry) -> dict[str, Any]:
    """Return what was said in an exchange, as far as it is still there.

    The keys are `input`, `output` and `why`.
    """
    digests = digests_of(entry)
    found = bodies.read(entry.folder, set(digests.values()))
    return {name: found[digest] for name, digest in digests.items() if digest in found}


def digests_of(entry: Entry) -> dict[str, str]:
    """Return the digests of what was said, under the names `input`, `output` and `why`."""
    keys = {"input": names.INPUT, "output": names.OUTPUT, "why": names.WHY}
    return {name: entry.text(key) for name, key in keys.items() if entry.text(key)}


def short_id(folder: Path) -> str:
    """Return the end of a run's id, by which it can be named."""
    return folder.name.rpartition("-")[2]


def find_run(runs: Path, name: str) -> Path:
    """Return the folder of the run with this id, or with an id that ends with it.

    Raises LogError where there is none, or more than one.
    """
    folders = folders_of(runs)
    found = [folder for folder in folders if folder.name == name]
    found = found or [folder for folder in folders if name and folder.name.endswith(name)]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(folder.name for folder in found)
        raise LogError(f"{name!r} is the end of several runs: {ids}. Name one of them.")
    raise LogError(f"{name!r} is no run in {runs}. `llmprod log ls` lists them.")
