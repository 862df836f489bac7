"""Siblings: which cassette beside the one that is missing holds the very request?

After a test or its file was renamed, the recordings lie under the old name. They are good, and
moving them costs nothing. Only what certainly no test plays any more is looked at.
"""

import os
import shlex
from collections.abc import Iterator, Sequence
from contextlib import suppress
from difflib import SequenceMatcher
from pathlib import Path

from pytest_llmprod.core.errors import CassetteError
from pytest_llmprod.wire.cassettes.cassette_file import CassetteFile
from pytest_llmprod.wire.cassettes.library import Library
from pytest_llmprod.wire.cassettes.owner import find_owners
from pytest_llmprod.wire.key import WireRequest
from pytest_llmprod.wire.label import file_name
from pytest_llmprod.wire.tape import Tape


def find_left(tape: Tape, request: WireRequest) -> Path | None:
    """Return the cassette that a renamed test left, None where there is none, or one of its own.

    It lies in the same folder `cassettes`, and holds the request in the section of this case. Of
    several the one with the most similar name is taken.
    """
    label, library = tape.label, tape.library
    if label.cassette(request.model).exists():
        return None
    folder, model = label.folder.parent, request.model
    orphans = library.remembered(
        (find_left, folder, model), lambda: list(_orphans(library, folder, model))
    )
    held = [each.path for each in orphans if each.count(label.case, request.key)]
    if len(held) < 2:
        return next(iter(held), None)
    name = _name(label.cassette(model))
    return max(held, key=lambda path: SequenceMatcher(None, _name(path), name).ratio())


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _orphans(library: Library, folder: Path, model: str) -> Iterator[CassetteFile]:
    """Yield the cassettes for `model` that belong to no test; those that can be read."""
    paths = sorted(folder.glob(f"*/*.{file_name(model)}.json"))
    for path, standing in find_owners(paths).items():
        if standing.state == "gone":
            with suppress(CassetteError):
                yield library.open(path)


def moves_of(left: Path, tape: Tape, model: str) -> list[tuple[Path, Path]]:
    """Return what is to be moved, and where to, where the test of `tape` was renamed.

    The cassette `left` is the old one for `model`; those for other models are moved with it. Where
    the whole file of tests was renamed it is the folder, with all cassettes in it.
    """
    new = tape.label.cassette(model)
    return tape.library.remembered((moves_of, left, new), lambda: _moves(left, new, model))


def _moves(left: Path, new: Path, model: str) -> list[tuple[Path, Path]]:
    folder = left.parent
    is_whole = left.name == new.name and not folder.parent.with_name(f"{folder.name}.py").exists()
    if is_whole and not new.parent.is_dir():
        return [(folder, new.parent)]
    end = f"{file_name(model)}.json"
    was, becomes = left.name.removesuffix(end), new.name.removesuffix(end)
    old = {left, *(path for path in folder.glob("*.json") if path.name.startswith(was))}
    pairs = ((path, new.with_name(becomes + path.name.removeprefix(was))) for path in sorted(old))
    return [(path, target) for path, target in pairs if path == left or not target.exists()]


def move_command(moves: Sequence[tuple[Path, Path]]) -> str:
    """Return the command that makes these moves into one folder, as a user types it.

    It is no `git mv`, which refuses what was never committed; git finds renames by the content.
    """
    old, new = moves[0]
    is_there = new.parent.is_dir() or new.parent == old.parent
    commands = [] if is_there else [_typed("mkdir", "-p", new.parent)]
    return " && ".join([*commands, *(_typed("mv", *each) for each in moves)])


def _typed(*words: str | Path) -> str:
    return shlex.join(each if isinstance(each, str) else relative(each) for each in words)


def relative(path: Path) -> str:
    """Return the path as it is found from the working directory."""
    real = os.path.realpath(path)
    try:
        return os.path.relpath(real)
    except ValueError:  # on another drive
        return real
