"""What a shell is told that completes a line of `llmprod`, and of pytest."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LLMPROD = "pytest_llmprod.cli"


def completed(folder: Path, line: str, module: str = LLMPROD) -> list[str]:
    """Return the words that may end a line, as the scripts of argcomplete ask for them."""
    told = folder / "told"
    environment = {
        **os.environ,
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_IFS": "\n",
        "_ARGCOMPLETE_SUPPRESS_SPACE": "1",
        "_ARGCOMPLETE_STDOUT_FILENAME": str(told),
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
        "COMP_TYPE": "9",
    }
    subprocess.run([sys.executable, "-m", module], cwd=folder, env=environment, check=True)
    return told.read_text().split("\n")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("llmprod run", ["runbook"]),
        ("llmprod log purge --a", ["--all"]),
        ("llmprod audit --level d", ["documented", "drilled"]),
        ("llmprod runbook --check RUN", ["RUNBOOK.md"]),
    ],
)
def test_commands_options_choices_and_files_are_completed(
    tmp_path: Path, line: str, words: list[str]
) -> None:
    (tmp_path / "RUNBOOK.md").touch()

    assert sorted(each.rstrip() for each in completed(tmp_path, line)) == words


def test_the_options_of_pytest_are_completed_too(tmp_path: Path) -> None:
    assert completed(tmp_path, "pytest --llm-rec", "pytest") == ["--llm-record"]


def test_a_command_does_not_run_where_argcomplete_is_missing(tmp_path: Path) -> None:
    (tmp_path / "argcomplete.py").write_text("raise ModuleNotFoundError('argcomplete')\n")
    environment = {**os.environ, "_ARGCOMPLETE": "1", "PYTHONPATH": str(tmp_path)}

    result = subprocess.run(
        [sys.executable, "-m", LLMPROD, "runbook"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        check=False,
    )

    assert result.returncode != 0
    assert not (tmp_path / "RUNBOOK.md").exists()


def test_the_lines_of_the_readme_make_scripts_for_these_shells(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.findall(r"register-python-argcomplete[^)`|]*", readme)
    calls = [shlex.split(each.replace('"', "")) for each in found]

    scripts = Path(sys.executable).parent
    made = [
        subprocess.run(
            [sys.executable, scripts / program, *words],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for program, *words in calls
    ]
    assert [each[-2:] for each in calls] == [["llmprod", "pytest"]] * 2
    assert "compdef" in made[0]
    assert "complete -o nospace -o default" in made[0]
    assert "complete --command llmprod" in made[1]
