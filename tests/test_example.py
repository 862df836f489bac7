"""The example as its README tells it: green from its recordings, with both models."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the examples in which a run may write its gates."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "LLMPROD_GATES", "TRIAGE_MODEL"):
        monkeypatch.delenv(name, raising=False)
    ignore = shutil.ignore_patterns("llmprod-gates.json", "__pycache__", ".pytest_cache")
    shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=ignore)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    return tmp_path


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "--llm-eval", "--llm-json=run.json", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_the_examples_are_green_from_the_repository_root(examples: Path) -> None:
    result = run(examples, "examples")

    suites = json.loads((examples / "run.json").read_text())["suites"]
    assert result.returncode == 0, result.stdout
    assert {suite["feature"]: suite["hits"] for suite in suites} == {
        "ticket-triage": 206,
        "ticket-urgency": 195,
    }
    assert all(suite["cases"] == 220 and suite["source"] == "replayed" for suite in suites)
    assert all(suite["unpriced"] == 0 and float(suite["cost_usd"]) > 0 for suite in suites)


def test_another_model_is_judged_without_a_change_in_the_code(examples: Path) -> None:
    folder = examples / "examples" / "support_triage"

    result = run(folder, "--llm-swap=gpt-5-mini=gpt-5-nano")

    suites = json.loads((folder / "run.json").read_text())["suites"]
    assert result.returncode == 1
    assert {suite["model"] for suite in suites} == {"gpt-5-nano-2025-08-07"}
    assert not (folder / "llmprod-gates.json").exists()
    assert "gates not written: --llm-swap asks another model" in result.stdout
    assert "  pytest --llm-eval --llm-swap=gpt-5-mini=gpt-5-nano \\\n" in result.stdout


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
