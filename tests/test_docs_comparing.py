"""The page on comparing: its outputs and its policy are those of real commands."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_llmprod.cli import main

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "comparing.md").read_text(encoding="utf-8")


def block(language: str, number: int = 0) -> str:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)[number]


def commands() -> list[list[str]]:
    """Return the three commands whose output the page shows, as words."""
    found = re.search(r"```\n(pytest .*?)```", PAGE, re.DOTALL)
    assert found is not None
    return [shlex.split(line) for line in found[1].splitlines()]


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the example, in whose folder the commands are called."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "TRIAGE_MODEL"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "support_triage"
    shutil.copytree(ROOT / "examples" / "support_triage", folder)
    monkeypatch.chdir(folder)
    return folder


def test_the_comparison_on_the_page_is_what_the_example_prints(
    example: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    *runs, compare = commands()
    for run in runs:
        subprocess.run([sys.executable, "-m", *run], cwd=example, capture_output=True, check=True)

    status = main(compare[1:])

    assert capsys.readouterr().out == block("text")
    assert status == 1


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


LABELS = {"a": "refund", "b": "billing"}
MODELS = {"a": "gpt-5-mini", "b": "gpt-5-nano"}
# Of the 18 long texts, six of the nine that broke: the tag loses a third, the whole four points.
LONG = (*BROKEN[:6], *(f"t-{number:03d}" for number in range(140, 152)))


def swap_run(path: Path) -> str:
    """A stored run of both models, in which the new one takes what the page says."""
    suites, cases = [], []
    for side, model in MODELS.items():
        test = f"t.py::test_a[{model}]"
        wrong = (*(FIXED if side == "a" else BROKEN), *NEITHER)
        suites.append(
            {
                "feature": "ticket-triage",
                "test": test,
                "metric": "passed",
                "model": model,
                "threshold": 0.9,
                "confidence": 0.95,
                "verdict": "PASS",
                "reason": "fine",
                "asked_model": model,
                "margin": 0.005,
            }
        )
        for name in (f"t-{number:03d}" for number in range(200)):
            is_wrong = name in wrong
            label = LABELS["b" if is_wrong else "a"]
            cases.append(
                {
                    "suite": test,
                    "id": name,
                    "outcome": "miss" if is_wrong else "hit",
                    "scores": {"passed": float(not is_wrong)},
                    "output": {"label": label},
                    "expected": {"label": "refund"},
                    "tags": ["long"] if name in LONG else [],
                    "cost_usd": "0.0010" if side == "a" else "0.0002",
                    "latency_s": 0.5 if side == "a" else 0.3,
                    "tokens": 100 if side == "a" else 90,
                    "why": f"assert {label!r} == 'refund'" if is_wrong else "",
                }
            )
    run = {"id": "run-1", "started_at": "2026-11-26", "models": list(MODELS.values())}
    path.write_text(json.dumps({"schema": 1, "run": run, "suites": suites, "cases": cases}))
    return str(path)


def test_the_comparison_of_models_on_the_page_is_what_the_command_prints(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["compare", swap_run(tmp_path / "swap.json")])

    assert capsys.readouterr().out == block("text", 1)
    assert status == 1


def test_both_answers_on_the_page_are_what_the_command_prints(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["compare", swap_run(tmp_path / "swap.json"), "--show", "t-003"])

    assert capsys.readouterr().out == block("text", 2)
    assert status == 0


def test_what_accepting_prints_on_the_page_is_what_the_command_prints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "run.json"
    stored(path, (), cost="0", latency_s=0.1)
    run = json.loads(path.read_text())
    path.write_text(json.dumps({**run, "run": {"id": "run-1", "started_at": "2026-11-26"}}))
    (tmp_path / "t.py").write_text("def test_a(): ...")
    monkeypatch.chdir(tmp_path)

    status = main(["accept", str(path), "-m", "new prompt", "--who", "Ann"])

    assert capsys.readouterr().out == block("text", 3)
    assert status == 0
