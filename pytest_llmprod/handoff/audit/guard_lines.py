"""Guard lines: tests of guardrails that passed, and how bad they may still be."""

from collections.abc import Mapping

from pytest_llmprod.core.checklist import Evidence
from pytest_llmprod.core.history import Row
from pytest_llmprod.core.text import counted
from pytest_llmprod.handoff.audit.answers import Answer, failed, for_each, newest, rehearsed
from pytest_llmprod.handoff.audit.facts import Facts

_RUN = "pytest --llm-eval"


def guard_pii(facts: Facts) -> Answer:
    """Say whether the redaction of personal data is tested, with a bound on what it leaves."""
    return _guarded(facts, "pii", needs_bound=True)


def guard_injection(facts: Facts) -> Answer:
    """Say whether attacks by text are tested, with a bound on what gets through."""
    return _guarded(facts, "injection", needs_bound=True)


def guard_output(facts: Facts) -> Answer:
    """Say whether a test holds what an answer may be."""
    return _guarded(facts, "output", needs_bound=False)


def guard_refusal(facts: Facts) -> Answer:
    """Say whether a test holds what the feature refuses."""
    return _guarded(facts, "refusal", needs_bound=False)


def _guarded(facts: Facts, kind: str, *, needs_bound: bool) -> Answer:
    def guarded(feature: str) -> Answer:
        marks = facts.marked("llm_guardrail", feature, kind=kind)
        if not marks:
            mark = f'@pytest.mark.llm_guardrail(feature="{feature}", kind="{kind}")'
            return failed("no test is marked so", f"write a test with {mark}")
        at = Evidence(path=marks[0].path, line=marks[0].line)
        rows = [row for row in facts.rows("guardrail", feature) if row.text("guard") == kind]
        never = f"{counted(len(marks), 'test')} there, and no whole run has passed them"
        answer = rehearsed(facts, rows, never=never, what=_what(rows, facts), mend=_RUN)
        row = newest(rows, facts.now)
        is_bound = not needs_bound or (row is not None and _bounds_recall(row))
        if answer.status == "passed" and not is_bound:
            score = "score_redactor" if kind == "pii" else "score_detector"
            says = "they passed, and none bounds the recall"
            return failed(says, f"use {score}() in one of them", at)
        return Answer(
            status=answer.status,
            says=answer.says,
            evidence=(at, *answer.evidence),
            mend=answer.mend,
        )

    return for_each(facts.features, guarded)


def _what(rows: list[Row], facts: Facts) -> str:
    row = newest(rows, facts.now)
    if row is None:
        return ""
    number = row.values.get("tests")
    tests = counted(number, "test") if isinstance(number, int) else "tests"
    return ", ".join([*_bounds(row), f"{tests} passed"])


def _bounds_recall(row: Row) -> bool:
    """Say whether a row tells how much is missed; that of false alarms says nothing of that."""
    return any(bound.startswith("recall ") for bound in _bounds(row))


def _bounds(row: Row) -> list[str]:
    """Return the bounds of a row as texts: `recall >= 95.1%`."""
    bounds = row.values.get("bounds")
    return [
        f"{name} {bound}"
        for name, bound in (bounds.items() if isinstance(bounds, Mapping) else ())
        if isinstance(bound, str)
    ]


def app_log(facts: Facts) -> Answer:
    """Say whether a test holds the application's own log to what a debugger needs."""
    marks = [mark for mark in facts.marks if mark.name == "llm_records"]
    if not marks:
        mend = "write a test with the fixture llm_records, and call its assert_complete()"
        return failed("no test asks for llm_records", mend)
    at = Evidence(path=marks[0].path, line=marks[0].line)
    rows = facts.rows("contract")
    row = newest(rows, facts.now)
    number = row.values.get("tests") if row is not None else None
    tests = counted(number, "test") if isinstance(number, int) else "tests"
    answer = rehearsed(
        facts,
        rows,
        never=f"{counted(len(marks), 'test')} there, and no whole run has passed them",
        what=f"{tests} passed",
        mend=_RUN,
    )
    return Answer(
        status=answer.status,
        says=answer.says,
        evidence=(at, *answer.evidence),
        mend=answer.mend,
    )
