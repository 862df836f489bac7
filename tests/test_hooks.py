"""Each hook that other plugins may implement, with the example that the docs show."""

import json
import re
from pathlib import Path

import pytest
from loopback import last_word_doubled
from project import Project

from pytest_llmprod import hookspecs

DOCS = Path(__file__).parents[1] / "docs" / "hooks.md"


def example(hook: str, number: int = 0) -> str:
    """A code block below the heading of a hook in the docs."""
    text = DOCS.read_text(encoding="utf-8")
    section = re.search(rf"^## `{hook}`$(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    assert section, f"docs/hooks.md has no section on {hook}"
    return re.findall(r"```python\n(.*?)```", section[1], re.DOTALL)[number]


def test_the_docs_show_an_example_of_each_hook() -> None:
    hooks = [name for name in vars(hookspecs) if name.startswith("pytest_llmprod_")]

    assert len(hooks) == 7
    for hook in hooks:
        assert f"def {hook}(" in example(hook)


def test_dialects(recorded: Project) -> None:
    recorded.pytester.makeconftest(example("pytest_llmprod_dialects"))
    call = "client.post('/generate', body={'model': 'acme-1', 'prompt': word}, cast_to=object)"
    recorded.edit("feature.py", "answer = client", f"{call}\n    answer = client")
    recorded.server.answer = lambda body: "yes" if "prompt" in body else last_word_doubled(body)

    recorded.record()
    document = json.loads(recorded.cassette("acme-1").read_text())

    facts = document["interactions"][0]["llmprod"]
    assert facts["usage"]["input_tokens"] == 1000
    assert recorded.run().ret == pytest.ExitCode.OK


def test_a_dialect_of_a_host_that_speaks_the_wire_of_another(recorded: Project) -> None:
    dialects = example("pytest_llmprod_dialects", 1).replace("llm.acme.example", "openai.com")
    exchanges = example("pytest_llmprod_exchange").replace("exchange.model", "exchange.provider")
    recorded.pytester.makeconftest(f"{dialects}\n{exchanges}")

    result = recorded.run()

    lines = (recorded.path / "slow.txt").read_text().splitlines()
    assert result.ret == pytest.ExitCode.OK
    assert {line.split()[0] for line in lines} == {"acme"}


def test_a_changed_prompt_is_told_as_such_where_a_dialect_has_a_host(project: Project) -> None:
    dialects = example("pytest_llmprod_dialects", 1).replace("llm.acme.example", "127.0.0.1")
    project.pytester.makeconftest(dialects)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_BASE_URL", project.server.url)
        project.record()
        project.edit("feature.py", "Double this", "Double that")

        result = project.run()

    result.stdout.fnmatch_lines(["No recording: prompt changed in messages?0?.content"])


def test_metrics(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(example("pytest_llmprod_metrics"))
    pytester.makefile(".jsonl", data='{"id": 1, "expected": "fig apple"}')
    pytester.makefile(".jsonl", answers='{"id": 1, "output": "apple pear"}')
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.llm_eval(feature="f", dataset="data.jsonl", outputs="answers.jsonl",
                              threshold={"shared_words": 0.3})
        def test_words(llm_case):
            pass
        """
    )

    pytester.runpytest_inprocess("--llm-eval", "--llm-json=run.json")

    suite = json.loads((pytester.path / "run.json").read_text())["suites"][0]
    assert suite["score"] == 0.5


def test_scanners(project: Project) -> None:
    project.pytester.makeconftest(example("pytest_llmprod_scanners"))
    project.edit("feature.py", "Double this word:", "Customer 12345678 says:")

    project.record()
    replayed = project.run()

    text = project.cassette().read_text()
    assert "12345678" not in text
    assert "[masked customer number]" in text
    assert replayed.ret == pytest.ExitCode.OK


def test_prices(recorded: Project) -> None:
    recorded.pytester.makeconftest(
        example("pytest_llmprod_prices").replace("our-own-model", "gpt-test-2026-01-01")
    )

    suite = recorded.data()["suites"][0]

    assert suite["unpriced"] == 0
    assert suite["cost_usd"] == "0.0016"


def test_exchange(recorded: Project) -> None:
    recorded.pytester.makeconftest(example("pytest_llmprod_exchange"))

    recorded.run()

    lines = (recorded.path / "slow.txt").read_text().splitlines()
    assert len(lines) == 10
    assert lines[0].startswith("gpt-test-2026-01-01 ")


def test_verdict(recorded: Project) -> None:
    recorded.pytester.makeconftest(example("pytest_llmprod_verdict"))

    result = recorded.run()

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*closed: FAIL, 10 cases are too few, we ask for 50*"])
    assert recorded.gates()["doubling"]["enabled"] is False


def test_summary(recorded: Project) -> None:
    recorded.pytester.makeconftest(example("pytest_llmprod_summary"))

    result = recorded.run()

    result.stdout.fnmatch_lines(["10 requests in all; dashboard: https://dash.example.com/llm"])
