"""The monthly projection: its figures by hand, its interval by simulation."""

import math
import random
from decimal import Decimal

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pytest_llmprod.budgets.projection import FEWEST_CASES, Asked, bootstrap_t, project

COSTS = st.lists(st.decimals(0, 1, places=6).map(Decimal), min_size=FEWEST_CASES, max_size=40)


def asked(*costs: str | Decimal, **facts: int) -> list[Asked]:
    """Requests of different cases."""
    return [
        Asked(case=number, cost_usd=Decimal(cost), **facts)  # type: ignore[arg-type]  # counts
        for number, cost in enumerate(costs)
    ]


def test_a_month_costs_the_mean_times_its_requests() -> None:
    found = project(asked("0.001", "0.002", "0.006"), 100_000)

    assert found.monthly_usd == 300
    assert found.dearer_usd == 360
    assert (found.requests, found.cases) == (3, 3)


def test_repeats_of_a_case_weigh_as_much_as_one() -> None:
    repeated = [Asked(case="a", cost_usd=Decimal(cost)) for cost in ("1", "2", "3")]
    other = Asked(case="b", cost_usd=Decimal(4))

    found = project([*repeated, other], 10)

    assert found.monthly_usd == 30
    assert (found.requests, found.cases) == (4, 2)


def test_repeats_make_no_interval_narrower() -> None:
    once = asked(*(str(number) for number in range(1, 13)))

    assert project(once * 9, 10).interval_usd == project(once, 10).interval_usd


def test_without_prompt_cache_is_known_where_every_request_tells_it() -> None:
    one = Asked(case=1, cost_usd=Decimal(1), without_cache_usd=Decimal(2))
    two = Asked(case=2, cost_usd=Decimal(1), without_cache_usd=Decimal(4))

    assert project([one, two], 10).without_cache_usd == 30
    assert project([one, *asked("1")], 10).without_cache_usd is None


def test_the_retry_rate_is_tries_again_for_each_call() -> None:
    found = project(asked("1", "1", calls=2, retries=1), 10)

    assert found.retry_rate == 0.5
    assert found.monthly_usd == 10


def test_few_cases_have_a_figure_and_no_interval() -> None:
    assert project(asked(*["1"] * (FEWEST_CASES - 1)), 10).interval_usd is None
    assert project(asked(*["1"] * FEWEST_CASES), 10).interval_usd == (10, 10)


def test_an_outlier_among_few_cases_leaves_the_upper_bound_open() -> None:
    found = project(asked(*["0.001"] * FEWEST_CASES, "5"), 10)

    assert found.interval_usd is not None
    assert found.interval_usd[1] == Decimal("Infinity")


@given(COSTS, st.integers(1, 10**7))
def test_the_interval_holds_the_figure_and_is_not_negative(
    costs: list[Decimal], requests_per_month: int
) -> None:
    found = project(asked(*costs), requests_per_month)

    assert found.interval_usd is not None
    low, high = found.interval_usd
    slack = Decimal("1e-9") * found.monthly_usd
    assert 0 <= low <= found.monthly_usd + slack
    assert high >= found.monthly_usd - slack


def test_the_same_seed_gives_the_same_interval() -> None:
    values = [random.Random(1).lognormvariate(0, 1) for _ in range(30)]
    values += [2.0, 5.0]

    assert bootstrap_t(values, seed=3) == bootstrap_t(values, seed=3)
    assert bootstrap_t(values, seed=3) != bootstrap_t(values, seed=4)


def test_the_interval_covers_as_often_as_it_says() -> None:
    """The true mean of a lognormal distribution in 400 samples of 60: within three errors."""
    draw = np.random.default_rng(2026)
    true = math.exp(0.6**2 / 2)
    misses = 0
    for number in range(400):
        low, high = bootstrap_t(draw.lognormal(0, 0.6, 60).tolist(), seed=number)
        misses += not low <= true <= high

    assert abs(misses / 400 - 0.05) < 3 * math.sqrt(0.05 * 0.95 / 400)
