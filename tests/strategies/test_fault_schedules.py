"""Schedules of faults that Hypothesis draws: what they are made of, and how they shrink."""

from itertools import pairwise

import pytest
from hypothesis import find, given, settings

from pytest_llmprod import Schedule
from pytest_llmprod import strategies as llm_st
from pytest_llmprod.core.errors import FaultError
from pytest_llmprod.core.fault_names import FAULT_NAMES, GROUPS, expanded
from pytest_llmprod.faults.catalogue import CATALOGUE

SEARCH = settings(max_examples=2000, database=None, derandomize=True)


def test_the_names_are_those_of_the_catalogue_by_group() -> None:
    assert set(FAULT_NAMES) == set(GROUPS)
    for group, names in FAULT_NAMES.items():
        assert list(names) == [each.name for each in CATALOGUE.values() if each.group == group]


@given(llm_st.fault_schedules())
def test_a_schedule_has_steps_of_the_catalogue_or_ok(schedule: Schedule) -> None:
    assert len(schedule.steps) <= 5
    assert set(schedule.steps) <= {"ok", *CATALOGUE}
    assert schedule.then == "ok" or schedule.steps[-1] != "ok"


@given(llm_st.fault_schedules(["limit", "no-answer"], max_steps=2, ends=True))
def test_a_schedule_keeps_to_the_faults_that_are_named(schedule: Schedule) -> None:
    assert set(schedule.steps) <= {"ok", "no-answer", *FAULT_NAMES["limit"]}
    assert len(schedule.steps) <= 2
    assert schedule.at(3) == "ok"


def test_a_failing_schedule_shrinks_to_the_shortest() -> None:
    schedules = llm_st.fault_schedules(["rate-limit", "server-error", "no-answer"])

    def ends_in_a_broken_retry(schedule: Schedule) -> bool:
        met = [schedule.at(number) for number in range(1, 6)]
        return ("rate-limit", "no-answer") in pairwise(met)

    found = find(schedules, ends_in_a_broken_retry, settings=SEARCH)
    assert found == Schedule(("rate-limit", "no-answer"))
    found = find(schedules, lambda each: each.at(3) != "ok", settings=SEARCH)
    assert found.then == "last"  # one step that stays is shorter than three
    assert found.steps == ("rate-limit",)
    found = find(schedules, lambda each: each.then == "ok" and each.at(3) != "ok", settings=SEARCH)
    assert found.steps == ("ok", "ok", "rate-limit")


def test_a_fault_that_does_not_exist_is_told_at_once() -> None:
    with pytest.raises(FaultError, match=r"no fault 'limits'\. Did you mean 'limit'"):
        llm_st.fault_schedules("limits")
    with pytest.raises(FaultError, match="names no fault"):
        expanded([])
