"""Stored runs for tests: what `--llm-json` writes, made from scores."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def case(case_id: str, score: float | None, *, suite: str = "t.py::test_a", **more: Any) -> Any:
    """One case of a stored run; a score of None stands for an error."""
    outcome = "error" if score is None else "hit" if score else "miss"
    scores = {} if score is None else {"passed": score}
    row = {"suite": suite, "id": case_id, "outcome": outcome, "scores": scores, "output": None}
    return {**row, "cost_usd": None, "latency_s": None, **more}


def suite(test: str = "t.py::test_a", **more: Any) -> Any:
    row = {"feature": "triage", "test": test, "metric": "passed", "model": "gpt", "threshold": 0.5}
    row |= {"confidence": 0.95, "verdict": "PASS", "reason": "fine"}
    return {**row, **more}


def document(cases: Sequence[Any], suites: Sequence[Any] | None = None) -> dict[str, Any]:
    return {"schema": 1, "suites": list(suites or [suite()]), "cases": list(cases)}


def write(path: Path, scores: Mapping[str, float | None]) -> Path:
    """Write a run of one suite."""
    cases = [case(name, score) for name, score in scores.items()]
    path.write_text(json.dumps(document(cases)), encoding="utf-8")
    return path
