"""Lines: the shipping checklist as data, the lowest level first.

`docs/audit.md` has a section for each.
"""

from collections.abc import Callable
from dataclasses import dataclass

from pytest_llmprod.core.checklist import Level
from pytest_llmprod.handoff.audit import (
    budget_lines,
    drill_lines,
    eval_lines,
    guard_lines,
    handoff_lines,
)
from pytest_llmprod.handoff.audit.answers import Answer
from pytest_llmprod.handoff.audit.facts import Facts


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its id, the level that it belongs to, what it asks, and what answers."""

    id: str
    level: Level
    asks: str
    answer: Callable[[Facts], Answer]


LINES = (
    Line("dataset-frozen", "documented", "data set frozen", eval_lines.dataset_frozen),
    Line("dataset-size", "documented", "100 to 500 cases", eval_lines.dataset_size),
    Line("threshold-set", "documented", "threshold set", eval_lines.threshold_set),
    Line("budget-cost", "documented", "cost budget", budget_lines.budget_cost),
    Line("budget-latency", "documented", "latency budget", budget_lines.budget_latency),
    Line("budget-monthly", "documented", "monthly budget", budget_lines.budget_monthly),
    Line("fallback-declared", "documented", "fallback declared", drill_lines.fallback_declared),
    Line("model-pinned", "documented", "model pinned", drill_lines.model_pinned),
    Line("replacement", "documented", "replacement named", drill_lines.replacement_named),
    Line("prices-locked", "documented", "prices locked", budget_lines.prices_locked),
    Line("log-kept", "documented", "request log kept", handoff_lines.log_kept),
    Line("log-ignored", "documented", "log not committed", handoff_lines.log_not_committed),
    Line("dataset-revised", "measured", "data set revised", eval_lines.dataset_revised),
    Line("evals-in-ci", "measured", "evals in CI", eval_lines.evals_in_ci),
    Line("gate", "measured", "gate open", eval_lines.gate_decided),
    Line("threshold-fails", "measured", "threshold can fail", eval_lines.threshold_can_fail),
    Line("recordings", "measured", "recordings young", eval_lines.recordings_young),
    Line("prices-recent", "measured", "prices recent", budget_lines.prices_recent),
    Line("report", "measured", "report of this week", eval_lines.report_young),
    Line("pii", "measured", "PII redaction tested", guard_lines.guard_pii),
    Line("injection", "measured", "injection tested", guard_lines.guard_injection),
    Line("output-policy", "measured", "output policy tested", guard_lines.guard_output),
    Line("refusals", "measured", "refusals tested", guard_lines.guard_refusal),
    Line("app-log", "measured", "own log tested", guard_lines.app_log),
    Line("log-personal", "measured", "log free of PII", handoff_lines.log_free_of_pii),
    Line("fallback-drilled", "drilled", "fallback drilled", drill_lines.fallback_drilled),
    Line("swap", "drilled", "swap rehearsed", drill_lines.swap_rehearsed),
    Line("runbook", "handed over", "runbook filled in", handoff_lines.runbook_filled),
    Line("owner", "handed over", "owner named", handoff_lines.owner_named),
    Line("on-call", "handed over", "on-call named", handoff_lines.on_call_named),
)
NAMES = tuple(line.id for line in LINES)
