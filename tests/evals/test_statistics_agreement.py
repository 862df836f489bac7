"""Agreement: kappa, and what is behind the share that an imperfect judge saw."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from statsmodels.stats.inter_rater import cohens_kappa as kappa_of_statsmodels
from statsmodels.stats.proportion import proportion_confint

from pytest_llmprod.evals.statistics import cohens_kappa, rogan_gladen, rogan_gladen_interval

LABELS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=80)
RATES = st.floats(0, 1)


def test_kappa_is_the_one_of_fleiss_cohen_and_everitt_1969() -> None:
    # Two psychiatrists, three diagnoses, 200 patients.
    table = [[106, 10, 4], [22, 28, 10], [2, 12, 6]]
    first = [row for row, counts in enumerate(table) for count in counts for _ in range(count)]
    second = [label for counts in table for label, count in enumerate(counts) for _ in range(count)]

    assert round(cohens_kappa(first, second) or 0, 3) == 0.429


@given(LABELS)
def test_kappa_agrees_with_statsmodels(labels: list[tuple[int, int]]) -> None:
    first, second = [one for one, _ in labels], [other for _, other in labels]
    table = np.zeros((4, 4))
    for one, other in labels:
        table[one, other] += 1

    found = cohens_kappa(first, second)

    if found is None:
        assert len({*first, *second}) == 1
    else:
        assert found == pytest.approx(kappa_of_statsmodels(table, return_results=False))


@given(LABELS)
def test_kappa_is_at_most_1_and_does_not_know_who_is_who(labels: list[tuple[int, int]]) -> None:
    first, second = [one for one, _ in labels], [other for _, other in labels]
    found = cohens_kappa(first, second)
    assume(found is not None)

    assert found is not None
    assert -1 <= found <= 1
    assert (found == 1) == (first == second)
    assert cohens_kappa(second, first) == found


def test_always_the_same_answer_agrees_often_and_says_nothing() -> None:
    people = [True] * 90 + [False] * 10

    assert cohens_kappa(people, [True] * 100) == 0
    assert cohens_kappa([True] * 100, [True] * 100) is None
    assert cohens_kappa([], []) is None


def test_raters_need_the_same_cases() -> None:
    with pytest.raises(ValueError, match="zip"):
        cohens_kappa("ab", "a")


@given(RATES, RATES, RATES)
def test_what_an_imperfect_judge_would_see_is_put_right(
    true: float, sensitivity: float, specificity: float
) -> None:
    assume(sensitivity + specificity > 1.01)
    observed = true * sensitivity + (1 - true) * (1 - specificity)

    found = rogan_gladen(min(1.0, observed), sensitivity, specificity)

    assert found == pytest.approx(true, abs=1e-9)


def test_the_true_share_is_the_one_of_the_manual_of_epir() -> None:
    # epi.prev: 23 of 150 positive, sensitivity 96 %, specificity 89 %: 5.1 in 100.
    assert round(rogan_gladen(23 / 150, 0.96, 0.89), 3) == 0.051
    # RSurveillance tp: 20 of 120, 0.9 and 0.99.
    assert round(rogan_gladen(20 / 120, 0.9, 0.99), 5) == 0.17603


@given(RATES, RATES, RATES)
def test_a_corrected_share_stays_in_0_to_1(
    observed: float, sensitivity: float, specificity: float
) -> None:
    assume(sensitivity + specificity > 1)

    assert 0 <= rogan_gladen(observed, sensitivity, specificity) <= 1


def test_a_share_that_no_judge_of_that_kind_could_see_is_clipped() -> None:
    assert rogan_gladen(0.02, 0.9, 0.9) == 0
    assert rogan_gladen(0.98, 0.9, 0.9) == 1


@pytest.mark.parametrize(("sensitivity", "specificity"), [(0.5, 0.5), (0.3, 0.4), (0.0, 1.0)])
def test_a_judge_no_better_than_a_coin_corrects_nothing(
    sensitivity: float, specificity: float
) -> None:
    with pytest.raises(ValueError, match="no better than a coin"):
        rogan_gladen(0.5, sensitivity, specificity)


@pytest.mark.parametrize("rate", [-0.1, 1.1, math.nan])
def test_what_is_no_rate_is_refused(rate: float) -> None:
    for rates in ((rate, 0.9, 0.9), (0.5, rate, 0.9), (0.5, 0.9, rate)):
        with pytest.raises(ValueError, match=r"must lie in 0\.\.1"):
            rogan_gladen(*rates)


@given(st.integers(1, 500), st.data())
def test_a_judge_known_to_be_perfect_leaves_the_interval_of_agresti_and_coull(
    n: int, data: st.DataObject
) -> None:
    hits = data.draw(st.integers(0, n))
    many = 10**12
    low, high = proportion_confint(hits, n, method="agresti_coull")

    found = rogan_gladen_interval((hits, n), (many, many), (many, many))

    assert found == pytest.approx((max(0.0, low), min(1.0, high)), abs=1e-5)


def test_the_interval_is_that_of_the_delta_method_with_numeric_derivatives() -> None:
    # Far from 0 and 1, and with many cases, pseudo-counts and the shift hardly matter.
    observed, positives, negatives = (42_000, 60_000), (36_000, 40_000), (17_000, 20_000)
    rates = [count / n for count, n in (observed, positives, negatives)]
    variance = 0.0
    for place, (count, n) in enumerate((observed, positives, negatives)):
        moved = [rate + (1e-6 if place == i else 0) for i, rate in enumerate(rates)]
        slope = (rogan_gladen(*moved) - rogan_gladen(*rates)) / 1e-6
        variance += slope**2 * count / n * (1 - count / n) / n

    low, high = rogan_gladen_interval(observed, positives, negatives)

    assert (high - low) / 2 == pytest.approx(1.959964 * math.sqrt(variance), rel=1e-3)
    assert (low + high) / 2 == pytest.approx(rogan_gladen(*rates), abs=2e-4)


def lang_and_reiczigel(
    observed: tuple[int, int], positives: tuple[int, int], negatives: tuple[int, int]
) -> tuple[float, float]:
    """The interval as the paper prints it, with its own letters, not clipped."""
    z = 1.959963984540054
    (x, n), (x_se, n_se), (x_sp, n_sp) = observed, positives, negatives
    n_1, n_se_1, n_sp_1 = n + z**2, n_se + 2, n_sp + 2
    p_1, se_1, sp_1 = (x + z**2 / 2) / n_1, (x_se + 1) / n_se_1, (x_sp + 1) / n_sp_1
    pi_1 = (p_1 + sp_1 - 1) / (se_1 + sp_1 - 1)
    shift = pi_1 * se_1 * (1 - se_1) / n_se_1 - (1 - pi_1) * sp_1 * (1 - sp_1) / n_sp_1
    centre = pi_1 + 2 * z**2 * shift
    variance = p_1 * (1 - p_1) / n_1
    variance += pi_1**2 * se_1 * (1 - se_1) / n_se_1
    variance += (1 - pi_1) ** 2 * sp_1 * (1 - sp_1) / n_sp_1
    half = z * math.sqrt(variance) / (se_1 + sp_1 - 1)
    return centre - half, centre + half


@pytest.mark.parametrize(
    ("observed", "positives", "negatives"),
    [
        ((60, 100), (45, 50), (40, 50)),
        ((30, 100), (28, 30), (57, 60)),
        ((80, 90), (95, 100), (9, 10)),
    ],
)
def test_the_interval_is_that_of_lang_and_reiczigel_2014(
    observed: tuple[int, int], positives: tuple[int, int], negatives: tuple[int, int]
) -> None:
    low, high = lang_and_reiczigel(observed, positives, negatives)

    found = rogan_gladen_interval(observed, positives, negatives)

    assert found == pytest.approx((low, min(1.0, high)), abs=1e-9)


@st.composite
def calibrations(draw: st.DrawFn) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    def counted() -> tuple[int, int]:
        n = draw(st.integers(1, 300))
        return draw(st.integers(0, n)), n

    return counted(), counted(), counted()


@given(calibrations(), st.sampled_from([0.8, 0.95, 0.99]))
def test_the_interval_stays_in_0_to_1_and_is_wider_with_more_confidence(
    counts: tuple[tuple[int, int], tuple[int, int], tuple[int, int]], confidence: float
) -> None:
    low, high = rogan_gladen_interval(*counts, confidence)

    assert 0 <= low <= high <= 1


@pytest.mark.parametrize(
    ("sensitivity", "specificity", "cases"), [(0.9, 0.9, 50), (0.95, 0.8, 50), (0.98, 0.98, 200)]
)
@pytest.mark.parametrize("true", [0.5, 0.9, 0.99])
def test_simulated_judges_hold_the_truth_at_least_at_the_nominal_rate(
    sensitivity: float, specificity: float, cases: int, true: float
) -> None:
    generator = np.random.default_rng(9)
    runs = 3000
    share = true * sensitivity + (1 - true) * (1 - specificity)
    observed = generator.binomial(300, share, size=runs).tolist()
    positives = generator.binomial(cases, sensitivity, size=runs).tolist()
    negatives = generator.binomial(cases, specificity, size=runs).tolist()

    bounds = [
        rogan_gladen_interval((o, 300), (p, cases), (q, cases))
        for o, p, q in zip(observed, positives, negatives, strict=True)
    ]

    held = sum(low <= true <= high for low, high in bounds) / runs
    assert held >= 0.94


def test_a_judge_that_nobody_measured_leaves_everything_open() -> None:
    assert rogan_gladen_interval((90, 100), (0, 0), (45, 50)) == (0.0, 1.0)
    assert rogan_gladen_interval((90, 100), (25, 50), (25, 50)) == (0.0, 1.0)


def test_impossible_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="count must lie"):
        rogan_gladen_interval((90, 100), (51, 50), (45, 50))
