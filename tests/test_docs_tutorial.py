"""docs/tutorial.md: its steps, done in their order in an empty folder, print what it shows."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from reader import Reader, follow, is_shown, steps_of

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
STEPS = steps_of(PAGE)


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    folder = tmp_path / "helpdesk"
    folder.mkdir()
    reader = Reader(folder)
    yield reader
    reader.stop()


def test_each_step_of_the_tutorial_prints_what_it_shows(reader: Reader) -> None:
    follow(reader, PAGE)


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
