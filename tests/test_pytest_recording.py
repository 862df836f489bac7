"""Cassettes that pytest-recording left are played where they lie."""

import json
from pathlib import Path

import pytest
from project import Project

from pytest_llmprod.cli import main
from pytest_llmprod.wire.cassettes import cassette_file
from pytest_llmprod.wire.cassettes.export import export

TEST = """
    import pytest
    from feature import ask

    class TestAsking:
        @pytest.mark.llm_cassette
        @pytest.mark.parametrize("word", ["one", "two"])
        def test_doubles(self, word):
            assert ask(word) == f"{word} {word}"
"""


@pytest.fixture
def left_behind(project: Project) -> Project:
    """A project with cassettes where pytest-recording puts them, and none of ours."""
    project.pytester.makepyfile(test_words=TEST)
    project.record()
    own = project.path / "cassettes" / "test_words" / "TestAsking.test_doubles.gpt-test.json"
    for recording in cassette_file.load(own).all():
        name = f"TestAsking.test_doubles[{recording.case}].yaml"
        text = export([recording]).text
        (own.parent / name).write_text(text.replace("127.0.0.1", "api.example.com"))
    own.unlink()
    project.server.requests.clear()
    return project


def own_cassettes(project: Project) -> list[Path]:
    return list((project.path / "cassettes").rglob("*.json"))


def test_a_cassette_of_pytest_recording_is_played_in_place(left_behind: Project) -> None:
    result = left_behind.run()

    assert result.parseoutcomes() == {"passed": 2}
    assert own_cassettes(left_behind) == []


def test_what_was_imported_is_played_in_place_of_the_files_of_pytest_recording(
    left_behind: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = left_behind.path / "cassettes" / "test_words"

    status = main(["cassette", "import", str(folder)])

    for path in folder.glob("*.yaml"):
        path.unlink()
    (own,) = own_cassettes(left_behind)
    checked = main(["cassette", "check", str(left_behind.path)])
    pruned = main(["cassette", "prune", str(left_behind.path)])
    result = left_behind.run()
    assert (status, checked, pruned) == (0, 0, 0)
    assert own.name == "TestAsking.test_doubles.gpt-test.json"
    assert f"{own}: 2 recordings\n" in capsys.readouterr().out
    assert result.parseoutcomes() == {"passed": 2}


def test_once_records_nothing_where_pytest_recording_did(left_behind: Project) -> None:
    result = left_behind.record("--llm-record=once")

    assert result.parseoutcomes() == {"passed": 2}
    assert left_behind.server.requests == []


def test_once_records_another_model_than_pytest_recording_did(left_behind: Project) -> None:
    result = left_behind.record("--llm-record=once", "--llm-swap=gpt-test=gpt-other")

    (own,) = own_cassettes(left_behind)
    assert result.parseoutcomes() == {"passed": 2}
    assert own.name == "TestAsking.test_doubles.gpt-other.json"


def test_a_model_that_pytest_recording_did_not_ask_is_told_as_such(left_behind: Project) -> None:
    result = left_behind.run("--llm-swap=gpt-test=gpt-other")

    assert result.parseoutcomes() == {"failed": 2}
    result.stdout.fnmatch_lines(["No recording: model gpt-other instead of gpt-test"])


def test_new_requests_stand_beside_what_pytest_recording_left(left_behind: Project) -> None:
    left_behind.edit("test_words.py", "assert ask(word)", 'ask("new"); assert ask(word)')

    recorded = left_behind.record("--llm-record=new_episodes")
    replayed = left_behind.run()

    assert recorded.parseoutcomes() == replayed.parseoutcomes() == {"passed": 2}
    assert len(left_behind.server.requests) == 2
    (own,) = own_cassettes(left_behind)
    assert len(json.loads(own.read_text())["interactions"]) == 2


def test_a_request_that_pytest_recording_did_not_record_is_a_miss(left_behind: Project) -> None:
    left_behind.edit("feature.py", "Double this word:", "Please double this word:")

    result = left_behind.run()

    assert result.parseoutcomes() == {"failed": 2}
    result.stdout.fnmatch_lines(["*- Double this word: one*", "*+ Please double this word: one*"])
