"""Outages: what a run says of tests that nobody answered, and that it judges nothing by them."""

from pathlib import Path
from typing import Any

import pytest
from loopback import Refused
from project import Project

DEAD = "http://127.0.0.1:9/v1"
PLAIN = """
    import pytest
    from feature import ask

    @pytest.mark.llm_cassette
    @pytest.mark.parametrize("word", ["one", "two"])
    def test_plain(word):
        assert ask(word)
"""


FEATURE = """
    from openai import OpenAI

    def ask(word, model="gpt-test"):
        with OpenAI(max_retries=0, base_url=None) as client:
            messages = [{"role": "user", "content": f"Double this word: {word}"}]
            answer = client.chat.completions.create(model=model, messages=messages)
        return answer.choices[0].message.content
"""


@pytest.fixture
def project(project: Project) -> Project:
    """A project whose feature closes its client whatever happens."""
    project.pytester.makepyfile(feature=FEATURE)
    return project


def kill(project: Project) -> None:
    """Have the application ask where nobody is."""
    project.edit("feature.py", "base_url=None", f"base_url={DEAD!r}")


def summary(result: pytest.RunResult) -> list[str]:
    """The lines of our section, without the rest of pytest's."""
    lines = result.outlines
    start = next(number for number, line in enumerate(lines) if "= llmprod =" in line)
    end = next(n for n, line in enumerate(lines) if n > start and line.startswith("===="))
    return lines[start + 1 : end]


def test_the_page_on_recordings_shows_what_an_outage_prints(recorded: Project) -> None:
    page = Path(__file__).parents[1] / "docs" / "recording.md"
    recorded.pytester.makepyfile(test_plain=PLAIN)
    kill(recorded)

    lines = summary(recorded.record("--llm-record=rewrite"))

    start = lines.index("12 tests got no answer: ConnectError")
    shown = "\n".join(lines[start : start + 2])
    assert f"```\n{shown}\n```" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("arguments", ["rewrite", "all -n2", "verify"])
def test_the_command_after_an_outage_asks_again_in_the_same_mode(
    recorded: Project, arguments: str
) -> None:
    mode, *rest = arguments.split()
    before = recorded.cassette().read_bytes()
    kill(recorded)

    result = recorded.record(f"--llm-record={mode}", *rest, subprocess=bool(rest))

    lines = summary(result)
    start = lines.index("10 tests got no answer: ConnectError")
    command = f"pytest --llm-eval --llm-record={mode}"
    assert lines[start + 1] == f"once that is mended, ask again with: {command}"
    assert "record what is missing" not in result.stdout.str()
    assert recorded.cassette().read_bytes() == before


def test_the_traceback_of_an_outage_is_printed_once(recorded: Project) -> None:
    kill(recorded)

    result = recorded.record("--llm-record=rewrite")

    errors = [line for line in result.outlines if line.startswith("E ")]
    assert sum("openai.APIConnectionError" in line for line in errors) == 1
    start = "APIConnectionError: Connection error., as in test_doubles[one] above"
    assert [line for line in result.outlines if line == start] == [start] * 9


def test_other_errors_of_a_recording_run_are_all_printed(recorded: Project) -> None:
    recorded.edit("feature.py", "return answer.choices", "raise KeyError(word)  #")

    text = recorded.record("--llm-record=rewrite").stdout.str()

    assert text.count("raise KeyError(word)") == 10
    assert ", as in test_doubles" not in text


def test_a_failure_is_no_answer_that_tells_no_usage(recorded: Project) -> None:
    (recorded.path / "llmprod.prices.toml").write_text(
        "[[models]]\nprovider = 'openai'\nmodel = 'gpt-test'\n"
        "input = '1'\ncached = '1'\noutput = '10'\n"
    )
    recorded.edit("feature.py", "base_url=None", f"base_url={DEAD!r} if word == 'two' else None")

    result = recorded.record("--llm-record=rewrite")

    text = "\n".join(summary(result))
    assert "usage" not in text
    assert "$0.0180 " in text
    assert "1 test got no answer: ConnectError" in text


def no_such_model(body: dict[str, Any]) -> str:
    message = f"The model `{body['model']}` does not exist or you do not have access to it."
    raise Refused(404, message=message, type="invalid_request_error", code="model_not_found")


def no_such_model_in_responses(body: dict[str, Any]) -> str:
    raise Refused(400, message="does not exist.", param="model", code="model_not_found")


