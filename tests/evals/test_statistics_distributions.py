import math
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special
from scipy import stats as scipy_stats

from pytest_llmprod.core.distributions import (
    beta_cdf,
    beta_quantile,
    binomial_cdf,
    normal_quantile,
    t_quantile,
)

SHAPES = st.floats(0.5, 20_000)
PROBABILITIES = st.floats(0, 1)


# Nearer to 1 a double says too little of 1 - x, and scipy is off by 3e-9 at 1 - 1e-16.
@given(st.floats(0, 1 - 1e-12), SHAPES, SHAPES)
def test_the_incomplete_beta_function_agrees_with_scipy(x: float, a: float, b: float) -> None:
    assert beta_cdf(x, a, b) == pytest.approx(special.betainc(a, b, x), abs=1e-9)


@pytest.mark.parametrize("x", [0.0, 1e-12, 0.3, 0.5, 0.9, 1 - 1e-16, 1.0])
def test_the_arcsine_distribution_is_the_one_of_the_book(x: float) -> None:
    # asin(sqrt(x)), written so that it loses no digits at either end.
    expected = 2 / math.pi * math.atan2(math.sqrt(x), math.sqrt(1 - x))

    assert beta_cdf(x, 0.5, 0.5) == pytest.approx(expected, abs=1e-12)


@given(st.floats(1e-9, 1 - 1e-9), SHAPES, SHAPES)
def test_the_quantile_of_a_beta_variable_agrees_with_scipy(
    probability: float, a: float, b: float
) -> None:
    theirs = special.betaincinv(a, b, probability)

    assert beta_quantile(probability, a, b) == pytest.approx(theirs, rel=1e-7)


# With shapes under 1 the function is so steep at 0 or 1 that doubles are too coarse there.
@given(PROBABILITIES, st.floats(1, 20_000), st.floats(1, 20_000))
def test_a_quantile_is_the_inverse_of_the_probability(
    probability: float, a: float, b: float
) -> None:
    x = beta_quantile(probability, a, b)

    assert 0 <= x <= 1
    assert beta_cdf(x, a, b) == pytest.approx(probability, abs=1e-9)


def test_one_and_one_is_the_uniform_distribution() -> None:
    assert [beta_quantile(p, 1, 1) for p in (0, 0.25, 1)] == [0, pytest.approx(0.25), 1]


@given(st.floats(1, 1e5), st.sampled_from([0.5, 0.9, 0.95, 0.99, 0.9999]))
def test_students_quantile_agrees_with_scipy(freedom: float, confidence: float) -> None:
    theirs = scipy_stats.t.ppf((1 + confidence) / 2, freedom)

    assert t_quantile(confidence, freedom) == pytest.approx(theirs, rel=1e-8)


@pytest.mark.parametrize(
    ("freedom", "quantile"), [(1, 12.706), (4, 2.776), (9, 2.262), (49, 2.010), (1e8, 1.960)]
)
def test_students_quantile_is_that_of_the_tables(freedom: float, quantile: float) -> None:
    assert round(t_quantile(0.95, freedom), 3) == quantile


@given(st.floats(0.001, 0.999))
def test_students_quantile_approaches_the_normal_one_from_above(confidence: float) -> None:
    quantiles = [t_quantile(confidence, freedom) for freedom in (1, 2, 10, 100, 1000)]

    assert quantiles == sorted(quantiles, reverse=True)
    assert quantiles[-1] > normal_quantile(confidence)


def test_the_normal_quantile_has_the_confidence_between_its_signs() -> None:
    z = normal_quantile(0.95)

    assert NormalDist().cdf(z) - NormalDist().cdf(-z) == pytest.approx(0.95)


@given(st.integers(0, 60), st.data(), PROBABILITIES)
def test_a_binomial_tail_is_the_sum_of_its_terms(n: int, data: st.DataObject, share: float) -> None:
    hits = data.draw(st.integers(-1, n + 1))
    terms = [math.comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(n + 1)]

    assert binomial_cdf(hits, n, share) == pytest.approx(sum(terms[: max(0, hits + 1)]), abs=1e-12)


@pytest.mark.parametrize("confidence", [0, 1, -0.5, 95, math.nan])
def test_a_confidence_that_is_none_is_refused(confidence: float) -> None:
    with pytest.raises(ValueError, match="confidence must lie"):
        normal_quantile(confidence)
    with pytest.raises(ValueError, match="confidence must lie"):
        t_quantile(confidence, 10)


def test_students_quantile_needs_a_degree_of_freedom() -> None:
    with pytest.raises(ValueError, match="degrees of freedom"):
        t_quantile(0.95, 0)
