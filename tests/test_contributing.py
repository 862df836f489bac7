"""CONTRIBUTING.md names what is there."""

import re
import shlex
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))


def test_each_target_of_make_is_there_and_each_that_is_there_is_told() -> None:
    named = {words.split()[-1] for words in re.findall(r"`make ([^`]+)`", PAGE)}

    assert {"check", "test"} <= named
    assert named - TARGETS == set()
    assert TARGETS - {"clean"} - named == set()


def test_each_link_and_each_file_is_there() -> None:
    links = re.findall(r"\]\(([^)]+)\)", PAGE)
    files = re.findall(r"`(tests/[\w/.]+)`", PAGE)

    assert links
    assert files
    assert [name for name in {*links, *files} if not (ROOT / name).exists()] == []


def test_each_command_names_tests_that_there_are() -> None:
    lines = re.findall(r"^ +(\.venv/bin/python -m pytest .*)$", PAGE, re.M)
    paths = [word for line in lines for word in shlex.split(line)[3:] if word.startswith("tests")]

    assert len(paths) == len(lines) == 2
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_the_test_that_is_an_example_of_a_name_is_like_one_that_there_is() -> None:
    (name,) = re.findall(r"as in `(test_\w+)`", PAGE)

    assert any(f"def {name}(" in path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
