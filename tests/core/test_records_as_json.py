"""Records that go through JSON, from a worker to the report and from a run to the history."""

import json

import pytest

from pytest_llmprod.core import running
from pytest_llmprod.core.drift import Verified
from pytest_llmprod.core.drilling import DrillResult, survived_by_fault
from pytest_llmprod.core.errors import FaultError, SpendStop
from pytest_llmprod.core.forecast import Plan
from pytest_llmprod.core.mode_test import ModeTest
from pytest_llmprod.core.schedule import Schedule
from pytest_llmprod.core.text import strings_in


def drill(fault: str = "quota", outcome: str = "fell back", **more: object) -> DrillResult:
    values = {"feature": "triage", "test": "t", "group": "limit", **more}
    return DrillResult(fault=fault, outcome=outcome, **values)  # type: ignore[arg-type]


def test_a_drill_comes_back_from_json_as_it_was() -> None:
    result = drill(outcome="hung", findings=(("hung", "no end"), ("too late", "9 s")), requests=2)

    row = json.loads(json.dumps(result.to_json()))

    assert row["findings"] == [["hung", "no end"], ["too late", "9 s"]]
    assert row["requests"] == 2
    assert DrillResult.from_json(row) == result


def test_a_fault_is_survived_only_by_all_tests_that_it_met() -> None:
    lost = drill("quota", "hung", findings=(("hung", "no end"),))
    drills = [drill("quota"), lost, drill("quota"), drill("down"), drill("cut", "not met")]

    assert survived_by_fault(drills) == {"quota": False, "down": True}


def test_a_test_of_a_guardrail_is_plain_json() -> None:
    test = ModeTest(feature="triage", mode="wrong", test="t", passed=True, kind="output")

    assert test.to_json() == {
        "feature": "triage",
        "mode": "wrong",
        "test": "t",
        "passed": True,
        "kind": "output",
        "examples": 0,
    }


def test_a_comparison_is_plain_json() -> None:
    values = {"nodeid": "t", "what": "one word", "asked": "mini", "before": "a", "now": "b"}

    assert Verified(likeness="text", **values).to_dict() == {"likeness": "text", **values}


def test_a_plan_holds_its_forecasts_and_what_is_told_before() -> None:
    plan = Plan([], unmet=["a=b"], asked=(name for name in ("mini", "large")), waiting=3)

    assert list(plan) == []
    assert (plan.unmet, plan.asked, plan.waiting) == (("a=b",), ("mini", "large"), 3)


def test_a_stop_says_why_and_whether_it_was_the_first() -> None:
    stop = SpendStop("The cap is reached.", is_first=True)

    assert (str(stop), stop.is_first) == ("The cap is reached.", True)
    assert not SpendStop("The cap is reached.", is_first=False).is_first


@pytest.mark.parametrize(
    ("schedule", "text"),
    [
        (Schedule(("quota", "ok")), "quota, ok"),
        (Schedule(("quota",), then="last"), "quota, ..."),
        (Schedule(()), "ok"),
    ],
)
def test_a_schedule_is_shown_by_its_steps(schedule: Schedule, text: str) -> None:
    assert str(schedule) == text


def test_a_schedule_goes_on_well_or_as_it_ended() -> None:
    steps = ("ok", "quota")

    assert [Schedule(steps).at(number) for number in (1, 2, 3)] == ["ok", "quota", "ok"]
    assert [Schedule(steps, then="last").at(number) for number in (2, 3)] == ["quota", "quota"]
    assert Schedule((), then="last").at(1) == "ok"


def test_the_strings_of_a_value_come_in_their_order_without_names() -> None:
    value = {"a": "one", "b": [2, "three", ("four", None)], "c": {"d": "five"}}

    assert list(strings_in(value)) == ["one", "three", "four", "five"]


def test_what_is_called_without_a_fixture_needs_a_running_test() -> None:
    before = running.running_or_none()
    test = running.Running(
        tape=None,
        root=None,  # type: ignore[arg-type]
        case="",
        masked=str,
        find_pii=None,
        lend_keys=lambda: None,
    )
    try:
        running.begin(test)
        assert running.running("llm_fault") is test

        running.end()
        with pytest.raises(FaultError) as caught:
            running.running("llm_fault")
    finally:
        if before is not None:
            running.begin(before)

    assert str(caught.value).startswith("llm_fault() works in a test that records and replays.")
    assert "@pytest.mark.llm_cassette" in str(caught.value)
