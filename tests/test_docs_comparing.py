"""The page on comparing: its outputs and its policy are those of real commands."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from pytest_llmprod.cli import main

PAGE = (Path(__file__).parent.parent / "docs" / "comparing.md").read_text(encoding="utf-8")
BROKEN = ("t-003", "t-017", "t-020", "t-044", "t-051", "t-102", "t-130", "t-131", "t-199")
FIXED = ("t-101",)
NEITHER = tuple(f"t-{number:03d}" for number in range(60, 70))


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


def stored(path: Path, wrong: tuple[str, ...], cost: str, latency_s: float) -> str:
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
    cases: list[dict[str, Any]] = []
    for name in (f"t-{number:03d}" for number in range(200)):
        outcome, score = ("miss", 0.0) if name in wrong else ("hit", 1.0)
        row = {"suite": "t.py::test_a", "id": name, "outcome": outcome, "output": None}
        row["scores"] = {"passed": score}
        cases.append({**row, "cost_usd": cost, "latency_s": latency_s})
    path.write_text(json.dumps({"schema": 1, "suites": [suite], "cases": cases}))
    return str(path)


def test_the_comparison_on_the_page_is_what_the_command_prints(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = stored(tmp_path / "old.json", (*FIXED, *NEITHER), cost="0.0010", latency_s=0.5)
    new = stored(tmp_path / "new.json", (*BROKEN, *NEITHER), cost="0.0002", latency_s=0.3)

    status = main(["compare", old, new, "--margin=0.005"])

    assert capsys.readouterr().out == block("text")
    assert status == 1


def test_the_policy_on_the_page_is_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = stored(tmp_path / "run.json", (), cost="0", latency_s=0.1)
    path = tmp_path / "strict.toml"
    path.write_text(block("toml"), encoding="utf-8")

    assert main(["decide", run, f"--policy={path}"]) == 0
    assert capsys.readouterr().out.startswith("ticket-triage: PASS; 200/200 = 100.0% (99% interval")
