"""Files: written whole, so that a reader sees the old content or the new one."""

import errno
import ntpath
import os
import posixpath
import stat
from contextlib import suppress
from pathlib import Path, PurePath, PureWindowsPath
from uuid import uuid4

#: The accepted run, in pytest's rootdir.
BASELINE_NAME = "llmprod-baseline.json"
#: A line for each accepted run and each drill that was survived, in the same folder.
HISTORY_NAME = "llmprod-history.jsonl"
_START, _END = ".llmprod-", ".tmp"
_STALE_S = 3600  # no write takes that long


def write_whole(path: Path, content: bytes) -> None:
    """Replace `path` by `content` in one step, making its folder where needed.

    A link stays, and its target is replaced; an old file's mode stays too. Raises OSError with
    `path` untouched and nothing left beside it; what a kill leaves, a later write in this folder
    removes. A file that somebody made read-only is respected, although renaming over it would work.
    """
    path = Path(os.path.realpath(path))
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else None
    if mode is not None and not mode & stat.S_IWUSR:
        raise PermissionError(errno.EACCES, "the file is read-only")
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{_START}{uuid4().hex}{_END}")
    try:
        with beside.open("xb") as file:  # unlike tempfile, this respects the umask
            _remove_stale(beside)  # before the content: a full disk gets room
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if mode is not None:
            os.chmod(beside, mode)
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def add_lines(path: Path, lines: bytes) -> None:
    """Add whole lines to a file, behind an end of the line where the last one has none.

    An editor or a merge leaves that out, and two rows on one line are none. Raises OSError.
    """
    with path.open("ab+", buffering=0) as file:
        if file.tell():
            file.seek(-1, os.SEEK_END)
            lines = lines if file.read(1) == b"\n" else b"\n" + lines
        file.write(lines)


def path_from(path: PurePath, start: PurePath) -> str:
    """Return how the absolute `path` is written in the folder `start`, with slashes.

    On Windows that is the whole path where it is on another drive: no way leads there.
    """
    system = ntpath if isinstance(path, PureWindowsPath) else posixpath
    try:
        return type(path)(system.relpath(path, start)).as_posix()
    except ValueError:
        return path.as_posix()


def _remove_stale(beside: Path) -> None:
    """Remove what killed writes have left beside `beside`, a file that was just made.

    Its time is that of the file system, as theirs is: the clocks of two machines may differ.
    """
    now = beside.stat().st_mtime
    names: list[str] = []
    with suppress(OSError):  # of a folder that nobody may list
        names = os.listdir(beside.parent)
    for name in names:
        if name.startswith(_START) and name.endswith(_END):
            left = beside.with_name(name)
            with suppress(OSError):  # another writer was first, or it is somebody else's
                if now - left.lstat().st_mtime > _STALE_S:
                    left.unlink()
