"""docs/tutorial.md: its steps, done in their order in an empty folder, print what it shows."""

import os
import re
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
#: Each block with its kind and the line that stands above it.
STEPS = re.findall(r"^([^\n]*)\n\n```(\w+)\n(.*?)^```$", PAGE, re.DOTALL | re.M)
PORT = "8811"
#: What differs from run to run, and from machine to machine.
VARYING = (
    (r"\b\d+(\.\d+)? ?m?s\b", "1 s"),
    (r"\d{4}-\d\d-\d\d", "2026-01-01"),
    (r"genai-prices [\d.]+", "genai-prices 1.0"),
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
        self._path(line_above).write_text(text, encoding="utf-8")

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


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    folder = tmp_path / "helpdesk"
    folder.mkdir()
    reader = Reader(folder)
    yield reader
    reader.stop()


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


def test_each_step_of_the_tutorial_prints_what_it_shows(reader: Reader) -> None:
    for line_above, kind, text in STEPS:
        if kind == "console":
            for command, shown in typed(text):
                output = reader.type(command, shown.count("\n"))
                assert is_shown(output, shown), f"$ {command}\n{output}"
        elif kind == "diff":
            reader.edit(line_above, text)
        elif kind != "sh":
            reader.write(line_above, text)


def test_every_block_is_a_step_and_only_the_installation_is_not_run() -> None:
    [installation] = [text for _, kind, text in STEPS if kind == "sh"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert len(STEPS) == PAGE.count("```") // 2
    assert installation.endswith(f"\npip install {project['name']}\n")


@pytest.mark.parametrize(
    ("output", "is_it"),
    [
        ("first\nin 20 ms\nlast\n", True),
        ("first\nmore\nin 3 ms\nlast\n", True),
        ("first\nmore\nin 3 ms\nlast\nafter\n", False),
        ("first\nin 20 minutes\nlast\n", False),
        ("before\nfirst\nin 20 ms\nlast\n", False),
    ],
)
def test_an_output_that_is_another_one_is_seen(output: str, is_it: bool) -> None:
    assert is_shown(output, "first\n...\nin   7 ms\nlast\n") == is_it
