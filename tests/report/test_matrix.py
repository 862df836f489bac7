"""The matrix of failure modes: which drills, evals, tests and budgets fill which cell."""

from typing import Any

import pytest
from report_samples import budget_result, drill_result, run_result, suite_result

from pytest_llmprod.core.mode_test import KINDS, MODES, ModeTest
from pytest_llmprod.core.verdict import Verdict
from pytest_llmprod.report.matrix import cell, matrix_lines, to_json

FEATURE = "ticket-triage"
TEST = "test_triage.py::test_labels"


def mode_test(mode: Any, *, passed: bool = True, number: int = 1) -> ModeTest:
    return ModeTest(feature=FEATURE, mode=mode, test=f"t.py::test_{number}", passed=passed)


def verdict(name: Any) -> Verdict:
    return Verdict(name=name, reason="so", is_open=name == "PASS")


def cells(*suites: Any, **parts: Any) -> dict[str, str]:
    """The cells that are not untested."""
    result = run_result(*suites, **parts)
    found = {mode: cell(result, FEATURE, mode) for mode in MODES}
    return {mode: text for mode, text in found.items() if text != "untested"}


def test_a_mode_that_nothing_covers_is_untested() -> None:
    assert cells() == {}
    assert cells(mode_tests=(mode_test("malformed input"),), budgets=()) == {
        "malformed input": "ok"
    }


def test_tests_of_guardrails_fill_the_cell_of_their_mode() -> None:
    tests = (
        mode_test("hostile input"),
        mode_test("hostile input", passed=False, number=2),
        mode_test("malformed input"),
    )

    assert cells(mode_tests=tests) == {"hostile input": "1 of 2 tests", "malformed input": "ok"}


@pytest.mark.parametrize(
    ("changes", "filled"),
    [
        ({"unit": "USD", "verdict": "PASS"}, {"expensive": "ok"}),
        ({"unit": "USD", "verdict": "FAIL"}, {"expensive": "budget FAIL"}),
        ({"unit": "s", "verdict": "PASS"}, {"slow": "ok"}),
        ({"unit": "", "verdict": "FAIL"}, {"expensive": "budget FAIL"}),
        ({"unit": "s", "verdict": "INCONCLUSIVE"}, {}),
        ({"unit": "s", "verdict": "PASS", "scope": "feature", "name": FEATURE}, {"slow": "ok"}),
        ({"unit": "s", "verdict": "PASS", "scope": "feature", "name": "other"}, {}),
        ({"unit": "s", "verdict": "PASS", "scope": "run", "nodeid": "llmprod"}, {}),
        ({"unit": "s", "verdict": "PASS", "nodeid": "test_triage.py::test_labels_it"}, {}),
    ],
)
def test_budgets_fill_slow_and_expensive(changes: Any, filled: Any) -> None:
    values = {"scope": "test", "nodeid": f"{TEST}::budget[cost < 1]", **changes}
    suite = suite_result(feature=FEATURE, test=TEST, verdict=None)

    found = cells(suite, budgets=(budget_result(**values),))

    assert {mode: text for mode, text in found.items() if mode != "wrong"} == filled


@pytest.mark.parametrize(
    ("judged", "filled"),
    [
        (Verdict(name="PASS", reason="so", is_open=True), {"wrong": "ok"}),
        (Verdict(name="INCONCLUSIVE", reason="so", is_open=True), {"wrong": "ok"}),
        (Verdict(name="INCONCLUSIVE", reason="so", is_open=False), {"wrong": "gate closed"}),
        (Verdict(name="FAIL", reason="so", is_open=False), {"wrong": "eval FAIL"}),
        (None, {}),
    ],
)
def test_an_eval_passes_where_it_opens_its_gate(judged: Any, filled: Any) -> None:
    suite = suite_result(feature=FEATURE, test=TEST, verdict=judged)

    assert cells(suite, budgets=()) == filled


def test_all_that_failed_in_a_cell_is_told() -> None:
    suite = suite_result(feature=FEATURE, test=TEST, verdict=verdict("FAIL"))
    drills = (drill_result(feature=FEATURE, group="garbage", findings=(("hung", "long"),)),)

    found = cells(suite, drills=drills, mode_tests=(mode_test("wrong", passed=False),))

    assert found == {"wrong": "1 of 1, eval FAIL, 1 of 1 tests"}


def test_a_run_without_drills_and_tests_of_guardrails_has_no_matrix() -> None:
    assert matrix_lines(run_result(suite_result())) == []
    assert to_json(run_result(suite_result())) == []


def test_the_matrix_names_each_mode_of_each_feature() -> None:
    result = run_result(mode_tests=(mode_test("hostile input"),))

    assert matrix_lines(result) == [
        "failure modes of ticket-triage: passed: hostile input;",
        "  untested: slow, wrong, malformed input, down, limited, retired, expensive",
    ]
    (row,) = to_json(result)
    assert (row["feature"], set(row["modes"])) == (FEATURE, set(MODES))
    assert set(KINDS.values()) <= set(MODES)


def test_ways_that_passed_are_not_called_untested_where_they_take_more_than_a_line() -> None:
    suite = suite_result(feature=FEATURE, verdict=verdict("FAIL"))
    drills = [
        drill_result(feature=FEATURE, fault=group, group=group)
        for group in ("slow", "outage", "limit", "retired", "expensive")
    ]
    tests = (mode_test("malformed input"), mode_test("hostile input"))

    lines = matrix_lines(run_result(suite, drills=tuple(drills), mode_tests=tests, budgets=()))

    assert lines == [
        f"failure modes of {FEATURE}: FAILED: wrong (eval FAIL); all else passed",
    ]
