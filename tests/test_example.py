"""The example as its README tells it: green from its recordings, with both models."""

import importlib
import json
import re
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import warm
from checkout import check_out

from pytest_llmprod.cli import main
from pytest_llmprod.core.drilling import NOT_MET
from pytest_llmprod.core.fault_names import GROUPS
from pytest_llmprod.faults.catalogue import DRILLED

ROOT = Path(__file__).parents[1]
README = (ROOT / "examples" / "support_triage" / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the examples in which a run may write its gates."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "LLMPROD_GATES", "TRIAGE_MODEL"):
        monkeypatch.delenv(name, raising=False)
    check_out(tmp_path / "examples", source=ROOT / "examples")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    return tmp_path


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["-m", "pytest", "--llm-eval", "--llm-json=run.json", *arguments]
    return warm.run(command, cwd=folder)


def swap_command() -> list[str]:
    """Return the command with which the README compares the two models, as words."""
    found = re.search(r"```\n(pytest --llm-eval --llm-models[^`\n]*)\n```", README)
    assert found is not None
    return shlex.split(found[1])


def test_the_examples_are_green_from_the_repository_root(examples: Path) -> None:
    result = run(examples, "examples")

    document = json.loads((examples / "run.json").read_text())
    suites = document["suites"]
    assert result.returncode == 0, result.stdout
    assert {suite["feature"]: suite["hits"] for suite in suites} == {
        "ticket-triage": 206,
        "ticket-urgency": 195,
    }
    assert all(suite["cases"] == 220 and suite["source"] == "replayed" for suite in suites)
    assert all(suite["unpriced"] == 0 and float(suite["cost_usd"]) > 0 for suite in suites)
    drills = document["drills"]
    assert {row["fault"] for row in drills} == set(DRILLED)
    assert [row for row in drills if row["findings"]] == []
    # It streams nothing.
    assert {row["group"] for row in drills if row["outcome"] != NOT_MET} == {*GROUPS, "gate"} - {
        "stream"
    }


def test_another_model_is_judged_without_a_change_in_the_code(examples: Path) -> None:
    folder = examples / "examples" / "support_triage"

    result = run(folder, "--llm-swap=gpt-5-mini=gpt-5-nano")

    suites = json.loads((folder / "run.json").read_text())["suites"]
    assert result.returncode == 0
    assert {suite["model"] for suite in suites} == {"gpt-5-nano-2025-08-07"}
    assert not (folder / "llmprod-gates.json").exists()
    assert "gates not written: --llm-swap asks another model" in result.stdout
    assert "  pytest --llm-eval --llm-swap=gpt-5-mini=gpt-5-nano \\\n" in result.stdout


def test_the_swap_finds_the_slice_on_which_the_cheaper_model_fails(examples: Path) -> None:
    folder = examples / "examples" / "support_triage"

    result = run(folder, *swap_command()[2:])

    suites = json.loads((folder / "run.json").read_text())["swaps"]
    by_feature = {suite["feature"]: suite for suite in suites}
    inferior = [
        (suite["feature"], part["tag"])
        for suite in suites
        for part in suite["slices"]
        if part["verdict"] == "INFERIOR"
    ]
    assert result.returncode == 1
    assert "FAILED test_triage.py::test_labels_a_ticket::swap[gpt-5-nano]" in result.stdout
    assert inferior == [("ticket-triage", "de")]
    assert all(suite["verdict"] != "INFERIOR" for suite in suites)
    assert all(suite["cost_ratio"] < 0.25 for suite in suites)
    assert all(suite["p95_latency_ratio"] < 0.9 for suite in suites)
    german = [part for part in by_feature["ticket-triage"]["slices"] if part["tag"] == "de"]
    assert len(german[0]["newly_broken"]) == 15


def test_the_readme_shows_what_the_comparison_says_of_the_slice() -> None:
    shown = re.search(r"```text\n(.*?)```", README, re.DOTALL)
    page = (ROOT / "docs" / "comparing.md").read_text(encoding="utf-8")

    assert shown is not None
    assert shown[1] in page  # which a test compares with what the command prints


def test_the_scripted_model_misreads_tickets_that_are_german_by_their_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = ROOT / "examples" / "support_triage"
    monkeypatch.syspath_prepend(folder)
    model = importlib.import_module("scripted.model")
    nano = model.CHARACTERS["gpt-5-nano"]
    reads_german = replace(nano, misreads_german=0.0)
    lines = (folder / "evals" / "tickets.jsonl").read_text(encoding="utf-8").splitlines()
    texts = [json.loads(line)["input"]["text"] for line in lines]

    changed = [t for t in texts if model.label_for(nano, t) != model.label_for(reads_german, t)]

    languages = [model.words.language_of(text) for text in changed]
    assert languages == ["de"] * 15


def test_the_tickets_are_frozen_and_in_order(
    examples: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(examples / "examples" / "support_triage")
    check = shlex.split(next(line for line in README.splitlines() if "dataset check" in line))
    freeze = shlex.split(next(line for line in README.splitlines() if "dataset freeze" in line))

    assert main(check[1:]) == 0
    assert "220 cases, frozen 2026-11-26 by the example's authors" in capsys.readouterr().out
    assert main([*check[1:], "--margin=0.05"]) == 1
    assert "347 are needed so that a score of 0.9 passes 0.85" in capsys.readouterr().out
    assert main(freeze[1:]) == 0
    assert "nothing changed, nothing written" in capsys.readouterr().out


def test_the_application_reads_the_gate_that_the_run_wrote(examples: Path) -> None:
    folder = examples / "examples" / "support_triage"
    run(folder)
    script = "from pytest_llmprod.gates import gate; print(gate('ticket-triage').enabled)"

    def ask() -> str:
        command = [sys.executable, "-c", script]
        return subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=True
        ).stdout.strip()

    as_written = ask()
    with (folder / "evals" / "tickets.jsonl").open("a") as file:
        file.write("\n")

    assert as_written == "True"
    assert ask() == "False"


def test_a_threshold_above_the_score_fails_the_gate_alone(examples: Path) -> None:
    path = examples / "examples" / "support_triage" / "test_triage.py"
    path.write_text(path.read_text().replace("threshold=0.90", "threshold=0.97"))

    result = run(examples, "examples", "-rf")

    failed = [line for line in result.stdout.splitlines() if line.startswith("FAILED")]
    assert result.returncode == 1
    assert len(failed) == 1
    assert "::gate" in failed[0]
