"""Looks as a user meets them: recording anew until the gate opens is counted, replays are not."""

import json
from typing import Any

import pytest
from project import WORDS, Project

from pytest_llmprod.evals.looks import FILE_NAME


class Moody:
    """A model that gets the first `right` of the ten words right, and then no other."""

    def __init__(self, right: int) -> None:
        self.right = right

    def __call__(self, body: dict[str, Any]) -> str:
        word = str(body["messages"][-1]["content"]).split()[-1]
        return f"{word} {word}" if WORDS.index(word) < self.right else "wrong"


@pytest.fixture
def moody(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project whose gate asks for 85 % and is closed with 8 of 10."""
    project.edit("test_words.py", "threshold=0.5", "threshold=0.85")
    assert record(project, 8).ret == pytest.ExitCode.TESTS_FAILED
    return project


def record(project: Project, right: int, *arguments: str) -> pytest.RunResult:
    project.server.answer = Moody(right)
    return project.record("--llm-record=rewrite", *arguments)


def looks(project: Project) -> list[bool]:
    suites = json.loads((project.path / FILE_NAME).read_text())["suites"]
    return [each["open"] for each in suites["test_words.py::test_doubles passed"]["looks"]]


def test_the_same_questions_asked_anew_open_no_gate_by_the_point_estimate(moody: Project) -> None:
    result = record(moody, 9)

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "suite* 99.17% interval *",
            "doubling * 9 90.0% * INCONCLUSIVE *",
            "look 2: recorded anew under a closed gate, interval widened",
            "gate doubling: closed; only PASS opens it at look 2 of the same requests; about*",
        ]
    )
    assert looks(moody) == [False, False]
    assert moody.gates()["doubling"]["enabled"] is False


def test_a_replay_is_the_look_that_it_replays_and_writes_nothing(moody: Project) -> None:
    record(moody, 9)
    before = (moody.path / FILE_NAME).read_bytes()

    for _ in range(3):
        (suite,) = moody.data()["suites"]
        assert (suite["look"], suite["verdict"]) == (2, "INCONCLUSIVE")
    assert moody.data("-n2", subprocess=True)["suites"][0]["look"] == 2
    assert (moody.path / FILE_NAME).read_bytes() == before


def test_another_prompt_may_open_it(moody: Project) -> None:
    moody.edit("feature.py", "Double this word", "Write this word twice")

    result = record(moody, 9)

    assert result.ret == pytest.ExitCode.OK
    look = "look 2: recorded anew under a closed gate, interval widened"
    result.stdout.fnmatch_lines([look, "gate doubling: open; *, about*"])
    assert looks(moody) == [False, True]

    assert record(moody, 9).ret == pytest.ExitCode.OK  # of a gate that was open
    assert looks(moody) == [True]


def test_a_test_named_by_itself_is_a_look_too(moody: Project) -> None:
    record(moody, 8, "test_words.py::test_doubles")

    assert looks(moody) == [False, False]


def test_a_part_of_the_cases_and_another_model_are_no_looks(moody: Project) -> None:
    record(moody, 9, "-k", "one")
    record(moody, 9, "--llm-swap=gpt-test=gpt-other")

    assert looks(moody) == [False]


def test_another_model_is_judged_as_at_a_first_look(moody: Project) -> None:
    record(moody, 9)
    record(moody, 9, "--llm-swap=gpt-test=gpt-other")

    (swapped,) = moody.data("--llm-swap=gpt-test=gpt-other")["suites"]
    (own,) = moody.data()["suites"]

    assert (swapped["look"], own["look"]) == (1, 2)


def test_a_run_that_fails_by_its_errors_is_no_look(moody: Project) -> None:
    broken = "said = ask(llm_case.input); assert llm_case.id != 'one' or 1 / 0; assert said"
    moody.edit("test_words.py", "assert ask(llm_case.input)", broken)

    result = record(moody, 9)

    result.stdout.fnmatch_lines(["*1 case ended in an error, at most 0 may*"])
    assert looks(moody) == [False]


def test_answers_without_a_file_are_a_first_look(moody: Project) -> None:
    record(moody, 9)
    (moody.path / FILE_NAME).unlink()

    (suite,) = moody.data()["suites"]

    assert suite["look"] == 1
    assert not (moody.path / FILE_NAME).exists()


def test_a_file_that_cannot_be_read_decides_nothing(moody: Project) -> None:
    (moody.path / FILE_NAME).write_text("{")

    result = moody.run()

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines([f"*{FILE_NAME}: cannot be read*Restore it from version*"])


def names_in(project: Project) -> list[str]:
    suites: dict[str, Any] = json.loads((project.path / FILE_NAME).read_text())["suites"]
    return sorted(suites)


OF_DOUBLES, OF_TWICE = "test_words.py::test_doubles passed", "test_words.py::test_twice passed"


def test_a_whole_recording_run_drops_the_looks_at_tests_that_are_gone(moody: Project) -> None:
    moody.edit("test_words.py", "def test_doubles", "def test_twice")
    record(moody, 8)

    assert names_in(moody) == [OF_TWICE]


@pytest.mark.parametrize("selection", ["test_words.py::test_twice", "-k=twice"])
def test_a_part_of_a_run_drops_no_looks(moody: Project, selection: str) -> None:
    moody.edit("test_words.py", "def test_doubles", "def test_twice")
    record(moody, 8, selection)

    assert names_in(moody) == [OF_DOUBLES, OF_TWICE]


def test_looks_at_tests_that_may_still_be_there_stay(moody: Project) -> None:
    path = moody.path / FILE_NAME
    document = json.loads(path.read_text())
    entry = document["suites"][OF_DOUBLES]
    kept = {
        "test_more.py::TestAll::test_it[a b] items, half for the total": entry,
        "test_more.py::test_imported[x::y] passed": entry,
    }
    gone = {"test_more.py::TestAll::test_gone[a] passed": entry, "gone.py::test_it passed": entry}
    document["suites"] |= kept | gone
    path.write_text(json.dumps(document))
    (moody.path / "test_more.py").write_text(
        "from test_words import test_doubles as test_imported\n\n"
        "class TestAll:\n    def test_it(self): ...\n"
    )

    record(moody, 8, "test_words.py")

    assert names_in(moody) == sorted([*kept, OF_DOUBLES])
