"""Percentiles of few samples: verdicts against scipy, bounds against the verdicts."""

import random
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest, quantile_test

from pytest_llmprod.budgets.percentiles import distinct, estimate, limits, needed, verdict

PERCENTS = (50, 95, 99)
SAMPLES = st.lists(st.integers(0, 50).map(Decimal), min_size=1, max_size=300)


def expected(samples: int, exceeding: int, percent: int) -> str:
    """The verdict by scipy's exact test of a share."""
    share = (100 - percent) / 100
    few = binomtest(exceeding, samples, share, alternative="less").pvalue
    many = binomtest(exceeding, samples, share, alternative="greater").pvalue
    if few <= 0.05:
        return "PASS"
    # A p-value that is 5 % but for rounding fails nobody.
    return "FAIL" if many < 0.05 - 1e-12 else "INCONCLUSIVE"


@pytest.mark.parametrize("percent", PERCENTS)
def test_verdicts_at_the_limits_are_those_of_scipy(percent: int) -> None:
    """At n = 1..1,000; between the limits and beyond them the tails are monotonous."""
    for samples in range(1, 1001):
        decided = limits(samples, percent)
        edges = {decided.passing, decided.passing + 1, decided.failing - 1, decided.failing}
        for exceeding in sorted(edge for edge in edges if 0 <= edge <= samples):
            found = verdict(samples, exceeding, percent)

            assert found == expected(samples, exceeding, percent), (samples, exceeding)


@pytest.mark.parametrize("percent", PERCENTS)
@pytest.mark.parametrize("samples", [1, 2, 5, 20, 59, 60, 93, 298, 299, 1000])
def test_every_verdict_is_that_of_scipy(samples: int, percent: int) -> None:
    found = [verdict(samples, exceeding, percent) for exceeding in range(samples + 1)]

    assert found == [expected(samples, exceeding, percent) for exceeding in range(samples + 1)]


@pytest.mark.parametrize("samples", [10_000, 100_000])
def test_many_samples_are_judged_too(samples: int) -> None:
    decided = limits(samples, 95)

    assert (
        binom.cdf(decided.passing, samples, 0.05)
        <= 0.05
        < binom.cdf(decided.passing + 1, samples, 0.05)
    )
    assert (
        binom.sf(decided.failing - 1, samples, 0.05)
        < 0.05
        <= binom.sf(decided.failing - 2, samples, 0.05)
    )


@pytest.mark.parametrize(
    ("percent", "exceeding", "samples"),
    [
        (50, 0, 5),
        (95, 0, 59),
        (95, 1, 93),
        (95, 2, 124),
        (95, 3, 153),
        (95, 4, 181),
        (95, 5, 208),
        (99, 0, 299),
    ],
)
def test_the_samples_that_a_pass_needs(percent: int, exceeding: int, samples: int) -> None:
    """The published numbers (Wilks 1941 for none)."""
    assert needed(exceeding, percent) == samples
    assert verdict(samples, exceeding, percent) == "PASS"
    assert verdict(samples - 1, exceeding, percent) == "INCONCLUSIVE"


def test_one_sample_fails_no_p95() -> None:
    """Its p-value is 5 % exactly."""
    assert verdict(1, 1, 95) == "INCONCLUSIVE"
    assert verdict(2, 2, 95) == "FAIL"


@pytest.mark.parametrize("percent", PERCENTS)
def test_no_sample_says_nothing(percent: int) -> None:
    assert verdict(0, 0, percent) == "INCONCLUSIVE"


@given(SAMPLES, st.integers(0, 51).map(Decimal), st.sampled_from(PERCENTS))
def test_the_bounds_say_what_the_verdict_says(
    values: list[Decimal], bound: Decimal, percent: int
) -> None:
    found = estimate(values, percent)
    exceeding = sum(value >= bound for value in values)

    said = verdict(len(values), exceeding, percent)

    assert (found.upper is not None and found.upper < bound) == (said == "PASS")
    assert (found.lower is not None and found.lower >= bound) == (said == "FAIL")


@pytest.mark.parametrize("samples", [60, 100, 200])
def test_the_bounds_are_those_of_scipy(samples: int) -> None:
    values = [random.Random(samples).lognormvariate(0, 0.6) for _ in range(samples)]
    values = [value + number * 1e-9 for number, value in enumerate(values)]

    found = estimate([Decimal(value) for value in values], 95)

    upper = quantile_test(values, p=0.95, alternative="less").confidence_interval(0.95).high
    lower = quantile_test(values, p=0.95, alternative="greater").confidence_interval(0.95).low
    assert (found.lower, found.upper) == (Decimal(lower), Decimal(upper))


def test_each_bound_holds_as_often_as_it_says() -> None:
    """100 samples of an exponential distribution, whose p95 is known, 2,000 times."""
    draw = random.Random(7).expovariate
    true = Decimal("2.995732273553991")
    misses = [0, 0]
    for _ in range(2000):
        found = estimate([Decimal(draw(1)) for _ in range(100)], 95)
        assert found.lower is not None
        assert found.upper is not None
        misses[0] += found.lower > true
        misses[1] += found.upper < true

    assert all(each / 2000 <= 0.05 + 3 * (0.05 * 0.95 / 2000) ** 0.5 for each in misses)
    assert all(each > 0 for each in misses)


def test_too_few_samples_have_a_percentile_without_an_upper_bound() -> None:
    found = estimate([Decimal(3), Decimal(1), Decimal(2)], 95)

    assert (found.value, found.lower, found.upper, found.samples) == (3, 2, None, 3)


def test_one_sample_has_no_bounds() -> None:
    found = estimate([Decimal(3)], 95)

    assert (found.value, found.lower, found.upper) == (3, None, None)


def test_the_percentile_of_the_samples_is_one_of_them() -> None:
    values = [Decimal(number) for number in range(1, 101)]

    assert [estimate(values, percent).value for percent in PERCENTS] == [50, 95, 99]


def test_what_never_came_is_above_every_bound() -> None:
    values = [Decimal("Infinity")] + [Decimal(1)] * 58

    assert estimate(values, 95).upper == Decimal("Infinity")
    assert verdict(59, 1, 95) == "INCONCLUSIVE"
    assert estimate(values, 50).upper == 1


def test_a_recording_that_is_replayed_often_is_one_sample() -> None:
    one, two = Decimal(1), Decimal(2)

    assert distinct([("a", one)] * 50) == [one]
    assert distinct([("a", one), ("b", two), ("a", one)]) == [one, two]
