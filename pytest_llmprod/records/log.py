"""Log: writes a line for each exchange of a run, at once, so that a crash loses none."""

import json
import os
import re
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from pytest_llmprod.core.errors import LogError
from pytest_llmprod.records import bodies, names
from pytest_llmprod.records.line import LogLine, figures_of, output_of

#: Where the runs of a project are, below its root.
FOLDER = Path(".llmprod") / "runs"
LINES = ".jsonl"
_ENCODER = json.JSONEncoder(separators=(",", ":"))
#: What others say: the operation may be the path of a URL, and an error may quote a key.
_OF_OTHERS = (names.OPERATION, names.MODEL_ASKED, names.MODEL, names.ERROR)
_NAME = re.compile(r"[\w-][\w.-]*", re.ASCII)


class LogWriter:
    """Appends to the log of one run, as the only process that writes under the name `writer`.

    `folder` holds all runs. The files are made at the first line, so that a run without an exchange
    leaves nothing. `mask` returns a JSON value without its secrets: nothing that was said is
    written before it has gone through. Raises LogError where a name cannot be one of a file.
    """

    def __init__(self, folder: Path, run_id: str, writer: str, mask: Callable[[Any], Any]) -> None:
        for name in (run_id, writer):
            if not _NAME.fullmatch(name):
                raise LogError(f"{name!r} names no run and no writer: it must be a file's name.")
        self._runs = folder
        self._path = folder / run_id / writer
        self._seed = f"{run_id}/{writer}/"
        self._mask = mask
        self._written: set[str] = set()
        self._lines: _Appended | None = None
        self._bodies: _Appended | None = None

    def add(self, line: LogLine) -> str:
        """Write one line and return its id, by which `llmprod log show` finds it."""
        return self.add_all([line])[0]

    def add_all(self, lines: Sequence[LogLine]) -> list[str]:
        """Write several lines at once, and return their ids.

        They have reached the operating system when this returns. Raises LogError where they cannot
        be written; what was written before stays readable.
        """
        try:
            return self._add(lines)
        except OSError as error:
            raise LogError(
                f"{self._path}{LINES}: cannot be written ({error.strerror}). Free some space, or "
                f"make the folder writable."
            ) from error

    def _add(self, lines: Sequence[LogLine]) -> list[str]:
        if self._lines is None or self._bodies is None:
            self._lines, self._bodies = self._open()
        new: dict[str, bytes] = {}
        content = b""
        ids: list[str] = []
        for line in lines:
            place = f"{self._seed}{self._lines.size + len(content)}"
            ids.append(sha256(place.encode()).hexdigest()[:10])
            figures = {names.ID: ids[-1], **figures_of(line), **self._said(line, new)}
            for name in _OF_OTHERS:
                if name in figures:
                    figures[name] = self._masked(figures[name])
            content += _ENCODER.encode(figures).encode() + b"\n"
        if new:  # first, so that no line tells of a body that is not there
            self._bodies.append(b"".join(new.values()))
            self._written.update(new)
        self._lines.append(content)
        return ids

    def _said(self, line: LogLine, new: dict[str, bytes]) -> dict[str, str]:
        """Return the digests of what was said, and add to `new` what is not written yet."""
        what_was_said = (
            (names.INPUT, line.exchange.request),
            (names.OUTPUT, output_of(line.exchange)),
            (names.WHY, line.why),
        )
        digests: dict[str, str] = {}
        for key, body in what_was_said:
            if body is not None and body != "":
                digest, packed = bodies.packed(self._masked(body))
                digests[key] = digest
                if digest not in self._written:
                    new[digest] = packed
        return digests

    def _masked(self, body: Any) -> Any:
        try:
            return self._mask(body)
        except RecursionError as error:
            return f"(not stored, for it could not be masked: {type(error).__name__})"

    def _open(self) -> tuple["_Appended", "_Appended"]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        ignore = self._runs / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", encoding="ascii")
        # Not with_suffix: a name may have a dot in it.
        return _Appended(f"{self._path}{LINES}"), _Appended(f"{self._path}{bodies.ENDING}")

    def close(self) -> None:
        """Give back the files; a further line would open them again."""
        for file in (self._lines, self._bodies):
            if file is not None:
                file.close()
        self._lines = self._bodies = None


class _Appended:
    """A file that grows by whole lines; `size` is how long it is, in bytes."""

    def __init__(self, path: str) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        self.size = os.fstat(self._descriptor).st_size
        self._is_torn = self.size > 0 and not self._ends_a_line()

    def _ends_a_line(self) -> bool:
        os.lseek(self._descriptor, -1, os.SEEK_END)
        return os.read(self._descriptor, 1) == b"\n"

    def append(self, content: bytes) -> None:
        """Write `content`, which ends a line, in one call: others may read at any time."""
        if self._is_torn:  # by a writer that died, or by a full disk
            content = b"\n" + content
        self._is_torn = True
        while content:
            written = os.write(self._descriptor, content)
            self.size += written
            content = content[written:]
        self._is_torn = False

    def close(self) -> None:
        os.close(self._descriptor)
