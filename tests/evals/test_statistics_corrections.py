"""Corrections for many findings, and for many looks at one."""

import math
import random
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom
from statsmodels.stats.multitest import multipletests

from pytest_llmprod.evals.statistics import (
    benjamini_hochberg,
    confidence_at_look,
    holm,
    shared_confidence,
    wilson,
)

PS = st.lists(st.floats(0, 1), max_size=40)

# Section 4.5 and 4.6 of the field notes: eight tasks of BIG-Bench-Hard.
EXACT = [0.0614283, 5.5447e-12, 0.047393, 9.245e-29, 3.113e-28, 0.00222753, 0.0498001, 0.0204147]
HOLM = [0.1422, 3.327e-11, 0.1422, 7.396e-28, 2.179e-27, 0.01114, 0.1422, 0.08166]
RATES = [0.06143, 1.479e-11, 0.05691, 7.396e-28, 1.245e-27, 0.004455, 0.05691, 0.03266]


def test_both_corrections_are_those_of_the_field_notes() -> None:
    assert holm(EXACT) == pytest.approx(HOLM, rel=1e-3)
    assert benjamini_hochberg(EXACT) == pytest.approx(RATES, rel=1e-3)


def test_of_seven_findings_holm_keeps_four_and_benjamini_hochberg_five() -> None:
    found = [sum(p < 0.05 for p in ps) for ps in (EXACT, holm(EXACT), benjamini_hochberg(EXACT))]

    assert found == [7, 4, 5]


@settings(max_examples=15)  # statsmodels collects garbage at each call of holm
@given(PS.filter(bool))
def test_holm_agrees_with_statsmodels(ps: list[float]) -> None:
    assert holm(ps) == pytest.approx(multipletests(ps, method="holm")[1].tolist())


@given(PS.filter(bool))
def test_benjamini_hochberg_agrees_with_statsmodels(ps: list[float]) -> None:
    theirs = multipletests(ps, method="fdr_bh")[1].tolist()

    assert benjamini_hochberg(ps) == pytest.approx(theirs)


@given(PS)
def test_holm_promises_most_and_no_correction_makes_a_p_smaller(ps: list[float]) -> None:
    found = zip(ps, benjamini_hochberg(ps), holm(ps), strict=True)

    assert all(
        p <= rate + 1e-15 and rate <= strict + 1e-15 <= 1 + 1e-15 for p, rate, strict in found
    )


@given(PS)
def test_the_order_of_the_ps_is_kept(ps: list[float]) -> None:
    for corrected in (holm(ps), benjamini_hochberg(ps)):
        in_order = [p for _, p in sorted(zip(ps, corrected, strict=True))]
        assert in_order == sorted(corrected)


@given(PS, st.randoms())
def test_a_p_is_corrected_alike_wherever_it_stands(
    ps: list[float], generator: random.Random
) -> None:
    order = list(range(len(ps)))
    generator.shuffle(order)

    for correct in (holm, benjamini_hochberg):
        corrected = correct(ps)
        assert correct([ps[i] for i in order]) == [corrected[i] for i in order]


def test_without_ps_there_is_nothing_to_correct() -> None:
    assert holm([]) == benjamini_hochberg([]) == []


@pytest.mark.parametrize("p", [-0.01, 1.01, math.nan])
def test_what_is_no_p_is_refused(p: float) -> None:
    for correct in (holm, benjamini_hochberg):
        with pytest.raises(ValueError, match="p-value"):
            correct([0.5, p])


@given(st.floats(0.5, 0.999), st.integers(1, 200))
def test_shared_out_the_chance_of_a_miss_adds_up_to_the_whole(
    confidence: float, parts: int
) -> None:
    each = shared_confidence(confidence, parts)

    assert parts * (1 - each) == pytest.approx(1 - confidence, rel=1e-6)
    assert each >= confidence


def test_the_chances_of_all_looks_together_stay_below_that_of_one() -> None:
    spent = [1 - confidence_at_look(0.95, look) for look in range(1, 5000)]

    # 0.05 times 1 / 2 + 1 / 6 + 1 / 12 + ..., of which each partial sum is k / (k + 1).
    assert sum(spent) == pytest.approx(0.05 * float(Fraction(4999, 5000)))
    assert spent == sorted(spent, reverse=True)


