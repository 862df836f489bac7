"""Data: a run as JSON for scripts, schema 1."""

import json
import shlex
from decimal import Decimal
from typing import Any

from pytest_llmprod.core.results import CaseResult, JudgeResult, RunResult, Slice, SuiteResult
from pytest_llmprod.report import budgets, fallback, growth, matrix, swap
from pytest_llmprod.report.unanswered import unrecorded_text

SCHEMA = 1


def to_json(result: RunResult) -> str:
    """Return the run as JSON."""
    return json.dumps(to_document(result), indent=1, sort_keys=True) + "\n"


def to_document(result: RunResult) -> dict[str, Any]:
    """Return the run as the document that `--llm-json` writes.

    Scores are shares in 0..1, times are in seconds, money is text: the sum of the priced requests,
    and null where none of them has a price.
    """
    return {
        "schema": SCHEMA,
        "run": {
            "id": result.run_id,
            "started_at": result.started_at,
            "models": list(result.models),
            "options": [each for each in result.options if each != "--llm-eval"],
            "selection": list(result.selection),
            "settings": dict(result.part.settings),
            "left_out": list(result.part.left_out),
            "incomplete": result.part.incomplete,
        },
        "suites": [_suite(suite, result.objection) for suite in result.suites],
        "cases": [_case(case) for case in result.cases],
        "gates": result.gates,
        "fallbacks": [fallback.to_json(each) for each in result.fallbacks],
        "failure_modes": matrix.to_json(result),
        "guardrail_tests": [each.to_json() for each in result.mode_tests],
        "drills": [each.to_json() for each in result.drills],
        "guardrails": [each.to_json() for each in result.scorecards],
        "swaps": swap.to_json(result.swaps)["suites"],
        "budgets": [budgets.to_json(each) for each in result.budgets],
        "months": [budgets.month_to_json(each) for each in result.months],
        "growth": [growth.to_json(each) for each in result.growths],
        "audit": None if result.audit is None else result.audit.to_json(),
        "tests": dict(result.part.tests),
    }


def _suite(suite: SuiteResult, objection: str) -> dict[str, Any]:
    verdict = suite.verdict
    has_no_cost = suite.unpriced + suite.without_usage == suite.requests > 0
    return {
        "feature": suite.feature,
        "test": suite.test,
        "metric": suite.metric,
        "model": " + ".join(suite.models),
        "asked_model": suite.model,
        "cases": suite.cases,
        "cases_in_dataset": suite.cases_in_dataset,
        "repeats": suite.repeats.count,
        "answers": suite.answers,
        "hits": suite.hits,
        "errors": suite.errors,
        "skipped": suite.skipped,
        "score": suite.score,
        "interval": list(suite.interval),
        "interval_confidence": suite.interval_confidence,
        "stderr": suite.stderr,
        "clustered": suite.is_clustered,
        "pass_hat": {str(k): chance for k, chance in suite.repeats.pass_hat.items()},
        "flaky": [
            {"id": each.id, "hits": each.hits, "answers": each.answers, "rate": each.rate}
            for each in suite.repeats.flaky
        ],
        "failing": list(suite.repeats.failing),
        "look": suite.look.number,
        "asked_again": suite.look.is_again,
        "threshold": suite.threshold,
        "confidence": suite.confidence,
        "margin": suite.margin,
        "verdict": verdict.name if verdict else None,
        "reason": verdict.reason if verdict else _why_not_judged(suite, objection),
        "cost_usd": None if has_no_cost else _money(suite.cost_usd),
        "unpriced": suite.unpriced,
        "without_usage": suite.without_usage,
        "requests": suite.requests,
        "p95_latency_s": suite.p95_latency_s,
        "source": suite.source,
        "recorded_at": suite.recorded_at,
        "dataset": suite.dataset,
        "dataset_sha256": suite.dataset_sha256,
        "slices": [_slice(each) for each in suite.slices],
        "refusals": [_slice(each) for each in suite.refusals],
        **_of_judges(suite),
    }


def _of_judges(suite: SuiteResult) -> dict[str, Any]:
    """Return what a suite with judges has beside the others."""
    if suite.judge is None and not suite.judge_requests:
        return {}
    has_no_cost = suite.judge_unpriced == suite.judge_requests > 0
    return {
        "judge": None if suite.judge is None else _judge(suite.judge),
        "judge_requests": suite.judge_requests,
        "judge_cost_usd": None if has_no_cost else _money(suite.judge_cost_usd),
        "judge_unpriced": suite.judge_unpriced,
    }


def _judge(judge: JudgeResult) -> dict[str, Any]:
    interval = judge.corrected_interval
    return {
        "report_only": judge.report_only,
        "corrected": judge.corrected,
        "corrected_interval": None if interval is None else list(interval),
        "calibration": dict(judge.calibration) or None,
    }


def _slice(part: Slice) -> dict[str, Any]:
    return {
        "tag": part.tag,
        "cases": part.cases,
        "hits": part.hits,
        "score": part.score,
        "interval": list(part.interval),
    }


def _why_not_judged(suite: SuiteResult, objection: str) -> str:
    if objection:
        return objection
    if suite.judge is not None and suite.judge.report_only:
        command = shlex.join(suite.judge.command)
        return f"report-only: its judge {suite.judge.report_only}; run {command}"
    if suite.unrecorded:
        return unrecorded_text([suite])
    return "only a part of the suite ran"


def _case(case: CaseResult) -> dict[str, Any]:
    return {
        "suite": case.suite,
        "id": case.id,
        "repeat": case.repeat,
        "model": case.model,
        "outcome": case.outcome,
        "why": case.why,
        "tags": list(case.tags),
        "cluster": case.cluster,
        "scores": dict(case.scores),
        "whys": dict(case.whys),
        "output": case.output,
        "expected": case.expected,
        "cost_usd": None if case.cost_usd is None else _money(case.cost_usd),
        "latency_s": case.latency_s,
        "tokens": case.tokens,
        "calls": case.calls,
        "input_tokens": case.input_tokens,
        "carried": dict(case.carried),
    }


def _money(value: Decimal) -> str:
    return format(value.normalize(), "f")
