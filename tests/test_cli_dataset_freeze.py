"""`llmprod dataset freeze` as a user calls it."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from pytest_llmprod.cli import main
from pytest_llmprod.commands import who as commands_who


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data set of two rows in the working directory, where nobody has a name in git."""
    monkeypatch.chdir(tmp_path)
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, str(tmp_path / "no-config"))
    monkeypatch.setenv("LOGNAME", "ann")
    path = Path("a.jsonl")
    path.write_text('{"id": "a", "input": 1}\n{"id": "b", "input": 2}\n')
    return path


def latest() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path("a.lock").read_text(encoding="utf-8"))["latest"]
    return found


def test_a_lock_is_written_beside_the_data_set(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["dataset", "freeze", str(data), "--why", "first"])

    assert status == 0
    assert capsys.readouterr().out == (
        "a.lock: froze 2 cases, revision 1\ncommit it together with the data set\n"
    )
    assert (latest()["who"], latest()["why"], latest()["cases"]) == ("ann", "first", 2)


def test_freezing_without_a_change_says_so_and_writes_nothing(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["dataset", "freeze", str(data), "--why", "first"])
    before = Path("a.lock").stat()
    capsys.readouterr()

    status = main(["dataset", "freeze", str(data), "--why", "second"])

    out = capsys.readouterr().out
    assert status == 0
    assert out.startswith("a.lock: nothing changed, nothing written\n  frozen 20")
    assert out.endswith(" by ann: first\n")
    after = Path("a.lock").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_a_new_revision_says_what_changed(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["dataset", "freeze", str(data), "--why", "first"])
    data.write_text('{"id": "a", "input": 5}\n{"id": "c", "input": 2}\n')
    capsys.readouterr()

    main(["dataset", "freeze", str(data), "--why", "second"])

    assert capsys.readouterr().out.splitlines() == [
        "a.lock: froze 2 cases, revision 2",
        "  added    c",
        "  changed  a",
        "  removed  b",
        "commit it together with the data set",
    ]


def test_who_is_the_name_that_is_given(data: Path) -> None:
    main(["dataset", "freeze", str(data), "--why", "x", "--who", "Cyd \x1b[31m"])

    assert latest()["who"] == "Cyd \\x1b[31m"


def test_who_is_else_the_name_in_git(data: Path) -> None:
    subprocess.run(["git", "init", "--quiet"], check=True)
    subprocess.run(["git", "config", "user.name", "Bob Öst"], check=True)

    main(["dataset", "freeze", str(data), "--why", "x"])

    assert latest()["who"] == "Bob Öst"


def test_who_is_the_login_where_there_is_no_git(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")

    main(["dataset", "freeze", str(data), "--why", "x"])

    assert latest()["who"] == "ann"


@pytest.mark.parametrize("who", [[], ["--who", " "]])
def test_where_nobody_has_a_name_it_must_be_said(
    data: Path,
    who: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def no_name() -> str:
        raise KeyError("getpwuid(): uid not found: 4711")

    monkeypatch.setattr(commands_who.getpass, "getuser", no_name)

    with pytest.raises(SystemExit) as caught:
        main(["dataset", "freeze", str(data), "--why", "x", *who])

    assert caught.value.code == 2
    assert "say so with --who NAME" in capsys.readouterr().err
    assert not Path("a.lock").exists()


@pytest.mark.parametrize("why", [[], ["--why", ""], ["--why", "..."]])
def test_a_reason_is_needed(data: Path, why: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["dataset", "freeze", str(data), *why])

    assert caught.value.code == 2
    assert "--why" in capsys.readouterr().err
    assert not Path("a.lock").exists()


def test_a_broken_data_set_is_not_frozen(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data.write_text("nonsense\n")

    status = main(["dataset", "freeze", str(data), "--why", "x"])

    assert status == 1
    assert capsys.readouterr().err.startswith("llmprod: a.jsonl, line 1: is not valid JSON")
    assert not Path("a.lock").exists()
