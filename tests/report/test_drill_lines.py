"""What the summary says of drills, where several tests meet the same fault."""

from report_samples import drill_result, run_result

from pytest_llmprod.core.drilling import NOT_MET
from pytest_llmprod.report.drills import drill_lines
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
        "drills of triage: survived 1 of 2 faults, 1 cannot meet it",
        "  hung (1): no-answer: for ever",
    ]
    assert matrix_lines(run_result(drills=drills))[0] == (
        "failure modes of triage: FAILED slow (1 of 1); ok limited;"
    )


def test_a_fault_that_one_of_two_tests_met_can_meet_the_feature() -> None:
    drills = (drill_result(outcome=NOT_MET), drill_result(test="t.py::test_async"))

    assert drill_lines(drills) == ["drills of triage: survived 1 of 1 fault"]
