"""Files: written whole, so that a reader sees the old content or the new one."""

import os
import stat
from pathlib import Path
from uuid import uuid4


def write_whole(path: Path, content: bytes) -> None:
    """Replace `path` by `content` in one step, making its folder where needed.

    A link stays, and its target is replaced; an old file's mode stays too. Raises OSError with
    `path` untouched and nothing left beside it. A file that somebody made read-only is respected,
    although renaming over it would work.
    """
    path = Path(os.path.realpath(path))
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else None
    if mode is not None and not mode & stat.S_IWUSR:
        raise PermissionError(13, "the file is read-only")
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{uuid4().hex}.tmp")
    try:
        with beside.open("xb") as file:  # unlike tempfile, this respects the umask
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if mode is not None:
            os.chmod(beside, mode)
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
