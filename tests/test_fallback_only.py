"""`--llm-fallback-only`: the score of the answers without a model, beside that of the model."""

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_llmprod import cli

FEATURE = """
    import time
    from openai import OpenAI, OpenAIError

    def ask(word):
        with OpenAI(max_retries=2) as client:
            answer = client.chat.completions.create(
                model="gpt-test", messages=[{"role": "user", "content": f"Double: {word}"}]
            )
        return answer.choices[0].message.content

    def double(word):
        try:
            return ask(word)
        except OpenAIError:
            return by_rules(word)

    def by_rules(word):
        return f"{word} {word}" if len(word) == 3 else word
"""
EVAL = """
    import pytest
    from feature import ask, double

    @pytest.mark.llm_eval(feature="doubling", dataset="words.jsonl", threshold=0.9{more})
    def test_doubles({arguments}):
        assert {answer} == llm_case.expected
"""
WORDS = ("one", "two", "three", "four", "five", "six")


def write(
    pytester: pytest.Pytester,
    answer: str = "double(llm_case.input)",
    more: str = "",
    arguments: str = "llm_case",
) -> None:
    pytester.makepyfile(
        feature=FEATURE, test_words=EVAL.format(answer=answer, more=more, arguments=arguments)
    )
    rows = [{"id": word, "input": word, "expected": f"{word} {word}"} for word in WORDS]
    (pytester.path / "words.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def record(pytester: pytest.Pytester) -> None:
    """Record right answers of a model to all cases, and let the gate be written."""
    from loopback import provider

    def doubled(body: Any) -> str:
        word = body["messages"][0]["content"].removeprefix("Double: ")
        return f"{word} {word}"

    with provider(doubled) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_BASE_URL", server.url)
        patch.setenv("OPENAI_API_KEY", "sk-live-0123456789abcdefghijkl")
        pytester.runpytest_inprocess("--llm-eval", "--llm-record=once").assert_outcomes(passed=7)


def stored(path: Path) -> Any:
    return json.loads((path / "run.json").read_text())


def test_the_fallback_is_scored_beside_the_model(pytester: pytest.Pytester) -> None:
    write(pytester)
    record(pytester)
    gates = (pytester.path / "llmprod-gates.json").read_text()

    result = pytester.runpytest_inprocess(
        "--llm-fallback-only", "--llm-json=run.json", "--llm-markdown=run.md"
    )

    result.stdout.fnmatch_lines(
        [
            "no model, no requests",
            "gate doubling: not judged",
            "gates not written: --llm-fallback-only scores what is answered without a model",
            "fallback of doubling: 50.0% [[]18.8, 81.2] of 6; gpt-test-2026-01-01: 100.0%",
            "  [[]61.0, 100.0]",
        ]
    )
    assert result.ret == 0
    assert (pytester.path / "llmprod-gates.json").read_text() == gates
    (found,) = stored(pytester.path)["fallbacks"]
    assert (found["score"], found["model"], found["model_score"]) == (
        0.5,
        "gpt-test-2026-01-01",
        1.0,
    )
    assert stored(pytester.path)["suites"][0]["verdict"] is None
    assert "fallback of doubling&#58; 50.0%" in (pytester.path / "run.md").read_text()


def test_without_a_gate_nothing_is_known_of_the_model(pytester: pytest.Pytester) -> None:
    write(pytester)

    result = pytester.runpytest_inprocess("--llm-fallback-only", "-n2")

    result.stdout.fnmatch_lines(
        [
            "fallback of doubling: 50.0% [[]18.8, 81.2] of 6; of the model nothing is known:",
            "  run pytest --llm-eval",
        ]
    )


def test_a_score_by_other_data_stands_beside_nothing(pytester: pytest.Pytester) -> None:
    write(pytester)
    record(pytester)
    with (pytester.path / "words.jsonl").open("a") as file:
        file.write('{"id": "ten", "input": "ten", "expected": "ten ten"}\n')

    result = pytester.runpytest_inprocess("--llm-fallback-only")

    result.stdout.fnmatch_lines(["fallback of doubling: 57.1% * nothing is known*"])


def test_an_application_without_a_fallback_fails_its_cases(pytester: pytest.Pytester) -> None:
    write(pytester, answer="ask(llm_case.input)")
    record(pytester)

    result = pytester.runpytest_inprocess("--llm-fallback-only", "--llm-json=run.json")

    assert result.ret == 1
    assert stored(pytester.path)["suites"][0]["errors"] == len(WORDS)
    result.stdout.fnmatch_lines(["fallback of doubling: 0.0% *"])
    result.stdout.fnmatch_lines(
        [
            "doubling: every case ended in an error; let its eval call what has the fallback",
        ]
    )
    text = result.stdout.str()
    assert text.count("\nfeature.py:") == 1  # one traceback, and not one for each case
    # In CI pytest's short summary, at the end, has the whole messages once more.
    told = text.partition("short test summary")[0]
    assert told.count("as in test_doubles[one] above") == len(WORDS) - 1


def test_a_task_and_its_retries_take_no_time(pytester: pytest.Pytester) -> None:
    write(
        pytester,
        answer="llm_output",
        arguments="llm_case, llm_output",
        more=", task=slow",
    )
    source = (pytester.path / "test_words.py").read_text()
    slow = "def slow(word):\n    time.sleep(600)\n    return double(word)\n\n\n"
    source = source.replace("@pytest", f"{slow}@pytest").replace(
        "import pytest", "import pytest, time"
    )
    (pytester.path / "test_words.py").write_text(source)

    result = pytester.runpytest_inprocess("--llm-fallback-only")

    result.stdout.fnmatch_lines(["fallback of doubling: 50.0% *"])


def test_no_budget_is_judged_by_what_nobody_answered(pytester: pytest.Pytester) -> None:
    write(pytester)
    source = (pytester.path / "test_words.py").read_text()
    budget = '@pytest.mark.llm_budget("count(requests) < 1")\n'
    (pytester.path / "test_words.py").write_text(source.replace("@pytest", f"{budget}@pytest", 1))

    result = pytester.runpytest_inprocess("--llm-fallback-only", "--llm-strict")

    assert result.ret == 0
    result.stdout.no_fnmatch_line("*count(requests)*")


def test_answers_that_are_given_are_no_fallback(pytester: pytest.Pytester) -> None:
    write(
        pytester,
        answer="llm_output",
        arguments="llm_case, llm_output",
        more=', outputs="answers.jsonl"',
    )
    rows = [{"id": word, "output": "?"} for word in WORDS]
    (pytester.path / "answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    result = pytester.runpytest_inprocess("--llm-fallback-only", "--llm-json=run.json")

    result.stdout.no_fnmatch_line("fallback of*")
    assert stored(pytester.path)["fallbacks"] == []


@pytest.mark.parametrize(
    "option", ["--llm-record=once", "--llm-model=a", "--llm-swap=a=b", "--llm-models=a,b"]
)
def test_options_that_say_how_a_model_is_asked_are_refused(
    pytester: pytest.Pytester, option: str
) -> None:
    write(pytester)

    result = pytester.runpytest_inprocess("--llm-fallback-only", option)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--llm-fallback-only asks no model, and --llm-*"])


def test_there_is_nothing_to_plan(pytester: pytest.Pytester) -> None:
    write(pytester)

    result = pytester.runpytest_inprocess("--llm-fallback-only", "--llm-plan")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--llm-plan says what a recording run would ask*"])


def test_such_a_run_is_no_baseline(
    pytester: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    write(pytester)
    pytester.runpytest_inprocess("--llm-fallback-only", "--llm-json=run.json")

    assert cli.main(["accept", "run.json", "--who", "me", "--why", "so"]) != 0
    assert "--llm-fallback-only" in capsys.readouterr().err