@pytest.mark.parametrize("number", [0, -1])
def test_there_is_no_part_and_no_look_before_the_first(number: int) -> None:
    with pytest.raises(ValueError, match="at least 1 part"):
        shared_confidence(0.95, number)
    with pytest.raises(ValueError, match="counted from 1"):
        confidence_at_look(0.95, number)


def test_of_many_slices_without_a_fault_one_is_below_its_threshold_all_the_same() -> None:
    # 20 slices of 100 cases at 0.9: how often does any of them fail though none is worse?
    generator = np.random.default_rng(1)
    runs = generator.binomial(100, 0.9, size=(3000, 20))

    def share_of_runs_with_a_failure(confidence: float) -> float:
        most = max(h for h in range(101) if wilson(h, 100, confidence)[1] < 0.9)
        return float((runs <= most).any(axis=1).mean())

    assert share_of_runs_with_a_failure(0.95) > 0.25
    assert share_of_runs_with_a_failure(shared_confidence(0.95, 20)) <= 0.05


# "Look until green": the true share is the threshold, so each PASS is a wrong one, and one look
# may go wrong in 2.5 % of the cases.


def least_hits_to_pass(n: int, threshold: float, confidence: float) -> int:
    return next((h for h in range(n + 1) if wilson(h, n, confidence)[0] >= threshold), n + 1)


def test_running_again_until_it_passes_is_caught_by_counting_the_looks() -> None:
    # 200 cases, answered anew in each of at most 20 runs; the last run is the one that passes.
    generator = np.random.default_rng(2)
    hits = generator.binomial(200, 0.9, size=(4000, 20))

    once = least_hits_to_pass(200, 0.9, 0.95)
    counted = [
        least_hits_to_pass(200, 0.9, confidence_at_look(0.95, look)) for look in range(1, 21)
    ]
    shared = least_hits_to_pass(200, 0.9, shared_confidence(0.95, 20))

    error = 3 * math.sqrt(0.025 * 0.975 / 4000)
    assert (hits[:, 0] >= once).mean() <= 0.025 + error
    assert (hits >= once).any(axis=1).mean() > 0.25
    assert (hits >= np.array(counted)).any(axis=1).mean() <= 0.025 + error
    assert (hits >= shared).any(axis=1).mean() <= 0.025 + error


def chance_to_pass_at_any_look(threshold: float, looks: list[int], least: list[int]) -> float:
    """The exact chance that hits reach what one of the looks asks, as cases are added.

    `looks` are numbers of cases. A run that passed is over; the others are carried on, as a
    distribution of their hits.
    """
    alive = np.array([1.0])
    passed = 0.0
    n = 0
    for cases, bound in zip(looks, least, strict=True):
        step = binom.pmf(np.arange(cases - n + 1), cases - n, threshold)
        alive = np.convolve(alive, step)
        n = cases
        passed += float(alive[bound:].sum())
        alive[bound:] = 0.0
    return passed


def test_adding_cases_until_it_passes_is_caught_by_counting_the_looks() -> None:
    looks = list(range(20, 1001, 20))
    naive = [least_hits_to_pass(n, 0.9, 0.95) for n in looks]
    counted = [
        least_hits_to_pass(n, 0.9, confidence_at_look(0.95, look))
        for look, n in enumerate(looks, 1)
    ]

    assert chance_to_pass_at_any_look(0.9, looks[-1:], naive[-1:]) <= 0.025
    assert chance_to_pass_at_any_look(0.9, looks, naive) > 0.08
    assert chance_to_pass_at_any_look(0.9, looks, counted) <= 0.025


def test_a_good_model_still_passes_though_the_looks_are_counted() -> None:
    looks = list(range(100, 1001, 100))
    counted = [
        least_hits_to_pass(n, 0.9, confidence_at_look(0.95, look))
        for look, n in enumerate(looks, 1)
    ]
    alive_at_truth = chance_to_pass_at_any_look(0.95, looks, counted)

    assert alive_at_truth > 0.9
