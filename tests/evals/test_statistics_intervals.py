"""Intervals of one share: the exact one, and how often intervals hold what they promise."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest
from statsmodels.stats.proportion import proportion_confint

from pytest_llmprod.evals.statistics import clopper_pearson, wilson

CONFIDENCES = st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.99, 0.999])
NINE = [(n, share) for n in (20, 50, 200) for share in (0.5, 0.9, 0.99)]
RUNS = 20_000

Interval = Callable[[float, int], tuple[float, float]]


@st.composite
def counts(draw: st.DrawFn) -> tuple[int, int]:
    n = draw(st.integers(1, 5000))
    return draw(st.integers(0, n)), n


@pytest.mark.parametrize(
    ("hits", "n", "lower", "upper"),
    [
        (81, 263, 0.2527, 0.3676),
        (15, 148, 0.0578, 0.1617),
        (0, 20, 0, 0.1684),
        (1, 29, 0.0009, 0.1776),
    ],
)
def test_the_exact_interval_agrees_with_newcombe_1998_table_1(
    hits: int, n: int, lower: float, upper: float
) -> None:
    low, high = clopper_pearson(hits, n)

    assert (round(low, 4), round(high, 4)) == (lower, upper)


@given(counts(), CONFIDENCES)
def test_the_exact_interval_agrees_with_scipy_and_statsmodels(
    count: tuple[int, int], confidence: float
) -> None:
    theirs = binomtest(*count).proportion_ci(confidence, method="exact")
    others = proportion_confint(*count, alpha=1 - confidence, method="beta")

    found = clopper_pearson(*count, confidence)

    assert found == pytest.approx((theirs.low, theirs.high), abs=1e-9)
    assert found == pytest.approx(others, abs=1e-9)


@given(counts(), CONFIDENCES)
def test_the_exact_interval_contains_the_share_and_stays_in_0_to_1(
    count: tuple[int, int], confidence: float
) -> None:
    hits, n = count

    low, high = clopper_pearson(hits, n, confidence)

    assert 0 <= low <= hits / n <= high <= 1
    assert low < high


@given(counts(), CONFIDENCES)
def test_the_exact_interval_mirrors_when_hits_and_misses_change_places(
    count: tuple[int, int], confidence: float
) -> None:
    hits, n = count
    low, high = clopper_pearson(hits, n, confidence)

    mirrored_low, mirrored_high = clopper_pearson(n - hits, n, confidence)

    assert mirrored_low == pytest.approx(1 - high, abs=1e-12)
    assert mirrored_high == pytest.approx(1 - low, abs=1e-12)


@given(counts(), st.integers(2, 20), CONFIDENCES)
def test_a_wider_sample_gives_a_narrower_exact_interval(
    count: tuple[int, int], factor: int, confidence: float
) -> None:
    hits, n = count
    low, high = clopper_pearson(hits, n, confidence)

    wide_low, wide_high = clopper_pearson(hits * factor, n * factor, confidence)

    assert wide_high - wide_low < high - low


@pytest.mark.parametrize(
    ("n", "bound"), [(50, 0.0582), (100, 0.0295), (200, 0.0149), (500, 0.0060), (1000, 0.0030)]
)
def test_no_failure_in_n_is_the_rule_of_three(n: int, bound: float) -> None:
    upper = clopper_pearson(0, n, 0.90)[1]

    assert upper == pytest.approx(1 - 0.05 ** (1 / n), abs=1e-12)
    assert round(upper, 4) == bound
    assert upper < 3 / n


@pytest.mark.parametrize(
    ("n", "half"), [(50, 0.085), (100, 0.060), (200, 0.042), (500, 0.026), (1000, 0.019)]
)
def test_wilsons_interval_is_as_wide_as_the_field_notes_say(n: int, half: float) -> None:
    low, high = wilson(0.9 * n, n)

    assert round((high - low) / 2, 3) == half


def test_without_cases_the_exact_interval_knows_nothing() -> None:
    assert clopper_pearson(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("hits", "n", "confidence"),
    [(-1, 10, 0.95), (11, 10, 0.95), (math.nan, 10, 0.95), (5, 10, 0), (5, 10, 1), (5, 10, 95)],
)
def test_the_exact_interval_refuses_impossible_counts(
    hits: float, n: int, confidence: float
) -> None:
    with pytest.raises(ValueError, match="must lie"):
        clopper_pearson(hits, n, confidence)


def coverage(interval: Interval, n: int, share: float) -> float:
    """How often the interval holds the true share: exact, by going through all counts."""
    held = (low <= share <= high for low, high in (interval(hits, n) for hits in range(n + 1)))
    chances = binom.pmf(range(n + 1), n, share)
    return float(sum(chance for chance, is_held in zip(chances, held, strict=True) if is_held))


@pytest.mark.parametrize(("n", "share"), NINE)
def test_the_exact_interval_holds_the_truth_at_least_as_often_as_it_says(
    n: int, share: float
) -> None:
    assert coverage(clopper_pearson, n, share) >= 0.95


@given(st.integers(1, 60), st.floats(0.001, 0.999), st.sampled_from([0.8, 0.95, 0.99]))
def test_no_share_and_no_size_is_an_exception(n: int, share: float, confidence: float) -> None:
    found = coverage(lambda hits, n: clopper_pearson(hits, n, confidence), n, share)

    assert found >= confidence - 1e-9


# With few cases only few shares can be seen, so no interval holds the truth in 95 % of the runs
# everywhere: of 50 cases at 0.99, 50 or 49 hits are 91.06 % of the runs and 48 hits 7.56 %.
# Wilson's rate is the nominal one on average. These are the rates of statsmodels' interval.
WILSONS_RATES = {
    (20, 0.5): 0.9586,
    (20, 0.9): 0.9568,
    (20, 0.99): 0.9831,
    (50, 0.5): 0.9351,
    (50, 0.9): 0.9703,
    (50, 0.99): 0.9106,
    (200, 0.5): 0.9440,
    (200, 0.9): 0.9561,
    (200, 0.99): 0.9483,
}


@pytest.mark.parametrize(("n", "share"), NINE)
def test_wilsons_interval_holds_the_truth_as_often_as_the_one_of_statsmodels(
    n: int, share: float
) -> None:
    def theirs(hits: float, n: int) -> tuple[float, float]:
        low, high = proportion_confint(hits, n, method="wilson")
        return float(low), float(high)

    assert round(coverage(theirs, n, share), 4) == WILSONS_RATES[n, share]
    assert round(coverage(wilson, n, share), 4) == WILSONS_RATES[n, share]


@pytest.mark.parametrize("n", [20, 50, 200])
def test_over_all_shares_wilsons_interval_holds_the_truth_at_the_nominal_rate(n: int) -> None:
    shares = np.linspace(0.0025, 0.9975, 200)

    rates = [coverage(wilson, n, float(share)) for share in shares]

    assert sum(rates) / len(rates) == pytest.approx(0.95, abs=0.004)


@pytest.mark.parametrize(("n", "share"), NINE)
def test_simulated_runs_hold_the_truth_at_the_enumerated_rate(n: int, share: float) -> None:
    generator = np.random.default_rng(20_251_126 + n)
    hits = generator.binomial(n, share, size=RUNS)

    for interval in (wilson, clopper_pearson):
        bounds = [interval(count, n) for count in range(n + 1)]
        held = sum(bounds[count][0] <= share <= bounds[count][1] for count in hits) / RUNS
        expected = coverage(interval, n, share)
        error = math.sqrt(expected * (1 - expected) / RUNS)
        assert held == pytest.approx(expected, abs=4 * error)


@pytest.mark.parametrize("n", [20, 50, 200, 500])
def test_a_share_on_a_high_threshold_seldom_passes_by_luck(n: int) -> None:
    # The error that switches a bad feature on is the lower bound's alone.
    def passes_by_luck(threshold: float) -> float:
        least = next((h for h in range(n + 1) if wilson(h, n)[0] >= threshold), n + 1)
        return float(binom.sf(least - 1, n, threshold))

    luck = [passes_by_luck(float(threshold)) for threshold in np.linspace(0.8, 0.999, 200)]

    assert max(luck) < 0.03