@pytest.mark.parametrize(
    ("refuse", "status"), [(no_such_model, 404), (no_such_model_in_responses, 400)]
)
def test_a_model_that_the_provider_does_not_know_is_not_judged(
    recorded: Project, refuse: Any, status: int
) -> None:
    gates = recorded.gates()
    recorded.server.answer = refuse

    result = recorded.record("--llm-record=once", "--llm-swap=gpt-test=gpt-6")

    reason = f"status {status}, no model gpt-6 at this address"
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    lines = summary(result)
    assert lines[1].split()[-3:] == ["judged", "-", "-"]
    assert "gate doubling: not judged; 10 cases got no answer" in lines
    assert f"10 tests got no answer: {reason}" in lines
    assert "FAIL" not in "\n".join(lines)
    name = "test_words.py::test_doubles::answered"
    assert any(line.startswith(f"FAILED {name} - ") for line in result.outlines)
    assert any(
        line.startswith(f"10 cases got no answer from a model ({reason}).")
        for line in result.outlines
    )
    assert recorded.gates() == gates
    assert not recorded.cassette("gpt-6").exists()


def test_a_model_that_is_gone_closes_no_gate_where_a_fallback_hides_it(recorded: Project) -> None:
    gates = recorded.gates()
    recorded.server.answer = no_such_model
    recorded.edit(
        "test_words.py",
        "    assert ask(llm_case.input) == llm_case.expected",
        "    try:\n        ask(llm_case.input)\n    except Exception:\n        assert False",
    )

    result = recorded.record("--llm-record=rewrite")

    assert "gate doubling: not judged; 10 cases got no answer" in result.outlines
    assert recorded.gates() == gates


def test_a_run_that_records_without_a_key_does_not_judge_what_a_fallback_answers(
    recorded: Project,
) -> None:
    gates = recorded.gates()
    recorded.edit(
        "test_words.py",
        "    assert ask(llm_case.input) == llm_case.expected",
        "    try:\n        ask(llm_case.input)\n    except Exception:\n        pass",
    )

    result = recorded.run("--llm-record=all")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert "gate doubling: not judged; 10 cases got no answer" in result.outlines
    assert any(
        line.startswith("10 cases got no answer from a model. ") and "Mend the key" in line
        for line in result.outlines
    )
    assert "record what is missing" not in result.stdout.str()
    assert recorded.gates() == gates


def test_a_404_of_something_that_is_no_model_is_an_answer(project: Project) -> None:
    project.server.answer = no_such_model
    project.pytester.makepyfile(
        feature="""
        import httpx2, os

        def ask(word):
            url = f"{os.environ['OPENAI_BASE_URL']}/pages/{word}"
            with httpx2.Client() as client:
                answer = client.post(url, json={"model": "m"})
            return f"{word} {word}" if answer.status_code == 404 else ""
        """
    )

    result = project.record()

    assert result.ret == pytest.ExitCode.OK
    assert "gate doubling: open" in result.stdout.str()


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_tests_that_are_no_evals_say_it_too(project: Project, workers: str) -> None:
    project.pytester.makepyfile(test_words=PLAIN)
    kill(project)

    result = project.record("--llm-record=once", workers, subprocess=workers == "-n2")

    assert summary(result) == [
        "2 tests got no answer: ConnectError",
        "once that is mended, ask again with: pytest --llm-eval --llm-record=once",
    ]


def test_a_quiet_run_says_it_in_its_line(project: Project) -> None:
    project.pytester.makepyfile(test_words=PLAIN)
    kill(project)

    result = project.record("--llm-record=once", "-q")

    assert "llmprod: 2 tests got no answer: ConnectError" in result.outlines


def test_a_test_that_handles_an_outage_is_no_outage(project: Project) -> None:
    project.pytester.makepyfile(
        test_words="""
        import openai, pytest
        from feature import ask

        @pytest.mark.llm_cassette
        def test_says_that_nobody_is_there():
            with pytest.raises(openai.APIConnectionError):
                ask("one")
        """
    )
    kill(project)

    result = project.record("--llm-record=once")

    assert result.ret == pytest.ExitCode.OK
    assert summary(result) == ["recorded 1 request in 1 cassette"]


def test_a_key_that_is_not_there_is_named_as_the_reason(project: Project) -> None:
    result = project.run("--llm-record=once")

    reason = "recording needs OPENAI_API_KEY, which is not set"
    assert f"10 tests got no answer: {reason}" in summary(result)


def test_a_key_that_a_task_misses_is_told_once_with_a_count(project: Project) -> None:
    project.edit("test_words.py", "threshold=0.5", "threshold={'exact': 0.5}, task=ask")
    project.edit("test_words.py", "    assert ask(llm_case.input) == llm_case.expected", "    pass")

    result = project.run("--llm-record=once")

    reason = "recording needs OPENAI_API_KEY, which is not set"
    assert result.outlines.count(reason) == 1
    assert result.outlines.count(f"{reason}, as in test_doubles[one] above") == 9
    assert f"10 tests got no answer: {reason}" in summary(result)
