"""--llm-record=verify: live answers against recordings, and nothing written."""

import re
from pathlib import Path

import pytest
from loopback import Busy
from project import Project


@pytest.fixture
def answers_otherwise(recorded: Project) -> Project:
    """A provider that says `two` in other words, and answers `three` with JSON."""
    answer = recorded.server.answer
    others = {"two": "Two, two!", "three": '{"label": "three"}'}
    recorded.server.answer = lambda body: others.get(word_of(body), answer(body))
    return recorded


def word_of(body: dict[str, object]) -> str:
    messages = body["messages"]
    assert isinstance(messages, list)
    return str(messages[-1]["content"]).split()[-1]


def contents(folder: Path) -> dict[str, bytes]:
    paths = folder.rglob("*.json")
    return {str(path): path.read_bytes() for path in paths if ".pytest_cache" not in str(path)}


def test_verify_compares_each_live_answer_with_its_recording(answers_otherwise: Project) -> None:
    result = answers_otherwise.record("--llm-record=verify")

    assert len(answers_otherwise.server.requests) == 10
    result.stdout.fnmatch_lines(
        [
            "verified 10 live answers: 8 the same, 1 in other words, 1 that behaves otherwise",
            "- test_words.py::test_doubles[[]three]: form: text -> JSON",
        ]
    )


def test_verify_writes_nothing(answers_otherwise: Project) -> None:
    before = contents(answers_otherwise.path)

    result = answers_otherwise.record("--llm-record=verify")

    assert contents(answers_otherwise.path) == before
    assert not (answers_otherwise.path / ".llmprod" / "recording").exists() or not list(
        (answers_otherwise.path / ".llmprod" / "recording").iterdir()
    )
    result.stdout.fnmatch_lines(["gates not written: --llm-record=verify writes nothing"])


def test_verify_tells_requests_that_are_in_no_recording(recorded: Project) -> None:
    recorded.edit("feature.py", "Double this word:", "Please double this word:")

    result = recorded.record("--llm-record=verify", "-k", "one")

    result.stdout.fnmatch_lines(
        [
            "verified 1 live answer: 1 in no recording",
            "- test_words.py::test_doubles[[]one]: is in no recording",
        ]
    )


def test_a_try_that_the_client_repeated_is_no_answer_to_compare(recorded: Project) -> None:
    recorded.edit("feature.py", "max_retries=0", "max_retries=1")
    answer, waiting = recorded.server.answer, {"two", "four"}

    def busy_at_first(body: dict[str, object]) -> str:
        if word_of(body) in waiting:
            waiting.remove(word_of(body))
            raise Busy(retry_after_ms=1)
        return answer(body)

    recorded.server.answer = busy_at_first

    result = recorded.record("--llm-record=verify")

    assert len(recorded.server.requests) == 12
    assert "verified 10 live answers: 10 the same" in result.outlines


def test_an_error_is_told_as_another_behaviour_and_as_no_other_model(recorded: Project) -> None:
    def busy(body: dict[str, object]) -> str:
        raise Busy(retry_after_ms=1)

    recorded.server.answer = busy

    result = recorded.record("--llm-record=verify", "-k", "one")

    assert "verified 1 live answer: 1 that behaves otherwise" in result.outlines
    assert "- test_words.py::test_doubles[one]: status: 200 -> 429" in result.outlines
    assert "when recorded, and is" not in result.stdout.str()


def test_recordings_that_nothing_asks_for_are_told(recorded: Project) -> None:
    less = "if word in ('one', 'two'): word = 'three'"
    recorded.edit("feature.py", "    client = ", f"    {less}\n    client = ")
    recorded.edit("test_words.py", "assert ask", "ask('four'); assert ask")

    result = recorded.record("--llm-record=verify", "-k", "one or two or ten or four")

    assert "verified 8 live answers: 2 the same, 6 in no recording" in result.outlines
    assert (
        "2 recordings were compared with nothing: their tests asked for something else"
        in result.outlines
    )


def test_recordings_that_a_test_may_leave_are_not_told(recorded: Project) -> None:
    recorded.edit("feature.py", "Double this word:", "Please double this word:")
    (recorded.path / "pyproject.toml").write_text('[tool.llmprod.wire]\nunplayed = "allow"\n')

    result = recorded.record("--llm-record=verify", "-k", "one")

    assert "verified 1 live answer: 1 in no recording" in result.outlines
    assert "compared with nothing" not in result.stdout.str()


def rename_the_model(project: Project) -> None:
    """Have the recordings say that another version of the model answered them."""
    path = project.cassette()
    path.write_text(path.read_text().replace("gpt-test-2026-01-01", "gpt-test-2025-01-01"))


@pytest.mark.parametrize("mode", ["verify", "all", "new_episodes"])
def test_another_version_behind_the_same_name_is_told(recorded: Project, mode: str) -> None:
    rename_the_model(recorded)
    if mode == "new_episodes":
        recorded.edit("feature.py", "Double this word:", "Please double this word:")

    result = recorded.record(f"--llm-record={mode}")

    line = "gpt-test was gpt-test-2025-01-01 when recorded, and is gpt-test-2026-01-01"
    assert result.outlines.count(line) == 1


def test_verify_sums_over_all_workers(answers_otherwise: Project) -> None:
    result = answers_otherwise.record("--llm-record=verify", "-n2", subprocess=True)

    result.stdout.fnmatch_lines(
        ["verified 10 live answers: 8 the same, 1 in other words, 1 that behaves otherwise"]
    )


def test_what_a_shared_fixture_asks_is_verified_too(project: Project) -> None:
    project.pytester.makepyfile(
        test_words="""
        import pytest
        from feature import ask

        @pytest.fixture(scope="module")
        def shop():
            ask("open")
            yield
            ask("close")

        @pytest.mark.llm_cassette
        @pytest.mark.parametrize("word", ["one", "two"])
        def test_sells(shop, word):
            ask(word)
        """
    )
    project.record()

    result = project.record("--llm-record=verify")

    assert "verified 4 live answers: 4 the same" in result.outlines


def test_a_run_without_evals_tells_what_it_verified(project: Project) -> None:
    project.pytester.makepyfile(
        test_words="""
        import pytest
        from feature import ask

        @pytest.mark.llm_cassette
        def test_asks():
            ask("one")
        """
    )
    project.record()

    result = project.record("--llm-record=verify")

    result.stdout.fnmatch_lines(["*= llmprod =*", "verified 1 live answer: 1 the same"])


def test_recordings_that_are_soon_too_old_are_told(recorded: Project) -> None:
    from datetime import UTC, datetime, timedelta

    day = (datetime.now(UTC) - timedelta(days=80)).date().isoformat()
    path = recorded.cassette()
    path.write_text(re.sub(r'"recorded_at": "[^T]*T', f'"recorded_at": "{day}T', path.read_text()))
    (recorded.path / "pyproject.toml").write_text("[tool.llmprod.wire]\nmax_age_days = 90\n")

    result = recorded.run()

    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        [
            f"10 tests play old recordings, from {day} on: at 90 days they fail",
            "record them again with: pytest --llm-eval --llm-record=rewrite",
        ]
    )
