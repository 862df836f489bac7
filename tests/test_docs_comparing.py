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


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


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
