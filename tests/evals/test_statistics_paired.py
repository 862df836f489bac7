"""Pairs: two models on the same cases. A is the old one, B the new one, a difference is B - A."""

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import binomtest
from statsmodels.stats.contingency_tables import mcnemar

from pytest_llmprod.evals.statistics import (
    MOST_CASES,
    Design,
    mcnemar_chi_squared,
    mcnemar_exact,
    non_inferiority,
    paired_difference,
    paired_table,
    wilson,
)

Table = tuple[int, int, int, int]

CELLS = st.integers(0, 400)
TABLES = st.tuples(CELLS, CELLS, CELLS, CELLS).filter(any)
CONFIDENCES = st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.99])
DISCORDANT = st.integers(0, 3000)
BOOLEAN_EXPRESSIONS = (212, 9, 20, 9)
WORD_SORTING = (82, 44, 19, 105)


# The limits that the test suite of R's contingencytables expects (Cavo et al. 2012), and those of
# Fagerland, Lydersen and Laake 2014 (Bentur et al. 2009). Both subtract B from A.
@pytest.mark.parametrize(
    ("table", "difference", "lower", "upper"),
    [
        ((59, 6, 16, 80), -0.0621, -0.1186, -0.0046),
        ((1, 1, 7, 12), -0.286, -0.507, -0.026),
    ],
)
def test_the_interval_agrees_with_published_ones(
    table: Table, difference: float, lower: float, upper: float
) -> None:
    both, only_a, only_b, neither = table
    digits = 4 if difference == -0.0621 else 3

    found = paired_difference((both, only_b, only_a, neither))

    assert [round(value, digits) for value in found] == [difference, lower, upper]


def newcombe(table: Sequence[int], confidence: float) -> tuple[float, float, float]:
    """Newcombe's method 10 for A - B, written down from the paper with its own letters."""
    e, f, g, h = table
    n = e + f + g + h
    low_2, high_2 = wilson(e + f, n, confidence)
    low_3, high_3 = wilson(e + g, n, confidence)
    dl_2, du_2 = (e + f) / n - low_2, high_2 - (e + f) / n
    dl_3, du_3 = (e + g) / n - low_3, high_3 - (e + g) / n
    product = (e + f) * (g + h) * (e + g) * (f + h)
    numerator: float = e * h - f * g
    if numerator > 0:
        numerator = max(numerator - n / 2, 0)
    phi = numerator / math.sqrt(product) if product else 0.0
    delta = math.sqrt(max(0.0, dl_2**2 - 2 * phi * dl_2 * du_3 + du_3**2))
    epsilon = math.sqrt(max(0.0, du_2**2 - 2 * phi * du_2 * dl_3 + dl_3**2))
    theta = (f - g) / n
    return theta, max(-1.0, theta - delta), min(1.0, theta + epsilon)


@given(TABLES, CONFIDENCES)
def test_the_interval_is_method_10_of_newcombe_1998(table: Table, confidence: float) -> None:
    theta, lower, upper = newcombe(table, confidence)

    found = paired_difference(table, confidence)

    assert found == pytest.approx((-theta, -upper, -lower), abs=1e-9)


@given(TABLES, CONFIDENCES)
def test_the_interval_holds_the_difference_and_stays_in_minus_1_to_1(
    table: Table, confidence: float
) -> None:
    _, only_a, only_b, _ = table

    found = paired_difference(table, confidence)

    assert found.difference == (only_b - only_a) / sum(table)
    assert -1 <= found.lower <= found.difference <= found.upper <= 1
    assert found.lower < found.upper
    assert found.interval == (found.lower, found.upper)


@given(TABLES)
def test_the_interval_changes_sides_with_the_models(table: Table) -> None:
    both, only_a, only_b, neither = table
    there = paired_difference(table)

    back = paired_difference((both, only_b, only_a, neither))

    assert back == pytest.approx((-there.difference, -there.upper, -there.lower), abs=1e-12)


@given(TABLES)
def test_the_interval_mirrors_when_hits_and_misses_change_places(table: Table) -> None:
    both, only_a, only_b, neither = table
    found = paired_difference(table)

    mirrored = paired_difference((neither, only_b, only_a, both))

    assert mirrored == pytest.approx((-found.difference, -found.upper, -found.lower), abs=1e-12)


