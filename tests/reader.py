"""A reader of a page: somebody who does its steps in an empty folder, and looks at what is printed.

A step is a block with the line above it. A file is named in that line (`app.py`:), a `diff` changes
it, and in a `console` block each command stands behind `$ `, with what it prints below it.
"""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

PORT = "8811"
#: What differs from run to run, and from machine to machine.
VARYING = (
    (r"\b\d+(\.\d+)? ?m?s\b", "1 s"),
    (r"\d{4}-\d\d-\d\d", "2026-01-01"),
    (r"genai-prices [\d.]+", "genai-prices 1.0"),
    (r"\b\d\d:\d\d\b", "12:00"),
    (r"\b[0-9a-f]{8,10}\b", "0a1b2c3d"),  # the ids of runs and of requests
    (r"p95 x\d+\.\d+", "p95 x1.0"),
    (r"={3,}", "==="),
)


class Reader:
    """Somebody who does what the page says, in a folder that was empty."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            **{name: os.environ[name] for name in ("HOME", "SYSTEMROOT") if name in os.environ},
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "COLUMNS": "80",
        }
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = str(free.getsockname()[1])
        self.server: subprocess.Popen[str] | None = None

    def write(self, line_above: str, text: str) -> None:
        path = self._path(line_above)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def edit(self, line_above: str, diff: str) -> None:
        path = self._path(line_above)
        source = path.read_text(encoding="utf-8")
        for hunk in re.split(r"^@@\n", diff, flags=re.M):
            lines = hunk.splitlines(keepends=True)
            before = "".join(line[1:] for line in lines if line[0] in " -")
            after = "".join(line[1:] for line in lines if line[0] in " +")
            assert source.count(before) == 1, before
            source = source.replace(before, after)
        path.write_text(source, encoding="utf-8")

    def type(self, command: str, lines_shown: int) -> str:
        """Return what a command prints, of a server the first lines."""
        command = command.replace(PORT, self.port)
        if command.startswith("export "):
            self.environment.update(word.split("=", 1) for word in command.split()[1:])
            return ""
        if command.startswith("llmprod serve"):
            return self._serve(command, lines_shown)
        result = subprocess.run(
            command,
            shell=True,
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return result.stdout.replace(self.port, PORT)

    def stop(self) -> None:
        if self.server is not None:
            self.server.kill()
            self.server.communicate()

    def _path(self, line_above: str) -> Path:
        found = re.search(r"`([^`]+)`:$", line_above)
        assert found is not None, f"names no file: {line_above}"
        return self.folder / found[1]

    def _serve(self, command: str, lines_shown: int) -> str:
        assert self.server is None
        self.server = subprocess.Popen(
            command.split(),
            executable=str(Path(sys.executable).with_name("llmprod")),
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.server.stdout is not None
        told = "".join(self.server.stdout.readline() for _ in range(lines_shown))
        return told.replace(self.port, PORT)


def steps_of(page: str) -> list[tuple[str, str, str]]:
    """Return each block of a page: the line that stands above it, its kind, its text."""
    return re.findall(r"^([^\n]*)\n\n```(\w+)\n(.*?)^```$", page, re.DOTALL | re.M)


def typed(block: str) -> list[tuple[str, str]]:
    """Return the commands of a console block, each with what it prints."""
    return re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.M)


def steady(output: str) -> str:
    """Return an output without what varies, and with a space in place of several."""
    for pattern, one in VARYING:
        output = re.sub(pattern, one, output)
    return re.sub(r"  +", " ", output)


def is_shown(output: str, shown: str) -> bool:
    """Say whether a page shows an output: a line of three dots stands for any lines."""
    parts = [re.escape(part) for part in re.split(r"^\.\.\.\n", steady(shown), flags=re.M)]
    return re.fullmatch(r"(?:.*\n)*?".join(parts), steady(output)) is not None


def follow(reader: Reader, page: str) -> None:
    """Do each step of a page, and compare what is printed with what the page shows."""
    for line_above, kind, text in steps_of(page):
        if kind == "console":
            for command, shown in typed(text):
                output = reader.type(command, shown.count("\n"))
                assert is_shown(output, shown), f"$ {command}\n{output}"
        elif kind == "diff":
            reader.edit(line_above, text)
        elif kind != "sh":
            reader.write(line_above, text)
