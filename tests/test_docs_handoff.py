"""docs/init.md and docs/runbook.md show what the commands print."""

import re
import shlex
from pathlib import Path

import pytest
import warm
from checkout import check_out

from pytest_llmprod.cli import main
from pytest_llmprod.handoff.runbook import NAMES

ROOT = Path(__file__).parents[1]
INIT = (ROOT / "docs" / "init.md").read_text(encoding="utf-8")
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
Session = list[tuple[list[str], str]]


def sessions(page: str) -> list[Session]:
    """Return the commands of each console block, each with what it prints."""
    blocks = re.findall(r"^```console\n(.*?)^```$", page, re.DOTALL | re.M)
    return [
        [
            (shlex.split(command), output)
            for command, output in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.M)
        ]
        for block in blocks
    ]


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "support_triage"
    check_out(folder)
    monkeypatch.chdir(folder)
    return folder


def printed(*words: str) -> str:
    return warm.run(["-m", *words], cwd=Path.cwd()).stdout


def test_what_init_writes_and_how_it_runs_is_what_the_page_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    [(first, wrote)], [(run, summary)], [(again, left)], _ = sessions(INIT)

    assert main(first[1:]) == 0
    assert capsys.readouterr().out == wrote
    told = re.sub(r" in [\d.]+s", " in 1.69s", printed(*run))
    assert told.endswith(summary)
    assert main(again[1:]) == 0
    # What is written for a function that was not there is not asked for again.
    assert capsys.readouterr().out == left
    assert all(f"| `{path}` | " in INIT for path in re.findall(r"wrote +(\S+ticket\S+)", wrote))


def test_what_selfcheck_says_of_the_example_is_what_the_page_shows(example: Path) -> None:
    *_, [(words, output)] = sessions(INIT)
    (forbids,) = re.findall(r"^```toml\n(\[tool.llmprod.wire\]\n.*?)^```$", INIT, re.DOTALL | re.M)
    no_budget, nothing_forbidden = re.findall(r"`(CANNOT FAIL .*?)`", INIT)
    path = example / "pyproject.toml"
    settings = path.read_text()
    (forbidden,) = re.findall(r"^forbid = .*?\]", settings, re.M)

    before = printed("pytest_llmprod.cli", *words[1:])
    path.write_text(re.sub("^forbid = .*", "", settings, flags=re.M))
    allowing = printed("pytest_llmprod.cli", *words[1:])
    path.write_text(re.sub("budgets = .*", "", settings))
    without_budgets = printed("pytest_llmprod.cli", *words[1:])

    assert before == output
    assert "each can fail" in before
    assert forbidden in forbids
    assert nothing_forbidden in allowing
    assert no_budget in without_budgets


def test_what_the_runbook_commands_print_is_what_the_page_shows(
    example: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (session,) = sessions(RUNBOOK)
    (shown,) = re.findall(r"<!-- llmprod:people -->\n.*?<!-- /", RUNBOOK, re.DOTALL)
    assert shown in (example / "RUNBOOK.md").read_text()
    settings = example / "pyproject.toml"
    settings.write_text(settings.read_text().replace("the on-call of the shop", "Bob"))

    for words, output in session:
        main(words[1:])
        assert capsys.readouterr().out == output


def test_the_page_has_every_part_of_a_runbook() -> None:
    assert re.findall(r"^\| `(\w+)` \|", RUNBOOK, re.M) == list(NAMES)
