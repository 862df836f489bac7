"""Locks: who may move the recordings of a project, and which journal is still written.

They are claims of the system (`core/claims`), which end with their process.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from io import FileIO
from pathlib import Path

from pytest_llmprod.core import claims
from pytest_llmprod.core.errors import CassetteError

#: Beside the folder of the journals. It stays: were it deleted, two could hold a lock of this name.
LOCK = Path(".llmprod") / "recording.lock"


@contextmanager
def alone(rootpath: Path) -> Iterator[None]:
    """Be the only process that begins, folds or deletes a journal of the project.

    Waits for others, a minute at most: raises CassetteError then, and OSError where the lock cannot
    be written.
    """
    path = rootpath / LOCK
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileIO(path, "ab") as file:
        claim(file, path)
        try:
            yield
        finally:
            release(file)


@contextmanager
def alone_with(cassettes: Iterable[Path]) -> Iterator[None]:
    """Be the only process that writes these cassettes, in every project that has recorded there.

    Such a project is a folder above one of them that has the folder of the lock: the first
    recording makes it, and where it is missing nobody writes. Waits like `alone`. Raises
    CassetteError also where the lock cannot be written.
    """
    with ExitStack() as stack:
        # From the top down, as everybody: two that wait would else wait for each other.
        for rootpath in sorted(_projects(cassettes)):
            try:
                stack.enter_context(alone(rootpath))
            except OSError as error:
                raise CassetteError(
                    f"{rootpath / LOCK}: cannot be written ({error.strerror}), and without it a "
                    f"recording run could lose what it writes now. Make the file writable."
                ) from error
        yield


def _projects(cassettes: Iterable[Path]) -> set[Path]:
    """Return the folders above cassettes in which runs have recorded, each by one name only."""
    spelled = {
        Path(name) for path in cassettes for name in (os.path.abspath(path), os.path.realpath(path))
    }
    above = {folder for path in spelled for folder in path.parents}
    return {folder.resolve() for folder in above if (folder / LOCK.parent).is_dir()}


def claim(file: FileIO, path: Path) -> None:
    """Lock an open file, `path`, until it is released; wait for others, a minute at most."""
    if not claims.wait_for(file):
        raise CassetteError(
            f"{path}: another run has held this file for a minute. Wait until that run has ended, "
            f"or end it, and run again."
        )


def release(file: FileIO) -> None:
    """Unlock an open file, also for a process that was forked from this one and has it open."""
    claims.give_back(file)


def is_claimed(path: Path) -> bool:
    """Say whether a process has locked the file at `path`."""
    with FileIO(path, "r+b") as file:  # open for writing: NFS locks no other for one process alone
        if not claims.take(file):
            return True
        claims.give_back(file)
    return False