@given(TABLES, st.integers(2, 20))
def test_a_wider_sample_gives_a_narrower_interval(table: Table, factor: int) -> None:
    found = paired_difference(table)

    wider = paired_difference([cell * factor for cell in table])

    assert wider.upper - wider.lower < found.upper - found.lower


def test_where_nothing_changed_the_interval_has_a_width() -> None:
    found = paired_difference((50, 0, 0, 0))

    assert found.difference == 0
    assert found.lower == pytest.approx(-(1 - wilson(50, 50)[0]))
    assert found.upper == -found.lower


def test_without_cases_nothing_is_known() -> None:
    assert paired_difference((0, 0, 0, 0)) == (0.0, -1.0, 1.0)
    assert non_inferiority((0, 0, 0, 0), 0.1).verdict == "INCONCLUSIVE"
    assert non_inferiority((0, 0, 0, 0), 0.1).more_cases is None


def test_cases_that_hang_together_count_for_less() -> None:
    alone = paired_difference((800, 50, 30, 120))

    together = paired_difference((800, 50, 30, 120), design=Design(effect=10.0, clusters=10_000))

    tenth = paired_difference((80, 5, 3, 12))
    assert together.difference == alone.difference
    assert together == pytest.approx(tenth, abs=1e-4)


def test_one_cluster_says_nothing_about_others() -> None:
    found = paired_difference((80, 5, 3, 12), design=Design(effect=100.0, clusters=1))

    assert found.interval == (-1, 1)
    assert found.difference == -0.02


@pytest.mark.parametrize(
    "table", [(-1, 2, 3, 4), (1, 2, 3, math.nan), (1, 2, math.inf, 4), (1, 2, 3), (1, 2, 3, 4, 5)]
)
def test_what_is_no_table_is_refused(table: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match=r"counts must be|values to unpack"):
        paired_difference(table)


@given(st.lists(st.tuples(st.booleans(), st.booleans())))
def test_a_table_counts_who_was_right(pairs: list[tuple[bool, bool]]) -> None:
    table = paired_table([a for a, _ in pairs], [b for _, b in pairs])

    kinds = [(True, True), (True, False), (False, True), (False, False)]
    assert table == tuple(pairs.count(kind) for kind in kinds)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=50))
def test_partial_scores_keep_their_means_and_make_no_interval_too_narrow(
    pairs: list[tuple[float, float]],
) -> None:
    old, new = [a for a, _ in pairs], [b for _, b in pairs]
    n = len(pairs)

    table = paired_table(old, new)

    assert min(table) >= 0
    assert sum(table) == pytest.approx(n)
    both, only_a, only_b, _ = table
    assert (both + only_a, both + only_b) == pytest.approx((sum(old), sum(new)), abs=1e-9)
    spread = (only_a + only_b) / n - ((only_b - only_a) / n) ** 2
    differences = [b - a for a, b in pairs]
    assert spread >= np.var(differences) - 1e-9


def test_rounding_leaves_no_cell_under_0() -> None:
    assert 1 - 0.3 - 1.0 + 0.3 < 0

    assert paired_table([0.3], [1.0]) == (0.3, 0, 0.7, 0)


@pytest.mark.parametrize(("old", "new"), [([2.0], [1.0]), ([1.0], [-0.5]), ([math.nan], [1.0])])
def test_what_is_no_score_is_refused(old: list[float], new: list[float]) -> None:
    with pytest.raises(ValueError, match=r"scores must lie in 0\.\.1"):
        paired_table(old, new)


def test_each_case_needs_both_scores() -> None:
    with pytest.raises(ValueError, match="zip"):
        paired_table([1, 1], [1])


@pytest.mark.parametrize(
    ("b", "c", "p"),
    [(86, 150, 3.7159e-5), (88, 260, 7.466e-21), (79, 306, 1.240e-32), (209, 152, 0.00315066)],
)
def test_the_exact_p_is_the_one_of_the_field_notes(b: int, c: int, p: float) -> None:
    assert mcnemar_exact(b, c) == pytest.approx(p, rel=5e-4)


