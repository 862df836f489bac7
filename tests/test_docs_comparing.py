"""The page on comparing: its outputs and its policy are those of real commands."""

import json
import os
import re
import shlex
from pathlib import Path

import pytest
import warm
from checkout import check_out

from pytest_llmprod.cli import main

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "comparing.md").read_text(encoding="utf-8")


def block(language: str, number: int = 0) -> str:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)[number]


def commands(first: str) -> list[list[str]]:
    """Return the commands of the block that begins with `first`, as words."""
    found = re.search(rf"```\n({re.escape(first)}.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return [shlex.split(line) for line in found[1].splitlines()]


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the example with the runs of the page: old.json, new.json, swap.json, run.json."""
    folder = tmp_path_factory.mktemp("runs") / "support_triage"
    check_out(folder)
    names = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "TRIAGE_MODEL")
    environ = {name: value for name, value in os.environ.items() if name not in names}
    old, new, _ = commands("pytest --llm-eval --llm-json=old.json")
    _, swap = commands("pytest --llm-eval --llm-models")
    run, _ = commands("pytest --llm-eval --llm-json=run.json")
    for words in (old, new, swap, run):
        warm.run(["-m", *words], cwd=folder, env=environ)
    return folder


@pytest.fixture
def example(stored: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The example, in whose folder the commands are called."""
    monkeypatch.chdir(stored)
    return stored


@pytest.mark.usefixtures("example")
def test_the_comparison_on_the_page_is_what_the_example_prints(
    capsys: pytest.CaptureFixture[str],
) -> None:
    *_, compare = commands("pytest --llm-eval --llm-json=old.json")

    status = main(compare[1:])

    assert capsys.readouterr().out == block("text")
    assert status == 1


@pytest.mark.usefixtures("example")
def test_a_run_of_both_models_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["compare", "swap.json"])

    asked = block("text").replace("-2025-08-07", "")  # such a run names what it asks
    assert capsys.readouterr().out == asked
    assert status == 1


@pytest.mark.usefixtures("example")
def test_both_answers_on_the_page_are_what_the_example_prints(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ((_, *words),) = commands("llmprod compare swap.json --show")

    status = main(words)

    assert capsys.readouterr().out == block("text", 1)
    assert status == 0


def test_what_accepting_prints_on_the_page_is_what_the_example_prints(
    example: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, (_, *words) = commands("pytest --llm-eval --llm-json=run.json")

    status = main([*words, "--who", "Ann"])

    assert capsys.readouterr().out == block("text", 2)
    assert status == 0
    history = (example / "llmprod-history.jsonl").read_text()
    kinds = [json.loads(line)["kind"] for line in history.splitlines()]
    assert kinds.count("accepted") == 1


def test_the_policy_on_the_page_is_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    suite = {
        "feature": "ticket-triage",
        "test": "t.py::test_a",
        "metric": "passed",
        "model": "m",
        "threshold": 0.9,
        "confidence": 0.95,
        "verdict": "PASS",
        "reason": "fine",
    }
    row = {"suite": "t.py::test_a", "outcome": "hit", "output": None, "scores": {"passed": 1.0}}
    facts = {"cost_usd": "0", "latency_s": 0.1}
    cases = [{**row, **facts, "id": f"t-{number:03d}"} for number in range(200)]
    run = tmp_path / "run.json"
    run.write_text(json.dumps({"schema": 1, "suites": [suite], "cases": cases}))
    policy = tmp_path / "strict.toml"
    policy.write_text(block("toml"), encoding="utf-8")

    assert main(["decide", str(run), f"--policy={policy}"]) == 0
    assert capsys.readouterr().out.startswith("ticket-triage: PASS; 200/200 = 100.0% (99% interval")
