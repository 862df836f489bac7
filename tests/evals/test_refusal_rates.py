"""Over-refusal and under-refusal of a suite, side by side."""

from typing import Any

import pytest

from pytest_llmprod.core.results import Slice
from pytest_llmprod.evals.refusal_rates import KEY, OVER, UNDER, refusal_rates
from pytest_llmprod.evals.statistics import wilson


def case(number: int, *, wanted: bool, score: float, outcome: str = "hit") -> Any:
    row = {"case": f"c-{number}", "outcome": outcome, KEY: {"refusal": wanted}}
    return row, score, f"c-{number}"


def rates(*cases: Any, metric: str = "refusal") -> dict[str, Slice]:
    return {each.tag: each for each in refusal_rates(cases, metric, 0.95)}


def test_each_mistake_is_counted_among_the_cases_that_can_make_it() -> None:
    answers = [case(number, wanted=False, score=number >= 3) for number in range(120)]
    refusals = [case(200 + number, wanted=True, score=number >= 4) for number in range(50)]

    found = rates(*answers, *refusals)

    assert (found[OVER].hits, found[OVER].cases) == (3, 120)
    assert (found[UNDER].hits, found[UNDER].cases) == (4, 50)
    # Both hold together with 95 %.
    assert found[OVER].interval == pytest.approx(wilson(3, 120, 0.975))


def test_an_error_says_nothing_about_refusals() -> None:
    found = rates(case(1, wanted=False, score=0, outcome="error"), case(2, wanted=False, score=1))

    assert (found[OVER].hits, found[OVER].cases) == (0, 1)


def test_other_metrics_have_none() -> None:
    assert rates(case(1, wanted=True, score=0), metric="passed") == {}
    assert refusal_rates([({"case": "c", "outcome": "hit"}, 1.0, "c")], "refusal", 0.95) == ()
