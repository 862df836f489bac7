"""Passes: at least one of k tries, and all of k tries."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_llmprod.evals.statistics import pass_at_k, pass_hat_k

# gpt-4o on the airline tasks of tau-bench: how many of 4 tries passed, for each of 50 tasks.
AIRLINE = [0] * 14 + [1] * 12 + [2] * 10 + [3] * 4 + [4] * 10


@st.composite
def tries(draw: st.DrawFn) -> tuple[int, int, int]:
    n = draw(st.integers(1, 9))
    return draw(st.integers(0, n)), n, draw(st.integers(1, n))


@pytest.mark.parametrize(("k", "share"), [(1, 0.420), (2, 0.273), (3, 0.220), (4, 0.200)])
def test_pass_hat_k_is_the_one_of_the_table_of_tau_bench(k: int, share: float) -> None:
    assert round(pass_hat_k(AIRLINE, 4, k), 3) == share


def test_pass_at_k_is_the_one_of_the_field_notes() -> None:
    assert pass_at_k(AIRLINE, 4, 4) == pytest.approx(0.72)
    assert pass_at_k(AIRLINE, 4, 1) == pytest.approx(0.42)


def test_pass_at_k_is_the_product_that_chen_2021_print() -> None:
    # Figure 3 of the paper: 1 - prod(1 - k / i for i in n - c + 1..n).
    n, c, k = 200, 13, 10
    product = 1.0
    for i in range(n - c + 1, n + 1):
        product *= 1 - k / i

    assert pass_at_k(c, n, k) == pytest.approx(1 - product)


@given(tries())
def test_both_are_shares_of_all_choices_of_k_tries(numbers: tuple[int, int, int]) -> None:
    c, n, k = numbers
    choices = list(combinations([True] * c + [False] * (n - c), k))

    assert pass_at_k(c, n, k) == pytest.approx(sum(map(any, choices)) / len(choices))
    assert pass_hat_k(c, n, k) == pytest.approx(sum(map(all, choices)) / len(choices))


@given(tries())
def test_at_least_once_and_every_time_mirror(numbers: tuple[int, int, int]) -> None:
    c, n, k = numbers

    assert pass_at_k(c, n, k) == pytest.approx(1 - pass_hat_k(n - c, n, k))


@given(st.integers(1, 200), st.data())
def test_more_tries_find_more_passes_and_fewer_clean_runs(n: int, data: st.DataObject) -> None:
    c = data.draw(st.integers(0, n))
    at = [pass_at_k(c, n, k) for k in range(1, n + 1)]
    hat = [pass_hat_k(c, n, k) for k in range(1, n + 1)]

    assert at == sorted(at)
    assert hat == sorted(hat, reverse=True)
    assert at[0] == pytest.approx(hat[0]) == pytest.approx(c / n)
    assert all(0 <= chance <= 1 for chance in (*at, *hat))


def test_the_mean_is_over_cases_that_may_have_had_different_numbers_of_tries() -> None:
    assert pass_hat_k([1, 5], [2, 5], 2) == 0.5


@pytest.mark.parametrize(
    ("successes", "trials", "k", "message"),
    [
        (5, 4, 2, r"successes must lie in 0\.\.4"),
        (-1, 4, 2, r"successes must lie in 0\.\.4"),
        (2, 4, 5, r"k must lie in 1\.\.4"),
        (2, 4, 0, r"k must lie in 1\.\.4"),
        ([], 4, 1, "at least 1 case"),
        ([1, 2], [4], 1, "zip"),
    ],
)
def test_impossible_counts_are_refused(
    successes: int | list[int], trials: int | list[int], k: int, message: str
) -> None:
    for passes in (pass_at_k, pass_hat_k):
        with pytest.raises(ValueError, match=message):
            passes(successes, trials, k)
