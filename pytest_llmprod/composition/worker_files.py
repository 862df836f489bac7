"""Worker files: how what a worker writes comes to a controller that does not share its disk.

Such a worker keeps its journals and its part of the request log in a temporary folder, and its
reports carry what was added. The controller appends that to files of the same names in its project,
where everything goes on as with files of a worker beside it.
"""

import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from io import FileIO
from pathlib import Path
from tempfile import mkdtemp

from pytest_llmprod.core.errors import LogError
from pytest_llmprod.core.files import write_whole
from pytest_llmprod.records import log
from pytest_llmprod.wire.cassettes import journal, locks

_FOLDERS = {folder.name: folder for folder in (journal.FOLDER, log.FOLDER)}
_NAME = re.compile(r"(\w+)/(\w[\w.-]*)", re.ASCII)


class Outbox:
    """The files of one worker; `home` stands for the root of its project."""

    def __init__(self, run_id: str) -> None:
        """Make an empty one."""
        self.home = Path(mkdtemp(prefix="llmprod-"))
        self._run_id = run_id
        self._sent: dict[str, int] = {}

    def drain(self) -> dict[str, bytes]:
        """Return by the name of each file the lines that were added since the last call."""
        added: dict[str, bytes] = {}
        for kind, folder in _FOLDERS.items():
            place = self.home / folder / self._run_id
            for path in sorted(place.iterdir()) if place.is_dir() else ():
                name = f"{kind}/{path.name}"
                content = self._lines(path, self._sent.get(name, 0))
                if content:
                    added[name] = content
                    self._sent[name] = self._sent.get(name, 0) + len(content)
        return added

    @staticmethod
    def _lines(path: Path, start: int) -> bytes:
        with FileIO(path) as file:
            file.seek(start)
            content = file.readall() or b""
        return content[: content.rfind(b"\n") + 1]  # a child may be writing the next

    def delete(self) -> None:
        """Delete all files."""
        shutil.rmtree(self.home, ignore_errors=True)


class Inbox:
    """The files of all such workers, in the project of the controller."""

    def __init__(self, rootpath: Path, run_id: str) -> None:
        """Make one to which nothing has come."""
        self._rootpath = rootpath
        self._run_id = run_id
        self._files: dict[str, FileIO] = {}

    def take(self, files: Mapping[str, bytes]) -> None:
        """Append to each file what came for it; raises OSError, or an error of ours."""
        for name, content in files.items():
            if name not in self._files:
                self._files[name] = self._open(name)
            file = self._files[name]
            while content:
                content = content[file.write(content) :]

    def _open(self, name: str) -> FileIO:
        found = _NAME.fullmatch(name)
        folder = _FOLDERS.get(found[1]) if found else None
        if found is None or folder is None:
            raise LogError(f"{name!r} is no file that a worker of this version sends")
        path = self._rootpath / folder / self._run_id / found[2]
        ignore = self._rootpath / folder.parts[0] / ".gitignore"
        if not ignore.exists():
            write_whole(ignore, b"*\n")
        if folder == log.FOLDER:
            path.parent.mkdir(parents=True, exist_ok=True)
            return FileIO(path, "ab")
        with locks.alone(self._rootpath):  # or another run takes it for one that was left behind
            path.parent.mkdir(parents=True, exist_ok=True)
            file = FileIO(path, "ab")
            locks.claim(file, path)
        return file

    def close(self) -> None:
        """Give back all files; journals are then free to be folded into the cassettes."""
        for name, file in self._files.items():
            if name.startswith(f"{journal.FOLDER.name}/"):
                with suppress(OSError):
                    locks.release(file)
            file.close()
        self._files.clear()
