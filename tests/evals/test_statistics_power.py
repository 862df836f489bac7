"""Power: how many cases a decision takes, and what a number of cases can show."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import binom
from statsmodels.stats.power import NormalIndPower

from pytest_llmprod.evals.statistics import (
    MOST_CASES,
    cases_needed,
    paired_cases_needed,
    paired_difference,
    smallest_drop,
    smallest_paired_drop,
    wilson,
)


def chance_to_decide(n: int, share: float, threshold: float, confidence: float = 0.95) -> float:
    """The exact chance of the right verdict, by going through all counts of hits."""
    chances = binom.pmf(range(n + 1), n, share)
    bounds = (wilson(hits, n, confidence) for hits in range(n + 1))
    return float(
        sum(
            chance
            for chance, (low, high) in zip(chances, bounds, strict=True)
            if (low >= threshold if share > threshold else high < threshold)
        )
    )


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 100), st.integers(5, 95), st.sampled_from([0.5, 0.8, 0.9]))
def test_no_smaller_number_of_cases_has_the_power_and_this_one_has(
    percent: int, threshold_percent: int, power: float
) -> None:
    assume(abs(percent - threshold_percent) >= 12)  # going through all counts takes its time
    share, threshold = percent / 100, threshold_percent / 100

    found = cases_needed(share, threshold, power=power)

    assert found is not None
    assert chance_to_decide(found, share, threshold) >= power - 1e-9
    assert all(chance_to_decide(n, share, threshold) < power for n in range(1, found))


@pytest.mark.parametrize(("share", "threshold"), [(0.95, 0.9), (0.9, 0.95), (0.7, 0.65)])
def test_the_number_is_near_the_one_of_the_normal_approximation(
    share: float, threshold: float
) -> None:
    # Each share with its own spread. The exact number is the first tooth to reach the power.
    z, z_power = 1.959964, 0.841621
    spread = z * math.sqrt(threshold * (1 - threshold)) + z_power * math.sqrt(share * (1 - share))
    expected = (spread / (share - threshold)) ** 2

    assert cases_needed(share, threshold) == pytest.approx(expected, rel=0.1)


def test_an_even_chance_is_a_power_of_a_half() -> None:
    # 19 cases need 10 hits: at an even share that is one half, exactly.
    assert chance_to_decide(18, 0.5, 0.3125) < 0.41
    assert chance_to_decide(19, 0.5, 0.3125) == pytest.approx(0.5, abs=1e-12)

    assert cases_needed(0.5, 0.3125, power=0.5) == 19


def test_a_model_without_a_miss_passes_at_35_cases() -> None:
    # The lower bound of 35 hits in 35 is the first above 0.9: 1 / (1 + z * z / 35).
    assert cases_needed(1, 0.9) == 35
    assert wilson(34, 34)[0] < 0.9 <= wilson(35, 35)[0]


def test_a_threshold_of_1_is_failed_by_the_first_miss() -> None:
    found = cases_needed(0.99, 1)

    assert found == 161
    assert 1 - 0.99**161 >= 0.8 > 1 - 0.99**160
    assert cases_needed(0, 1) == 1


def test_where_no_number_would_do_none_is_given() -> None:
    assert cases_needed(0.9, 0.9) is None
    assert cases_needed(0.9001, 0.9) is None
    assert cases_needed(0.9005, 0.9) is None  # two millions, and one is the most
    assert cases_needed(0.901, 0.9) is not None
    assert cases_needed(1 - 1e-9, 1) is None
    assert cases_needed(0.5, 0) == 1


def test_a_small_distance_takes_many_cases_and_little_time() -> None:
    found = cases_needed(0.901, 0.9)

    assert found is not None
    assert 600_000 < found < MOST_CASES


@given(st.floats(0.6, 0.99), st.sampled_from([20, 100, 500]))
def test_the_smallest_drop_is_shown_with_the_power_and_a_smaller_one_is_not(
    share: float, n: int
) -> None:
    drop = smallest_drop(n, share)

    def chance_to_show(drop: float) -> float:
        chances = binom.pmf(range(n + 1), n, share - drop)
        return float(sum(c for hits, c in enumerate(chances) if wilson(hits, n)[1] < share))

    assert drop is not None
    assert 0 < drop < share
    assert chance_to_show(drop + 1e-9) >= 0.8
    assert chance_to_show(drop - 1e-6) < 0.8


@given(st.floats(0.6, 0.99), st.integers(30, 2000))
def test_twice_the_cases_show_a_smaller_drop(share: float, n: int) -> None:
    few, many = smallest_drop(n, share), smallest_drop(4 * n, share)

    assert few is not None
    assert many is not None
    assert many < few


def test_the_confidence_of_the_interval_counts_for_the_smallest_drop() -> None:
    drops = [smallest_drop(200, 0.9, confidence=each) or math.nan for each in (0.8, 0.95, 0.99)]

    assert drops[0] < drops[1] < drops[2]
    assert smallest_drop(1, 1.0) is not None


def test_a_drop_that_cannot_be_shown_is_none() -> None:
    assert smallest_drop(3, 0.5) is None
    assert smallest_drop(0, 0.9) is None


def test_a_drop_that_only_no_hit_at_all_shows_is_found() -> None:
    n, share = 12, 0.25
    assert wilson(0, n)[1] < share <= wilson(1, n)[1]

    drop = smallest_drop(n, share)

    assert drop == pytest.approx(share - (1 - 0.8 ** (1 / n)))


def test_paired_cases_are_the_969_of_miller_2024() -> None:
    # omega squared is 1 / 9 and each answer is sure; then with a spread of 1 / 6 and 10 answers.
    assert paired_cases_needed(0.03, 1 / 9) == 969
    assert paired_cases_needed(0.03, 1 / 9 + (1 / 6) / 10 + (1 / 6) / 10) == math.ceil(1259.70)


@pytest.mark.parametrize(("difference", "variance"), [(0.05, 0.2), (0.1, 0.09), (-0.02, 0.05)])
def test_paired_cases_agree_with_statsmodels(difference: float, variance: float) -> None:
    theirs = NormalIndPower(ddof=0).solve_power(
        effect_size=abs(difference) / math.sqrt(variance), alpha=0.05, power=0.9, ratio=0
    )

    assert paired_cases_needed(difference, variance, power=0.9) == math.ceil(theirs)


def test_so_many_pairs_show_the_difference_as_often_as_was_asked() -> None:
    # 15 % of the cases change, 10 % for the worse.
    n = paired_cases_needed(-0.05, 0.15 - 0.05**2)
    generator = np.random.default_rng(1)
    tables = generator.multinomial(n, [0.8, 0.1, 0.05, 0.05], size=4000).tolist()

    shown = sum(paired_difference(table).upper < 0 for table in tables) / 4000

    assert shown == pytest.approx(0.8, abs=0.03)


def test_so_many_pairs_show_non_inferiority_as_often_as_was_asked() -> None:
    # The models are equally good, 10 % of the cases change, the margin is 0.04.
    n = paired_cases_needed(0.04, 0.1)
    generator = np.random.default_rng(2)
    tables = generator.multinomial(n, [0.8, 0.05, 0.05, 0.1], size=4000).tolist()

    shown = sum(paired_difference(table).lower > -0.04 for table in tables) / 4000

    assert shown == pytest.approx(0.8, abs=0.03)


@given(st.integers(20, 100_000), st.floats(0.01, 1))
def test_the_smallest_paired_drop_takes_as_many_cases_as_there_are(n: int, changed: float) -> None:
    drop = smallest_paired_drop(n, changed)

    if drop is None:
        assert n * changed < 8  # too few cases change for any drop to be shown
    else:
        assert 0 < drop <= changed
        assert paired_cases_needed(drop * (1 + 1e-9), changed - drop**2) in (n, n + 1)


def test_without_cases_or_changes_no_paired_drop_is_shown() -> None:
    assert smallest_paired_drop(0, 0.1) is None
    assert smallest_paired_drop(1000, 0) is None


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="difference of 0"):
        paired_cases_needed(0, 0.1)
    with pytest.raises(ValueError, match="variance must be"):
        paired_cases_needed(0.1, -0.1)
    with pytest.raises(ValueError, match="changed must lie"):
        smallest_paired_drop(100, 1.5)
    with pytest.raises(ValueError, match="share must lie"):
        smallest_drop(100, 0)
    with pytest.raises(ValueError, match="threshold must lie"):
        cases_needed(0.9, 1.5)
    with pytest.raises(ValueError, match="power must lie"):
        cases_needed(0.9, 0.8, power=1)
