"""Runs as reports receive them."""

from dataclasses import fields
from decimal import Decimal
from typing import Any

from pytest_llmprod.core.budget_result import BudgetResult, MonthResult
from pytest_llmprod.core.checklist import Audit, AuditLine
from pytest_llmprod.core.drilling import DrillResult
from pytest_llmprod.core.growth import Growth, Moved
from pytest_llmprod.core.results import CaseResult, RunResult, SuiteResult, Unanswered
from pytest_llmprod.core.scorecard import Gate, Paired, Rate, ScorecardResult
from pytest_llmprod.core.verdict import Verdict

PASS = Verdict(name="PASS", reason="reaches the threshold", is_open=True)
FAIL = Verdict(
    name="FAIL",
    reason="is below the threshold",
    is_open=False,
    advice="the score is below the threshold",
)
UNSURE = Verdict(
    name="INCONCLUSIVE",
    reason="spans the threshold",
    is_open=True,
    advice="93.6% reaches 90%, about 42 more cases make it PASS",
)


def suite_result(**changes: Any) -> SuiteResult:
    values: dict[str, Any] = {
        "feature": "triage",
        "test": "test_triage.py::test_labels",
        "metric": "passed",
        "models": ("gpt-5-mini",),
        "cases": 220,
        "cases_in_dataset": 220,
        "hits": 206.0,
        "errors": 0,
        "unrecorded": 0,
        "skipped": 0,
        "score": 206 / 220,
        "interval": (0.896032, 0.961718),
        "stderr": 0.0165,
        "threshold": 0.9,
        "confidence": 0.95,
        "interval_confidence": changes.get("confidence", 0.95),
        "verdict": UNSURE,
        "cost_usd": Decimal("0.0277"),
        "unpriced": 0,
        "unpriced_models": (),
        "without_usage": 0,
        "requests": 219,
        "p95_latency_s": 0.034,
        "source": "replayed",
        "recorded_at": "2026-11-22T16:07:52Z",
        "newest_recorded_at": "2026-11-22T16:07:52Z",
        "dataset": "evals/tickets.jsonl",
        "dataset_sha256": "ab" * 32,
        "gate_nodeid": "test_triage.py::test_labels::gate",
        "slices": (),
    }
    return SuiteResult(**{**values, **changes})


def case_result(**changes: Any) -> CaseResult:
    values: dict[str, Any] = {
        "suite": "test_triage.py::test_labels",
        "id": "t-001",
        "repeat": 1,
        "nodeid": "test_triage.py::test_labels[t-001]",
        "outcome": "hit",
        "why": "",
        "scores": {"passed": 1.0},
        "model": "gpt-5-mini",
        "cost_usd": Decimal("0.0001"),
        "latency_s": 0.03,
        "unrecorded": False,
        "output": "refund",
        "tags": (),
    }
    return CaseResult(**{**values, **changes})


def audit_line(name: str = "gate", **changes: Any) -> AuditLine:
    values: dict[str, Any] = {
        "id": name,
        "level": "documented",
        "asks": "gate open",
        "status": "passed",
        "says": "it is open",
    }
    return AuditLine(**{**values, **changes})


def an_audit(*lines: AuditLine, **changes: Any) -> Audit:
    values: dict[str, Any] = {"features": ("triage",), "when": "2026-11-26T12:00:00+00:00"}
    return Audit(lines=lines, **{**values, **changes})


def budget_result(**changes: Any) -> BudgetResult:
    values: dict[str, Any] = {
        "nodeid": "test_triage.py::test_labels::budget[cost < 0.002]",
        "budget": "cost < 0.002",
        "scope": "test",
        "name": "test_labels",
        "model": "",
        "verdict": "PASS",
        "reason": "220 of 220 calls keep it, the dearest is 0.0018 USD",
        "observed": Decimal("0.0018"),
        "bound": Decimal("0.002"),
        "unit": "USD",
        "calls": 220,
        "samples": 219,
        "source": "replayed",
        "recorded": ("2026-11-22", "2026-11-23"),
    }
    return BudgetResult(**{**values, **changes})


def month_result(**changes: Any) -> MonthResult:
    values: dict[str, Any] = {
        "feature": "triage",
        "model": "",
        "requests_per_month": 20_000,
        "cases": 220,
        "monthly_usd": Decimal("5.04"),
        "interval_usd": (Decimal("4.61"), Decimal("5.55")),
        "without_cache_usd": Decimal("5.04"),
        "dearer_usd": Decimal("6.05"),
    }
    return MonthResult(**{**values, **changes})


def growth_result(**changes: Any) -> Growth:
    values: dict[str, Any] = {
        "feature": "triage",
        "test": "test_triage.py::test_labels",
        "nodeid": "test_triage.py::test_labels::growth",
        "input_tokens": Moved(before=1000, now=1123, cases=220, changed=180),
        "calls": Moved(before=220, now=260, cases=220, changed=40),
        "is_too_much": True,
    }
    return Growth(**{**values, **changes})


def run_result(
    *suites: SuiteResult, cases: tuple[CaseResult, ...] = (), **changes: Any
) -> RunResult:
    """Return a run; what got no answer in it may be given by the names of `Unanswered`."""
    names = {field.name for field in fields(Unanswered)} & changes.keys()
    unanswered = Unanswered(**{name: changes.pop(name) for name in names})
    values: dict[str, Any] = {
        "run_id": "run-1",
        "started_at": "2026-11-22T16:10:25+00:00",
        "suites": suites,
        "cases": cases,
        "gates": {},
        "gates_note": "",
        "options": ("--llm-eval",),
        "selection": (),
        "misses": unanswered.misses,
        "objection": "",
        "unanswered": unanswered,
    }
    return RunResult(**{**values, **changes})


def drill_result(**changes: Any) -> DrillResult:
    facts = {"feature": "triage", "test": "t.py::test_d", "fault": "quota", "group": "limit"}
    return DrillResult(**{**facts, "outcome": "fell back", **changes})


def scorecard_result(**changes: Any) -> ScorecardResult:
    recall = Rate(name="recall", hits=57, of=60)
    pair = Paired(rate="recall", old="v1", broken=1, mended=4, of=60, p_value=0.375, is_worse=False)
    facts = {"name": "redact", "test": "t.py::test_g", "left": ("3: card: all of it",)}
    return ScorecardResult(
        **{
            **facts,
            "rates": (recall, Rate(name="recall", hits=7, of=10, facet="kind", value="card")),
            "gates": (Gate(rate=recall, wanted=0.95),),
            "pairs": (pair,),
            **changes,
        }
    )
