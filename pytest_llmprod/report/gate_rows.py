"""Gate rows: which gates a run decided, and why those that it did not decide are as they are."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pytest_llmprod.core.results import RunResult, SuiteResult
from pytest_llmprod.core.text import printable
from pytest_llmprod.core.verdict import Verdict
from pytest_llmprod.report.amounts import plural
from pytest_llmprod.report.suite_names import one_a_test
from pytest_llmprod.report.unanswered import unrecorded_text


def gate_rows(result: RunResult) -> list[tuple[str, str, str]]:
    """Return feature, state and sentence for each gate that this run decided.

    In a run of several models each has a gate of its own, and its name stands after the feature.
    """
    gates = []
    for feature, model in dict.fromkeys((suite.feature, suite.model) for suite in result.suites):
        suites = [each for each in result.suites if (each.feature, each.model) == (feature, model)]
        deciding = [suite for suite in suites if not suite.is_report_only]
        verdicts = [suite.verdict for suite in deciding if suite.verdict is not None]
        if not deciding:
            state, why = "not judged", "report-only"
        elif len(verdicts) < len(deciding):
            state, why = "not judged", "" if result.objection else _why_not_judged(result, suites)
        else:
            state, why = _decision(verdicts, result.gates.get(feature), result.started_at)
        skipped = sum(suite.skipped for suite in one_a_test(suites))
        if skipped:
            why = f"{plural(skipped, 'case', 'cases')} skipped{'; ' if why else ''}{why}"
        gates.append((printable(f"{feature} {model}".strip()), state, printable(why)))
    return gates


def _decision(
    verdicts: Sequence[Verdict], entry: Mapping[str, Any] | None, today: str
) -> tuple[str, str]:
    """Return state and sentence of a gate from this run's verdicts and its entry in the file.

    `today` is when the run started: a gate that rests on old recordings may have expired by then.
    """
    closed = [verdict for verdict in verdicts if not verdict.is_open]
    if entry is not None and not entry["enabled"] and not closed:
        return "closed", f"closed by {entry['test']} of an earlier run"
    if entry is not None and not closed and _is_over(entry, today):
        return "closed", "its recordings are too old; renew them with --llm-record=rewrite"
    unsure = [verdict for verdict in verdicts if verdict.advice]
    return "closed" if closed else "open", (closed or unsure or verdicts)[0].advice


def _is_over(entry: Mapping[str, Any], today: str) -> bool:
    until = entry.get("valid_until", today)
    return datetime.fromisoformat(until) < datetime.fromisoformat(today)


def _why_not_judged(result: RunResult, suites: Sequence[SuiteResult]) -> str:
    tests = one_a_test(suites)
    if any(suite.unrecorded for suite in tests):
        return unrecorded_text(tests)
    ran = sum(suite.answers + suite.skipped * suite.repeats.count for suite in tests)
    wanted = sum(suite.cases_in_dataset * suite.repeats.count for suite in tests)
    if ran >= wanted and result.unanswered.is_capped:
        return "the spend cap is reached"
    noun = "repeats" if any(suite.repeats.count > 1 for suite in tests) else "cases"
    return f"only {ran} of {wanted} {noun} ran"