@given(DISCORDANT, DISCORDANT)
def test_the_exact_p_agrees_with_statsmodels(b: int, c: int) -> None:
    theirs = mcnemar([[0, b], [c, 0]], exact=True).pvalue

    assert mcnemar_exact(b, c) == pytest.approx(theirs, rel=1e-9, abs=1e-250)


@given(DISCORDANT, DISCORDANT)
def test_the_one_sided_p_agrees_with_scipy(b: int, c: int) -> None:
    assume(b + c > 0)

    # scipy has 0 for what is smaller still.
    for side in ("less", "greater"):
        theirs = binomtest(c, b + c, 0.5, alternative=side).pvalue
        assert mcnemar_exact(b, c, side) == pytest.approx(theirs, rel=1e-9, abs=1e-250)


@given(st.integers(0, 40), st.integers(0, 40))
def test_the_exact_p_is_the_enumerated_one(b: int, c: int) -> None:
    n, least = b + c, min(b, c)
    tail = Fraction(sum(math.comb(n, k) for k in range(least + 1)), 2**n)

    assert mcnemar_exact(b, c) == float(min(Fraction(1), 2 * tail))


@given(st.integers(0, 500), st.integers(0, 500))
def test_a_p_lies_in_0_to_1_and_does_not_know_the_sides(b: int, c: int) -> None:
    assert 0 < mcnemar_exact(b, c) <= 1
    assert mcnemar_exact(b, c) == mcnemar_exact(c, b)
    assert mcnemar_exact(b, c, "less") == mcnemar_exact(c, b, "greater")


def test_where_nothing_changed_nothing_is_significant() -> None:
    assert mcnemar_exact(0, 0) == 1
    assert mcnemar_exact(0, 0, "less") == 1
    assert mcnemar_chi_squared(0, 0) == 0


def test_counts_under_0_are_refused() -> None:
    with pytest.raises(ValueError, match="counts must be 0 or more"):
        mcnemar_exact(-1, 3)


@pytest.mark.parametrize(
    ("b", "c", "plain", "corrected"),
    [(86, 150, 17.3559, 16.8178), (88, 260, 85.0115, 84.0259), (79, 306, 133.8416, 132.6649)],
)
def test_mcnemars_chi_squared_is_that_of_the_field_notes_and_of_statsmodels(
    b: int, c: int, plain: float, corrected: float
) -> None:
    table = [[0, b], [c, 0]]
    theirs = mcnemar(table, exact=False, correction=False).statistic
    theirs_corrected = mcnemar(table, exact=False, correction=True).statistic

    assert round(mcnemar_chi_squared(b, c), 4) == plain == round(theirs, 4)
    found = mcnemar_chi_squared(b, c, continuity=True)
    assert round(found, 4) == corrected == round(theirs_corrected, 4)


def test_a_regression_is_inferior_an_improvement_is_not_and_a_few_cases_show_neither() -> None:
    better = non_inferiority((125, 4, 113, 8), 0.02)
    worse = non_inferiority(WORD_SORTING, 0.02)
    few = non_inferiority((18, 1, 1, 0), 0.02)

    assert (better.verdict, better.more_cases) == ("NON-INFERIOR", 0)
    assert (worse.verdict, worse.more_cases) == ("INFERIOR", 0)
    assert (few.verdict, few.margin) == ("INCONCLUSIVE", 0.02)
    assert few.difference == paired_difference((18, 1, 1, 0))


def test_what_a_wald_interval_calls_better_is_not_significant() -> None:
    # Section 4.5 of the field notes: Wald has 0.0021 to 0.0859 here.
    _, only_a, only_b, _ = BOOLEAN_EXPRESSIONS
    spread = only_a + only_b - (only_b - only_a) ** 2 / 250
    assert (only_b - only_a) / 250 - 1.96 * math.sqrt(spread) / 250 > 0

    assert mcnemar_exact(only_a, only_b) > 0.05
    assert non_inferiority(BOOLEAN_EXPRESSIONS, 0.01).verdict == "NON-INFERIOR"


