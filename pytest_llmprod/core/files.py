"""Files: written whole, so that a reader sees the old content or the new one."""

import os
import tempfile
from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Replace `path` by `content` in one step, making its folder where needed.

    Raises OSError with `path` untouched and nothing left beside it. A file that somebody made
    read-only is respected, although renaming over it would work.
    """
    if path.exists() and not path.stat().st_mode & 0o200:
        raise PermissionError(13, "the file is read-only")
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
