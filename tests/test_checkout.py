"""Copies of the example: they hold what is in git, and no test makes one in another way."""

import re
from pathlib import Path

import pytest
from checkout import EXAMPLE, LEFT_BY_RUNS, check_out

TESTS = Path(__file__).parent


@pytest.mark.parametrize("name", [each.replace("*", "x") for each in LEFT_BY_RUNS])
def test_a_file_of_a_run_that_is_gone_by_then_does_no_harm(tmp_path: Path, name: str) -> None:
    source = tmp_path / "source"
    (source / "app").mkdir(parents=True)
    (source / "app" / "triage.py").write_text("")
    (source / "app" / name).symlink_to("gone")

    copy = check_out(tmp_path / "copy", source=source)

    assert [path.name for path in copy.rglob("*.*")] == ["triage.py"]


def test_a_copy_has_what_the_example_has(tmp_path: Path) -> None:
    copy = check_out(tmp_path / "copy", "RUNBOOK.md")

    names = {path.name for path in EXAMPLE.iterdir()} - {path.name for path in copy.iterdir()}
    assert names & {"app", "cassettes", "evals", ".github", "pyproject.toml"} == set()
    assert "RUNBOOK.md" in names


def test_each_test_copies_the_example_like_that() -> None:
    copies = re.compile(r'copytree\(\s*(EXAMPLE,|ROOT / "examples"|source,)')

    others = [
        path.name
        for path in TESTS.rglob("*.py")
        if copies.search(path.read_text(encoding="utf-8")) and path.name != "checkout.py"
    ]

    assert others == []
