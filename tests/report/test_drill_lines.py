"""What the summary says of drills, where several tests meet the same fault."""

from report_samples import drill_result, run_result

from pytest_llmprod.core.drilling import NOT_MET
from pytest_llmprod.core.mode_test import ModeTest
from pytest_llmprod.report.drills import drill_lines, short_drill_lines
from pytest_llmprod.report.matrix import matrix_lines

HUNG = (("hung", "for ever"),)


def test_a_fault_that_several_tests_met_is_one_fault_and_survived_where_all_survived() -> None:
    drills = (
        drill_result(),
        drill_result(test="t.py::test_async"),
        drill_result(fault="no-answer", group="slow"),
        drill_result(fault="no-answer", group="slow", test="t.py::test_async", findings=HUNG),
        drill_result(fault="stream-closed", group="stream", outcome=NOT_MET),
        drill_result(
            fault="stream-closed", group="stream", outcome=NOT_MET, test="t.py::test_async"
        ),
    )

    assert drill_lines(drills) == [
        "drills of triage: survived 1 of 2 faults, 1 does not apply",
        "  hung (1): no-answer: for ever",
    ]
    assert matrix_lines(run_result(drills=drills))[0] == (
        "failure modes of triage: FAILED: slow (1 of 1); passed: limited;"
    )


def test_a_fault_that_one_of_two_tests_met_can_meet_the_feature() -> None:
    drills = (drill_result(outcome=NOT_MET), drill_result(test="t.py::test_async"))

    assert drill_lines(drills) == ["drills of triage: survived 1 of 1 fault"]


def test_crashes_are_told_by_class_with_the_first_place_and_counted_where_they_are_cut() -> None:
    crash = "crashed with a foreign exception"
    texts = {
        "empty-body": "JSONDecodeError in app.py:7: no JSON",
        "truncated-json": "JSONDecodeError in app.py:9: no JSON",
        "html-page": "AttributeError: no choices",
    }
    drills = tuple(
        drill_result(fault=fault, group="garbage", findings=((crash, text),))
        for fault, text in texts.items()
    )
    drills += (drill_result(fault="no-answer", group="slow", findings=HUNG),)
    late = drill_result(fault="slow-answer", group="slow", findings=(("too late", "40 s"),))

    assert drill_lines((*drills, late)) == [
        "drills of triage: survived 0 of 5 faults",
        "  hung (1): no-answer: for ever",
        "  crashed with a foreign exception (3):",
        "    JSONDecodeError in app.py:7 and 1 more: empty-body, truncated-json",
        "    AttributeError: html-page",
        "  too late (1): slow-answer: 40 s",
    ]
    result = run_result(drills=(*drills, late))
    assert len(matrix_lines(result)) == 2
    assert short_drill_lines(result, 7)[3:] == [
        "    JSONDecodeError in app.py:7 and 1 more: empty-body, truncated-json",
        "  and 1 more kind of weakness",
        *matrix_lines(result),
    ]
    assert short_drill_lines(run_result(drills=drills), 4)[3:] == ["  ..."]


def test_a_run_with_tests_of_guardrails_alone_is_cut_to_its_room() -> None:
    tests = tuple(
        ModeTest(feature=f"feature {number}", mode="wrong", test="t", passed=True)
        for number in range(9)
    )

    assert len(short_drill_lines(run_result(mode_tests=tests), 5)) == 5


def test_the_ways_of_failing_close_a_summary_that_has_no_room_for_all_weaknesses() -> None:
    kinds = ("accepted the fault as success", "hung", "too late", "no fallback", "no log record")
    drills = tuple(
        drill_result(fault=f"fault-{number}", findings=((kind, "it did"),))
        for number, kind in enumerate(kinds)
    )
    result = run_result(drills=drills)

    assert len(matrix_lines(result)) == 1
    assert short_drill_lines(result, 5)[2:] == [
        "  hung (1): fault-1: it did",
        "  and 3 more kinds of weakness",
        *matrix_lines(result),
    ]


def test_untested_ways_of_failing_that_are_too_wide_for_a_line_are_all_the_others() -> None:
    tests = (ModeTest(feature="triage", mode="wrong", test="t", passed=True),)

    assert matrix_lines(run_result(mode_tests=tests)) == [
        "failure modes of triage: passed: wrong; all else untested"
    ]


def test_failed_ways_that_are_too_wide_for_a_line_go_on_in_the_next() -> None:
    drills = tuple(
        drill_result(fault=f"{group}-{number}", group=group, findings=HUNG)
        for group in ("slow", "garbage", "outage", "limit", "retired")
        for number in range(5)
    )

    assert matrix_lines(run_result(drills=drills)) == [
        "failure modes of triage:",
        "  FAILED: slow (5 of 5), wrong (5 of 5), down (5 of 5), limited (5 of 5),",
        "    retired (5 of 5); untested: malformed input, hostile input, expensive",
    ]