@given(TABLES, st.floats(0, 0.3), CONFIDENCES)
def test_the_verdict_is_where_the_interval_lies(
    table: Table, margin: float, confidence: float
) -> None:
    _, lower, upper = paired_difference(table, confidence)

    found = non_inferiority(table, margin, confidence).verdict

    assert (found == "NON-INFERIOR") == (lower > -margin)
    assert (found == "INFERIOR") == (upper < -margin)


@given(TABLES, st.floats(0, 0.3))
def test_so_many_more_cases_decide_and_one_fewer_does_not(table: Table, margin: float) -> None:
    n = sum(table)

    def is_decided(cases: int) -> bool:
        _, lower, upper = paired_difference([cell * cases / n for cell in table])
        return lower > -margin or upper < -margin

    found = non_inferiority(table, margin)

    if found.more_cases is None:
        assert not is_decided(MOST_CASES)
    else:
        assert is_decided(n + found.more_cases)
        assert found.more_cases == 0 or not is_decided(n + found.more_cases - 1)


def test_more_cases_bring_more_clusters_and_with_them_a_smaller_quantile() -> None:
    table, design = (100, 5, 5, 10), Design(effect=3.0, clusters=4)

    more = non_inferiority(table, 0.05, design=design).more_cases

    def lower_bound(cases: int) -> float:
        grown = Design(effect=3.0, clusters=4 * cases // 120)
        return paired_difference([cell * cases / 120 for cell in table], design=grown).lower

    assert more is not None
    assert lower_bound(120 + more) > -0.05 >= lower_bound(120 + more - 1)


def test_a_difference_on_the_margin_is_never_decided_by_more_cases() -> None:
    assert non_inferiority((80, 15, 5, 0), 0.1).more_cases is None


@pytest.mark.parametrize("margin", [-0.1, 1, math.nan])
def test_a_margin_that_is_none_is_refused(margin: float) -> None:
    with pytest.raises(ValueError, match="margin must lie"):
        non_inferiority((80, 15, 5, 0), margin)


def cells_of(old: float, new: float, phi: float) -> list[float]:
    """The chances of the four cells of two models with these shares and this correlation."""
    both = old * new + phi * math.sqrt(old * (1 - old) * new * (1 - new))
    return [both, old - both, new - both, 1 - old - new + both]


@pytest.mark.parametrize(("old", "new", "phi"), [(0.5, 0.5, 0.0), (0.9, 0.8, 0.5), (0.8, 0.7, 0.7)])
def test_the_interval_of_20_pairs_holds_the_truth_at_least_at_the_nominal_rate(
    old: float, new: float, phi: float
) -> None:
    # Exact: all 1771 tables of 20 cases.
    chances = cells_of(old, new, phi)
    held = 0.0
    for both in range(21):
        for only_a in range(21 - both):
            for only_b in range(21 - both - only_a):
                table = (both, only_a, only_b, 20 - both - only_a - only_b)
                weight = math.factorial(20)
                for count, chance in zip(table, chances, strict=True):
                    weight = weight / math.factorial(count) * chance**count
                _, lower, upper = paired_difference(table)
                held += weight * (lower - 1e-12 <= new - old <= upper + 1e-12)

    assert 0.95 <= held <= 1


@pytest.mark.parametrize("n", [20, 50, 200])
@pytest.mark.parametrize("share", [0.5, 0.9, 0.99])
def test_simulated_pairs_hold_the_truth_at_least_at_the_nominal_rate(n: int, share: float) -> None:
    generator = np.random.default_rng(20_251_126 + n)
    runs = 4000
    tables = generator.multinomial(n, cells_of(share, share, 0.5), size=runs).tolist()

    found = [paired_difference(table) for table in tables]

    held = sum(lower <= 0 <= upper for _, lower, upper in found) / runs
    assert held >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / runs)


def test_a_model_that_is_worse_by_the_margin_seldom_is_called_non_inferior() -> None:
    generator = np.random.default_rng(3)
    runs = 4000
    tables = generator.multinomial(300, cells_of(0.9, 0.85, 0.4), size=runs).tolist()

    wrong = sum(paired_difference(table).lower > -0.05 for table in tables) / runs

    assert wrong <= 0.025 + 3 * math.sqrt(0.025 * 0.975 / runs)
