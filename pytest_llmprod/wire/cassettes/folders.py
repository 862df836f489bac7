"""Folders: which files of a project hold recordings?"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from pytest_llmprod.core.errors import CassetteError

FOLDER = "cassettes"
_ENDINGS = (".json", ".yaml", ".yml")


def find(places: Sequence[Path]) -> list[Path]:
    """Return the cassettes at `places`: files as they are, and those in folders.

    Of a folder these are the files of each folder named cassettes in it, at any depth. A folder
    that has this name, or holds none of them, is taken as one itself. No places at all are the
    folders named cassettes below here. Raises CassetteError for a place that does not exist, and
    where there is no cassette at all.
    """
    if not places:
        return find_below(Path())
    found: dict[Path, None] = {}
    for place in places:
        if not place.exists():
            raise CassetteError(
                f"{place}: there is no such file or folder. Name a cassette, or a folder above "
                f"one named cassettes."
            )
        found.update(dict.fromkeys(_in_folder(place) if place.is_dir() else [place]))
    return _some(list(found), *places)


def find_below(folder: Path) -> list[Path]:
    """Return the cassettes in the folders named cassettes below `folder`, at any depth.

    Raises CassetteError where there is none.
    """
    return _some(_in_named_folders(folder), folder)


def _some(found: list[Path], *places: Path) -> list[Path]:
    if not found:
        names = ", ".join(str(place if place.name else place.absolute()) for place in places)
        raise CassetteError(
            f"{names}: there is no cassette below. Record one with "
            f"`pytest --llm-eval --llm-record=once`, or name the folder that holds cassettes."
        )
    return found


def _in_folder(folder: Path) -> list[Path]:
    named = [] if folder.absolute().name == FOLDER else _in_named_folders(folder)
    return named or sorted(_files(folder))


def _in_named_folders(top: Path) -> list[Path]:
    return sorted(path for path in _files(top) if FOLDER in path.relative_to(top).parts[:-1])


def _files(folder: Path) -> Iterator[Path]:
    """Yield what may be a cassette, and enter no environment and nothing hidden."""
    for name, folders, files in os.walk(folder):
        folders[:] = [
            each
            for each in folders
            if not each.startswith(".")
            and each not in ("node_modules", "__pycache__")
            and not os.path.exists(os.path.join(name, each, "pyvenv.cfg"))
        ]
        yield from (Path(name, file) for file in files if file.endswith(_ENDINGS))
