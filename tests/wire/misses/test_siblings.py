"""Siblings: after a rename, the recordings under the old name are found and their move is told."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from lab import Lab, chat_request
from missing import kept, missed

from pytest_llmprod.wire.cassettes.cassette_file import save
from pytest_llmprod.wire.tape import Tape

REQUEST = chat_request("hello")
RECORDED = kept(REQUEST, case="t-1")


@pytest.fixture
def project(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """A project in whose folder a run is started, with the test `test_it` in `test_app.py`."""
    monkeypatch.chdir(lab.root)
    (lab.root / "test_app.py").write_text("def test_it(): ...\n")
    return lab


def left(project: Lab, name: str = "test_old", module: str = "test_app") -> Path:
    path = project.root / "cassettes" / module / f"{name}.gpt-test.json"
    save(path, [RECORDED])
    return path


def tape(project: Lab, **label: Any) -> Tape:
    return project.run().tape("t-1", **label)


def plays_after(project: Lab, command: str) -> bool:
    """Run a command, and say whether the recording lies where the test looks for it then."""
    subprocess.run(command, shell=True, check=True, cwd=project.root)
    return project.path().is_file()


def test_the_cassette_of_a_renamed_test_is_told_with_its_move(project: Lab) -> None:
    left(project)

    miss = missed(tape(project), REQUEST)

    assert miss.kind == "test renamed"
    assert miss.details.endswith(
        "  cassette  cassettes/test_app/test_it.gpt-test.json\n"
        "            does not exist yet\n"
        "  renamed?  cassettes/test_app/test_old.gpt-test.json\n"
        "            holds this very request, and no test plays it any more"
    )
    assert miss.command == (
        "mv cassettes/test_app/test_old.gpt-test.json cassettes/test_app/test_it.gpt-test.json"
    )
    assert plays_after(project, miss.command)


def test_the_cassettes_of_all_models_are_moved(project: Lab) -> None:
    left(project)
    other = left(project).with_name("test_old.gpt.5.json")
    save(other, [kept(chat_request("hello", "gpt.5"), case="t-1")])
    not_ours = left(project, "test_older")

    miss = missed(tape(project), REQUEST)

    folder = "cassettes/test_app"
    assert miss.moves == (
        (f"{folder}/test_old.gpt-test.json", f"{folder}/test_it.gpt-test.json"),
        (f"{folder}/test_old.gpt.5.json", f"{folder}/test_it.gpt.5.json"),
    )
    assert plays_after(project, miss.command)
    assert project.path("gpt.5").is_file()
    assert not_ours.is_file()


def test_a_rename_is_told_although_another_model_is_recorded_under_the_new_name(
    project: Lab,
) -> None:
    save(left(project, "test_it").with_name("test_it.gpt-2.json"), [RECORDED])
    project.path().rename(project.path(function="test_old"))

    miss = missed(tape(project), REQUEST)

    assert miss.kind == "test renamed"
    assert "nearest" not in miss.details
    assert plays_after(project, miss.command)


def test_what_lies_under_the_new_name_is_not_overwritten_by_a_move(project: Lab) -> None:
    left(project)
    for name in ("test_old", "test_it"):
        save(project.path("gpt-2", name), [kept(chat_request(name, "gpt-2"), case="t-1")])

    miss = missed(tape(project), REQUEST)

    assert len(miss.moves) == 1
    assert plays_after(project, miss.command)


def test_of_several_cassettes_with_the_request_the_most_similar_name_is_moved(
    project: Lab,
) -> None:
    for name in ("test_old_0", "test_old_1", "test_old_2"):
        left(project, name)

    moves = [missed(tape(project, function=f"test_new_{n}"), REQUEST).moves for n in range(3)]

    folder = "cassettes/test_app"
    assert moves == [
        ((f"{folder}/test_old_{n}.gpt-test.json", f"{folder}/test_new_{n}.gpt-test.json"),)
        for n in range(3)
    ]


def test_the_folder_of_a_renamed_file_is_moved_whole(project: Lab) -> None:
    left(project, "test_it", "test_old")
    left(project, "test_other", "test_old")

    miss = missed(tape(project), REQUEST)

    assert miss.command == "mv cassettes/test_old cassettes/test_app"
    assert plays_after(project, miss.command)
    assert project.path(function="test_other").is_file()


@pytest.mark.parametrize("others", ["def test_that_stays(): ...", None])
def test_a_test_that_was_moved_to_a_new_file_gets_a_folder(
    project: Lab, others: str | None
) -> None:
    left(project, "test_it" if others else "test_old", "test_b")
    if others:
        (project.root / "test_b.py").write_text(others)

    miss = missed(tape(project), REQUEST)

    assert miss.command.startswith("mkdir -p cassettes/test_app && mv cassettes/test_b/test_")
    assert plays_after(project, miss.command)


def test_names_with_spaces_are_quoted(project: Lab) -> None:
    left(project, "test_it", "test old")

    miss = missed(tape(project), REQUEST)

    assert miss.command == "mv 'cassettes/test old' cassettes/test_app"


def is_told(project: Lab, document: Any = REQUEST) -> bool:
    return "renamed?" in str(missed(tape(project), document))


def test_a_cassette_that_another_test_plays_is_not_told(project: Lab) -> None:
    (project.root / "test_app.py").write_text("def test_it(): ...\ndef test_old(): ...\n")
    left(project)

    assert not is_told(project)


def test_where_nobody_can_tell_whether_a_test_plays_it_nothing_is_told(project: Lab) -> None:
    (project.root / "test_app.py").write_text("from others import *\n")
    left(project)

    assert not is_told(project)


@pytest.mark.parametrize(
    "document", [chat_request("goodbye"), chat_request("hello", temperature=1)]
)
def test_another_request_is_not_told(project: Lab, document: Any) -> None:
    left(project)

    assert not is_told(project, document)


def test_the_same_request_of_another_case_is_not_told(project: Lab) -> None:
    save(left(project), [kept(REQUEST, case="t-2")])

    assert not is_told(project)


def test_a_cassette_that_is_there_is_never_overwritten(project: Lab) -> None:
    left(project)
    save(project.path(), [])

    assert not is_told(project)


def test_a_broken_cassette_beside_it_is_left_out(project: Lab) -> None:
    left(project).write_text("broken")
    left(project, "test_older")

    assert is_told(project)


def test_each_cassette_is_looked_at_once_a_run(project: Lab) -> None:
    path = left(project)
    run = project.run()
    missed(run.tape("t-1"), REQUEST)
    shutil.rmtree(path.parent)

    again = missed(run.tape("t-1"), REQUEST)

    assert "renamed?" in str(again)
