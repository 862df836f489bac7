"""What the commands say to arguments that are nearly right."""

from pathlib import Path

import pytest

from pytest_llmprod.cli import main

STORE = "Store a run with: pytest --llm-eval --llm-json=run.json"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Return what a call that is refused says."""
    with pytest.raises(SystemExit) as stop:
        main(arguments)

    assert stop.value.code == 2
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ["runbook", "--chek"],
            "llmprod runbook: error: unrecognized arguments: --chek; did you mean --check?",
        ),
        (
            ["log", "ls", "--nothing-like-it"],
            "llmprod log ls: error: unrecognized arguments: --nothing-like-it\n",
        ),
        (["audit", "--jsn=1"], "unrecognized arguments: --jsn=1; did you mean --json?"),
    ],
)
def test_an_option_that_is_none_is_told_by_its_command(
    capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    assert told in refused(capsys, *arguments)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["runbok"], "llmprod: error: argument COMMAND: there is no runbok; did you mean runbook?"),
        (
            ["log", "shw"],
            "llmprod log: error: argument COMMAND: there is no shw; did you mean show?",
        ),
        (["audit", "--level=dril"], "there is no dril; did you mean drilled?"),
        (["log", "nothing-like-it"], "choose from ls, show, grep, sql, purge, import\n"),
        (["run\x1b[2J"], "there is no run\\x1b[2J; choose from init, "),
    ],
)
def test_a_word_that_is_no_choice_is_told_with_the_nearest_one(
    capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    assert told in refused(capsys, *arguments)


@pytest.mark.parametrize("arguments", [["accept"], ["decide"], ["compare"]])
def test_a_run_that_is_not_there_is_told_with_the_command_that_stores_one(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    told = refused(capsys, *arguments, "gone.json")

    assert f"gone.json: there is no such file or folder. {STORE}" in told


def test_the_file_with_the_nearest_name_is_named(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    (folder / "evals").mkdir()
    (folder / "evals" / "tickets.jsonl").touch()

    told = refused(capsys, "dataset", "check", "evals/tikets.jsonl")

    assert "there is no such file or folder; did you mean evals/tickets.jsonl?" in told


def test_a_runbook_that_is_not_there_is_told_with_the_command_that_writes_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["runbook", "my book.md", "--check"]) == 1

    told = capsys.readouterr().err
    assert "my book.md: there is no runbook; write it with: llmprod runbook 'my book.md'" in told
    assert main(["runbook", "my book.md"]) == 0
    assert main(["runbook", "my book.md", "--check"]) == 0


@pytest.mark.parametrize("options", [[], ["--check"]], ids=["write", "check"])
def test_a_runbook_in_a_folder_that_is_not_there_is_refused_and_makes_none(
    capsys: pytest.CaptureFixture[str], folder: Path, options: list[str]
) -> None:
    told = refused(capsys, "runbook", "on call/oncall.md", *options)

    why = "on call/oncall.md: there is no folder on call; make it with: mkdir -p 'on call'"
    assert why in told
    assert not (folder / "on call").exists()
    (folder / "on call").mkdir()
    assert main(["runbook", "on call/oncall.md"]) == 0


def test_a_runbook_in_a_folder_whose_name_no_system_takes_is_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert "there is no folder aaa" in refused(capsys, "runbook", f"{'a' * 300}/oncall.md")


@pytest.mark.parametrize(
    "arguments",
    [
        ["accept"],
        ["cassette", "show"],
        ["cassette", "export"],
        ["compare"],
        ["dataset", "add"],
        ["dataset", "check"],
        ["dataset", "freeze"],
        ["decide"],
        ["judge", "calibrate", "d:polite"],
        ["log", "import"],
    ],
    ids=" ".join,
)
def test_a_folder_in_the_place_of_a_file_is_told(
    capsys: pytest.CaptureFixture[str], folder: Path, arguments: list[str]
) -> None:
    (folder / "d").mkdir()

    assert ": d: is a folder; name a file in it" in refused(capsys, *arguments, "d")


def test_a_policy_that_is_not_there_is_not_to_be_stored_as_a_run_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = refused(capsys, "decide", "--policy", "policy.toml", "run.json")

    assert "argument --policy: policy.toml: there is no such file or folder\n" in told


def test_a_port_that_is_no_number_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    told = refused(capsys, "serve", "--port", "http")

    assert "argument --port: http: a port is a number, such as 8080\n" in told
