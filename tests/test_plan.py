"""--llm-plan: what would be recorded, without sending anything."""

import pytest
from project import WORDS, Project

from pytest_llmprod.wire.cassettes import cassette_file
from pytest_llmprod.wire.cassettes.export import export

PRICES = """
[[models]]
provider = "openai"
model = "gpt-test-2026-01-01"
input = "1"
cached = "1"
output = "10"
"""


def plan(project: Project, *arguments: str) -> list[str]:
    """The lines of the plan; nothing is sent, run or written."""
    files = sorted(str(path) for path in project.path.rglob("*.json*"))
    project.server.requests.clear()
    result = project.record("--llm-plan", *arguments)
    assert result.ret == pytest.ExitCode.OK, result.outlines
    assert project.server.requests == []
    assert result.parseoutcomes() == {}
    assert sorted(str(path) for path in project.path.rglob("*.json*")) == files
    start = next(n for n, line in enumerate(result.outlines) if "llmprod plan" in line)
    lines = result.outlines[start + 1 : -1]
    assert all(len(line) <= 80 for line in lines)
    return lines


def test_where_everything_is_recorded_nothing_would_be_sent(recorded: Project) -> None:
    assert plan(recorded, "--llm-record=once") == [
        "--llm-record=once would send nothing: everything is recorded",
        "a changed prompt is not seen here: run the tests without --llm-plan to find it",
    ]


def test_a_rewrite_sends_what_is_recorded(recorded: Project) -> None:
    (recorded.path / "llmprod.prices.toml").write_text(PRICES)

    title, header, row, *notes = plan(recorded, "--llm-record=rewrite")

    assert title == "--llm-record=rewrite would send, as far as recordings tell:"
    assert header.split() == ["test", "model", "tests", "requests", "in", "out", "cost", "time"]
    assert row.split() == [
        "test_doubles",
        "gpt-test",
        "10",
        "10",
        "10k",
        "1000",
        "$0.0200",
        "<1",
        "s",
    ]
    assert notes == ["nothing was sent; the time is that of one request after the other"]


def test_another_model_is_taken_to_need_as_many_tokens(recorded: Project) -> None:
    lines = plan(recorded, "--llm-record=once", "--llm-swap=gpt-test=gpt-other")

    assert lines[2].split()[:6] == ["test_doubles", "gpt-other", "10", "10", "10k", "1000"]
    assert lines[2].split()[6] == "unpriced"
    assert "gpt-other is taken to use as many tokens as gpt-test did" in lines
    start = lines.index("unpriced: gpt-other; run llmprod prices lock, or add prices to")
    assert lines[start + 1] == "  llmprod.prices.toml by hand"
    assert lines[-1].startswith("a changed prompt is not seen here")


def test_a_stand_in_does_not_say_what_the_application_asks(recorded: Project) -> None:
    recorded.record("--llm-record=once", "--llm-swap=gpt-test=gpt-other")

    lines = plan(recorded, "--llm-record=rewrite")

    models = [line.split()[1] for line in lines if line.startswith("test_doubles")]
    assert models == ["gpt-test"]


def test_a_new_case_is_taken_to_ask_what_the_others_ask(recorded: Project) -> None:
    recorded.write_rows(("eleven", *WORDS))

    lines = plan(recorded, "--llm-record=once")

    assert lines[2].split()[:5] == ["test_doubles", "gpt-test", "1", "1", "1000"]
    assert "never recorded, and taken to ask what others ask: 1 of the tests" in lines


def test_a_function_of_which_nothing_is_recorded_is_said_to_be_unknown(project: Project) -> None:
    assert plan(project, "--llm-record=once") == [
        "10 tests are not recorded; what they would cost cannot be told",
        "  test_doubles",
    ]


