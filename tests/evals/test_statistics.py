import math
import statistics as standard

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import binomtest

from pytest_llmprod.evals.statistics import (
    MOST_CASES,
    more_cases_needed,
    percentile,
    standard_error,
    wilson,
)

SIZES = st.integers(1, 5000)
CONFIDENCES = st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.99, 0.999])


@st.composite
def counts(draw: st.DrawFn) -> tuple[int, int]:
    n = draw(SIZES)
    return draw(st.integers(0, n)), n


@pytest.mark.parametrize(
    ("hits", "n", "lower", "upper"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_agrees_with_newcombe_1998_table_1(
    hits: int, n: int, lower: float, upper: float
) -> None:
    low, high = wilson(hits, n)

    assert round(low, 4) == lower
    assert round(high, 4) == upper


@pytest.mark.parametrize(
    ("hits", "lower", "upper"), [(9, 0.59585, 0.98212), (10, 0.72247, 1), (0, 0, 0.27753)]
)
def test_wilson_agrees_with_published_figures_for_ten_cases(
    hits: int, lower: float, upper: float
) -> None:
    low, high = wilson(hits, 10)

    assert round(low, 5) == lower
    assert round(high, 5) == upper


@given(counts(), CONFIDENCES)
def test_wilson_agrees_with_scipy(count: tuple[int, int], confidence: float) -> None:
    hits, n = count
    theirs = binomtest(hits, n).proportion_ci(confidence, method="wilson")

    low, high = wilson(hits, n, confidence)

    assert low == pytest.approx(theirs.low, abs=1e-12)
    assert high == pytest.approx(theirs.high, abs=1e-12)


@given(counts(), CONFIDENCES)
def test_wilson_contains_the_share_and_stays_in_0_to_1(
    count: tuple[int, int], confidence: float
) -> None:
    hits, n = count

    low, high = wilson(hits, n, confidence)

    assert 0 <= low <= hits / n <= high <= 1
    assert low < high


@given(counts(), CONFIDENCES)
def test_wilson_mirrors_when_hits_and_misses_change_places(
    count: tuple[int, int], confidence: float
) -> None:
    hits, n = count
    low, high = wilson(hits, n, confidence)

    mirrored_low, mirrored_high = wilson(n - hits, n, confidence)

    assert mirrored_low == pytest.approx(1 - high, abs=1e-12)
    assert mirrored_high == pytest.approx(1 - low, abs=1e-12)


@given(counts(), st.integers(2, 50), CONFIDENCES)
def test_a_wider_sample_gives_a_narrower_interval(
    count: tuple[int, int], factor: int, confidence: float
) -> None:
    hits, n = count
    low, high = wilson(hits, n, confidence)

    wide_low, wide_high = wilson(hits * factor, n * factor, confidence)

    assert low <= wide_low
    assert wide_high <= high
    assert wide_high - wide_low < high - low


@given(counts())
def test_more_confidence_gives_a_wider_interval(count: tuple[int, int]) -> None:
    widths = [high - low for low, high in (wilson(*count, c) for c in (0.5, 0.9, 0.95, 0.99))]

    assert widths == sorted(set(widths))


def test_without_cases_nothing_is_known() -> None:
    assert wilson(0, 0) == (0.0, 1.0)


def test_a_sum_of_partial_scores_has_an_interval() -> None:
    low, high = wilson(7.5, 10)

    assert wilson(7, 10)[0] < low < 0.75 < high < wilson(8, 10)[1]


@pytest.mark.parametrize(
    ("hits", "n", "confidence"),
    [(-1, 10, 0.95), (11, 10, 0.95), (math.nan, 10, 0.95), (5, 10, 0), (5, 10, 1), (5, 10, 95)],
)
def test_impossible_counts_are_refused(hits: float, n: int, confidence: float) -> None:
    with pytest.raises(ValueError, match="must lie"):
        wilson(hits, n, confidence)


@pytest.mark.parametrize(
    ("hits", "n", "threshold", "more"),
    [
        (206, 220, 0.90, 42),
        (9, 10, 0.80, 52),
        (10, 10, 0.9, 25),
        (0, 3, 0.3, 6),
        (100, 100, 0.9, 0),
    ],
)
def test_the_number_of_missing_cases_is_the_one_worked_out_by_hand(
    hits: int, n: int, threshold: float, more: int
) -> None:
    assert more_cases_needed(hits, n, threshold) == more


@given(counts(), st.floats(0.01, 1), CONFIDENCES)
def test_so_many_more_cases_decide_and_one_fewer_does_not(
    count: tuple[int, int], threshold: float, confidence: float
) -> None:
    hits, n = count

    def is_decided(cases: int) -> bool:
        low, high = wilson(hits / n * cases, cases, confidence)
        return low >= threshold or high < threshold

    more = more_cases_needed(hits, n, threshold, confidence)
    assume(more is not None)

    assert more is not None
    assert is_decided(n + more)
    assert more == 0 or not is_decided(n + more - 1)


@given(counts(), st.floats(-0.002, 0.002))
def test_where_no_number_is_given_a_million_cases_would_not_decide(
    count: tuple[int, int], distance: float
) -> None:
    hits, n = count
    threshold = hits / n + distance

    more = more_cases_needed(hits, n, threshold)

    low, high = wilson(hits / n * MOST_CASES, MOST_CASES)
    assert (more is None) == (low < threshold <= high)


def test_a_score_on_the_threshold_is_never_decided_by_more_cases() -> None:
    assert more_cases_needed(90, 100, 0.9) is None


def test_a_number_just_below_a_million_cases_is_found() -> None:
    # Solved from Newcombe's quadratic: 947225 cases bring the lower bound of 2/3 to 0.66571...
    assert more_cases_needed(2, 3, 2 / 3 - 0.00095) == 947_225 - 3


def test_without_cases_no_number_is_guessed() -> None:
    assert more_cases_needed(0, 0, 0.9) is None


@given(st.lists(st.floats(0, 1), min_size=2, max_size=50))
def test_the_standard_error_is_that_of_the_mean(scores: list[float]) -> None:
    n = len(scores)
    expected = standard.stdev(scores) / math.sqrt(n)

    found = standard_error(sum(scores), sum(score * score for score in scores), n)

    assert found == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("n", [0, 1])
def test_one_score_has_no_standard_error(n: int) -> None:
    assert standard_error(float(n), float(n), n) == 0.0


@pytest.mark.parametrize(
    ("values", "share", "found"),
    [
        ([float(value) for value in range(1, 101)], 0.95, 95.0),
        ([float(value) for value in range(1, 21)], 0.95, 19.0),
        ([3.0, 1.0, 2.0], 0.5, 2.0),
        ([3.0, 1.0, 2.0], 0.0, 1.0),
        ([3.0, 1.0, 2.0], 1.0, 3.0),
        ([7.0], 0.95, 7.0),
    ],
)
def test_a_percentile_is_the_nearest_rank(values: list[float], share: float, found: float) -> None:
    assert percentile(values, share) == found
