"""Locks: who may move the recordings of a project, and which journal is still written.

The system keeps them, and takes them back from a process that ends, however it ends. They hold
between processes, and between two open files of one process.
"""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from io import FileIO
from pathlib import Path
from time import sleep  # by name: a test of the application may replace `time.sleep`

from pytest_llmprod.core.errors import CassetteError

#: Beside the folder of the journals. It stays: were it deleted, two could hold a lock of this name.
LOCK = Path(".llmprod") / "recording.lock"
_PAUSE_S = 0.02
_TRIES = 3000  # a minute

if sys.platform == "win32":
    import msvcrt

    # Locked bytes cannot be read there: one that no journal reaches stands for the whole file.
    _FAR = 0x7FFFFFFE

    def _take(file: FileIO) -> bool:
        file.seek(_FAR)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True

    def _give_back(file: FileIO) -> None:
        file.seek(_FAR)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _take(file: FileIO) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _give_back(file: FileIO) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)


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
    for _ in range(_TRIES):
        if _take(file):
            return
        sleep(_PAUSE_S)
    raise CassetteError(
        f"{path}: another run has held this file for a minute. Wait until that run has ended, or "
        f"end it, and run again."
    )


def release(file: FileIO) -> None:
    """Unlock an open file, also for a process that was forked from this one and has it open."""
    _give_back(file)


def is_claimed(path: Path) -> bool:
    """Say whether a process has locked the file at `path`."""
    with FileIO(path, "r+b") as file:  # open for writing: NFS locks no other for one process alone
        if not _take(file):
            return True
        _give_back(file)
    return False