def test_what_faults_or_a_script_answer_is_not_taken_to_be_unknown(
    recorded: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded.pytester.makepyfile(
        test_without_a_model="""
        import pytest

        @pytest.mark.llm_drill(feature="doubling", faults=["dns-failure"])
        def test_survives(llm_fault):
            pass

        def test_by_hand(llm_faults):
            pass
        """
    )

    nothing = "--llm-record=once would send nothing: everything is recorded"
    assert plan(recorded, "--llm-record=once")[0] == nothing
    below = recorded.path / "below"
    below.mkdir()
    monkeypatch.chdir(below)  # where tests have other names to be told
    assert plan(recorded, "--llm-record=once", "--rootdir=..", "..")[0] == nothing


@pytest.mark.parametrize("arguments", [("--llm-eval", "test_without_a_model.py"), ()])
def test_where_no_test_asks_a_model_nothing_is_said_to_be_recorded(
    project: Project, arguments: tuple[str, ...]
) -> None:
    project.pytester.makepyfile(
        test_without_a_model="""
        def test_by_hand(llm_faults):
            pass
        """
    )

    result = project.pytester.runpytest("--llm-plan", *arguments)

    text = result.stdout.str()
    assert "--llm-record=once would send nothing: no test here asks a model" in text
    assert "everything is recorded" not in text


@pytest.fixture
def left_behind(recorded: Project) -> Project:
    """The project with the cassettes that pytest-recording would have left, and none of ours."""
    own = recorded.cassette()
    for recording in cassette_file.load(own).all():
        text = export([recording]).text.replace("127.0.0.1", "api.openai.com")
        (own.parent / f"test_doubles[{recording.case}].yaml").write_text(text)
    own.unlink()
    return recorded


def test_what_pytest_recording_recorded_is_not_sent(left_behind: Project) -> None:
    assert plan(left_behind, "--llm-record=once") == [
        "--llm-record=once would send nothing: everything is recorded",
        "a changed prompt is not seen here: run the tests without --llm-plan to find it",
    ]


def test_what_pytest_recording_recorded_tells_what_would_be_sent(left_behind: Project) -> None:
    left_behind.write_rows(("eleven", *WORDS))

    rewrite = plan(left_behind, "--llm-record=rewrite")
    other_model = plan(left_behind, "--llm-record=once", "--llm-swap=gpt-test=gpt-other")

    assert rewrite[2].split()[:5] == ["test_doubles", "gpt-test", "11", "11", "11k"]
    assert "never recorded, and taken to ask what others ask: 1 of the tests" in rewrite
    assert other_model[2].split()[:5] == ["test_doubles", "gpt-other", "11", "11", "11k"]


def test_what_both_recorded_is_counted_once(left_behind: Project) -> None:
    left_behind.record("--llm-record=rewrite")

    lines = plan(left_behind, "--llm-record=rewrite")

    assert lines[2].split()[:5] == ["test_doubles", "gpt-test", "10", "10", "10k"]


def test_a_dialect_that_names_its_model_in_the_path_tells_which_model_is_asked(
    project: Project,
) -> None:
    project.pytester.makeconftest(
        """
        import re
        from dataclasses import replace
        from pytest_llmprod.wire.dialects import CHAT

        def pytest_llmprod_dialects():
            path = re.compile(r"/acme/(?P<model>[^/]+)/chat/completions$")
            return [replace(CHAT, provider="acme", path=path)]
        """
    )
    there = "client.with_options(base_url=f'{client.base_url}acme/acme-1').chat"
    project.edit("feature.py", "client.chat", there)
    project.record()

    lines = plan(project, "--llm-record=rewrite")

    assert lines[2].split()[:3] == ["test_doubles", "acme-1", "10"]


def test_a_plan_without_a_mode_fills_the_gaps(recorded: Project) -> None:
    result = recorded.run("--llm-plan")

    result.stdout.fnmatch_lines(["--llm-record=once would send nothing: everything is recorded"])


def test_a_plan_takes_no_workers(recorded: Project) -> None:
    result = recorded.run("--llm-plan", "-n2")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --llm-plan runs no test and takes no workers. Leave out*"])


@pytest.mark.parametrize("mode", ["once", "rewrite"])
def test_a_swap_that_would_meet_no_request_is_told_first(recorded: Project, mode: str) -> None:
    lines = plan(recorded, f"--llm-record={mode}", "--llm-swap=gpt-tset=gpt-other")

    assert lines[0] == "--llm-swap gpt-tset=gpt-other would meet no request; asked: gpt-test"


@pytest.mark.parametrize("swap", ["gpt-test=gpt-other", "gpt-test=gpt-test"])
def test_a_swap_that_would_meet_a_request_is_not_told(recorded: Project, swap: str) -> None:
    lines = plan(recorded, "--llm-record=rewrite", f"--llm-swap={swap}")

    assert "would meet no request" not in "\n".join(lines)


def test_several_models_that_would_meet_no_request_are_told_first(recorded: Project) -> None:
    lines = plan(recorded, "--llm-record=once", "--llm-models=gpt-tset,gpt-other")
    met = plan(recorded, "--llm-record=once", "--llm-models=gpt-other,gpt-test")

    assert lines[0] == "--llm-models gpt-tset,gpt-other would meet no request; asked: gpt-test"
    assert "would meet no request" not in "\n".join(met)


def test_a_swap_may_meet_a_request_of_which_nothing_is_known(project: Project) -> None:
    lines = plan(project, "--llm-record=once", "--llm-swap=gpt-tset=gpt-other")

    assert lines[0] == "10 tests are not recorded; what they would cost cannot be told"


def killed(project: Project) -> None:
    """Leave the recordings of a run that was killed after its third test."""
    project.pytester.makeconftest(
        """
        import os

        def pytest_runtest_logfinish(nodeid):
            if "three" in nodeid:
                os._exit(9)
        """
    )
    project.record("--llm-record=once", subprocess=True)
    (project.path / "conftest.py").unlink()


def test_what_a_killed_run_has_left_is_told_first(project: Project) -> None:
    killed(project)

    lines = plan(project, "--llm-record=once")
    result = project.record("--llm-record=once")

    assert lines[:2] == [
        "3 recordings wait in .llmprod/recording, left by a run that was killed: a",
        "  recording run picks them up first and may send less",
    ]
    assert len(project.server.requests) == 7
    result.stdout.fnmatch_lines(["*picked up 3 more from a run that was killed"])


def test_a_rewrite_sends_no_less_after_a_run_that_was_killed(project: Project) -> None:
    killed(project)

    lines = plan(project, "--llm-record=rewrite")

    assert lines[1] == "  recording run picks them up first"


@pytest.mark.parametrize("broken", ["cassette", "journal"])
def test_a_file_that_cannot_be_read_is_a_usage_error(recorded: Project, broken: str) -> None:
    path = recorded.cassette()
    if broken == "journal":
        path = recorded.path / ".llmprod" / "recording" / "run" / "main.jsonl"
        path.parent.mkdir(parents=True)
    path.write_text("broken\n")

    result = recorded.record("--llm-plan")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert str(path) in result.stderr.str()
    assert "INTERNALERROR" not in result.stdout.str()


def test_a_time_that_nobody_recorded_is_none(left_behind: Project) -> None:
    lines = plan(left_behind, "--llm-record=rewrite")

    assert lines[2].endswith(" -")
