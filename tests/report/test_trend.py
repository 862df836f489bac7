"""How scores and costs moved over accepted runs."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from report_samples import PASS, run_result, suite_result

from pytest_llmprod.core.past import PastRun, PastSuite
from pytest_llmprod.core.results import RunResult
from pytest_llmprod.report.markdown import to_markdown
from pytest_llmprod.report.trend import Trend
from pytest_llmprod.report.view import make_view

TEST = "test_triage.py::test_labels"


def past_suite(**changes: Any) -> PastSuite:
    values = {"test": TEST, "metric": "passed", "score": 0.9, "dataset": "abababababab"}
    return PastSuite(**{**values, "interval": (0.85, 0.93), "threshold": 0.9, **changes})


def past_run(day: str = "2026-11-20", *suites: PastSuite, **changes: Any) -> PastRun:
    values = {"run_id": f"run-of-{day}", "who": "Ann", "why": "good", "cost_usd": Decimal("0.02")}
    values |= {"when": day if "T" in day else f"{day}T10:00:00+00:00"}
    return PastRun(**{**values, "suites": suites or (past_suite(),), **changes})


def result_of(*past: PastRun, **changes: Any) -> RunResult:
    run = run_result(suite_result(verdict=PASS, **changes))
    return replace(run, past=past)


def trend(result: RunResult) -> Trend:
    return make_view(result, ()).trend


def test_this_run_stands_after_those_that_were_accepted() -> None:
    found = trend(result_of(past_run("2026-11-18"), past_run("2026-11-20")))

    assert [run.name for run in found.runs] == ["2026-11-18", "2026-11-20", "this run"]
    assert [run.cost for run in found.runs] == ["$0.0200", "$0.0200", "$0.0277"]
    (suite,) = found.suites
    assert suite.name == "triage"
    assert [point.score_text for point in suite.points] == ["90.0%", "90.0%", "93.6%"]
    assert suite.points[-1].interval_text == "[89.6, 96.2]"
    assert suite.points[-1].threshold_text == "90%"


def test_a_run_without_accepted_ones_has_no_trend() -> None:
    other = past_suite(test="t.py::test_other")

    assert trend(result_of()) == Trend()
    assert trend(result_of(past_run("2026-11-20", other))) == Trend()


def test_an_accepted_run_does_not_stand_beside_itself() -> None:
    found = trend(result_of(past_run(run_id="run-1")))

    assert [run.name for run in found.runs] == ["2026-11-20"]
    assert len(found.suites[0].points) == 1


def test_a_suite_that_was_not_judged_is_no_point_and_its_cost_is_none() -> None:
    run = run_result(suite_result(verdict=None, cases=10))
    found = trend(replace(run, past=(past_run(),)))

    assert [run.name for run in found.runs] == ["2026-11-20"]
    assert [point.run for point in found.suites[0].points] == ["2026-11-20"]


def test_what_a_part_of_the_accepted_tests_cost_is_not_put_beside_the_whole() -> None:
    two = (past_suite(), past_suite(test="t.py::test_other"))

    assert trend(result_of(past_run("2026-11-20", *two))).runs[-1].cost == "-"


def test_other_data_and_what_an_older_line_does_not_tell_are_said() -> None:
    old = past_suite(interval=None, threshold=None, dataset="")
    other = past_suite(dataset="cdcdcdcdcdcd")
    runs = (past_run("2026-11-18", old, cost_usd=None), past_run("2026-11-20", other, unpriced=3))
    found = trend(result_of(*runs))

    points = found.suites[0].points
    assert [point.data for point in points] == ["-", "another", "same"]
    assert (points[0].interval_text, points[0].threshold_text, points[0].cases) == ("-", "-", "-")
    assert [run.cost for run in found.runs] == ["-", "$0.0200+?", "$0.0277"]


def test_runs_of_one_day_are_told_apart() -> None:
    whens = ("2026-11-20T10:00:00+00:00", "2026-11-20T12:30:00+01:00", "2026-11-20T11:30:00+00:00")
    found = trend(result_of(*map(past_run, (*whens, "someTime"))))

    assert [run.name for run in found.runs] == [
        "2026-11-20 10:00",
        "2026-11-20 11:30",
        "2026-11-20 11:30 (2)",
        "no date",
        "this run",
    ]


def test_no_run_hides_another_of_the_same_minute_or_without_a_date() -> None:
    same = [past_run("2026-11-20T11:30:00+00:00", run_id=f"r{number}") for number in range(3)]
    early = past_run("0001-01-01T00:00:00+23:59")

    names = [run.name for run in trend(result_of(*same, early)).runs]

    assert names[:4] == [
        "2026-11-20 11:30",
        "2026-11-20 11:30 (2)",
        "2026-11-20 11:30 (3)",
        "no date",
    ]


def test_the_last_twenty_runs_are_shown_and_the_others_counted() -> None:
    runs = [past_run(f"2026-{month:02}-01") for month in range(1, 13)] * 2
    runs[-1] = replace(runs[-1], left_out=4)
    found = trend(result_of(*runs))

    assert len(found.runs) == 21
    assert found.gaps == (
        "4 older runs not shown",
        "of 1 run the history had no room for all suites",
    )


def test_the_markdown_has_the_last_runs_side_by_side() -> None:
    runs = [past_run(f"2026-11-{day:02}", who="<b>") for day in range(1, 9)]
    result = result_of(*runs)

    text = to_markdown(result, make_view(result, ()))

    head, _, row, cost = text.partition("### Trend over accepted runs\n\n")[2].splitlines()[:4]
    assert head.count("|") == 8
    assert head.startswith("| suite | 2026-11-04 |")
    assert "| 90.0% [85.0, 93.0] | 93.6% [89.6, 96.2] |" in row
    assert cost.endswith("| &#36;0.0200 | &#36;0.0277 |")
