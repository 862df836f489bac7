"""Clusters: what cases are worth that go right or wrong together."""

import math
import random
from collections.abc import Callable

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st

from pytest_llmprod.evals.statistics import (
    Design,
    clustered_difference,
    clustered_stderr,
    clustered_wilson,
    design_of,
    design_of_difference,
    more_cases_needed,
    paired_difference,
    paired_table,
    share_interval,
    standard_error,
    wilson,
)

Scored = tuple[list[float], list[int]]


@st.composite
def scored(draw: st.DrawFn, *, exact: bool = True) -> Scored:
    """Scores with their clusters: hits and misses, or anything in 0..1."""
    score = st.sampled_from([0.0, 1.0]) if exact else st.floats(0, 1)
    pairs = draw(st.lists(st.tuples(score, st.integers(0, 8)), min_size=1, max_size=60))
    return [each for each, _ in pairs], [cluster for _, cluster in pairs]


def test_the_clustered_error_is_the_one_worked_out_by_hand() -> None:
    # Mean 0.6; the clusters' deviations add up to -0.2, 0.4 and -0.2 and their squares to 0.24.
    found = clustered_stderr([1, 0, 1, 1, 0], ["a", "a", "b", "c", "c"])

    assert found == pytest.approx(math.sqrt(0.24) / 5)


@given(scored(exact=False))
def test_the_clustered_error_is_the_double_sum_of_miller_2024_equation_4(rows: Scored) -> None:
    scores, clusters = rows
    n = len(scores)
    mean = sum(scores) / n
    products = (
        (one - mean) * (other - mean)
        for one, cluster in zip(scores, clusters, strict=True)
        for other, same in zip(scores, clusters, strict=True)
        if cluster == same
    )

    expected = math.sqrt(max(0.0, sum(products))) / n if n > 1 else 0.0
    assert clustered_stderr(scores, clusters) == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("seed", range(5))
def test_the_clustered_error_agrees_with_statsmodels(seed: int) -> None:
    generator = random.Random(seed)
    scores = [float(generator.random() < 0.7) for _ in range(300)]
    clusters = [generator.randrange(40) for _ in scores]
    fit = sm.OLS(scores, np.ones(300)).fit(
        cov_type="cluster", cov_kwds={"groups": clusters, "use_correction": False}
    )

    assert clustered_stderr(scores, clusters) == pytest.approx(float(fit.bse[0]), rel=1e-9)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=50))
def test_clusters_of_one_give_the_plain_error_but_for_n_minus_1(scores: list[float]) -> None:
    n = len(scores)
    plain = standard_error(sum(scores), sum(score * score for score in scores), n)

    found = clustered_stderr(scores, range(n))

    assert found == pytest.approx(plain * math.sqrt((n - 1) / n), abs=1e-7)


@given(scored(exact=False))
def test_the_order_of_the_cases_does_not_matter(rows: Scored) -> None:
    scores, clusters = rows

    turned = clustered_wilson(scores[::-1], clusters[::-1])

    assert turned == pytest.approx(clustered_wilson(scores, clusters), abs=1e-12)


@given(st.lists(st.sampled_from([0.0, 1.0]), min_size=1, max_size=50))
def test_with_a_cluster_for_each_case_the_interval_is_wilsons(scores: list[float]) -> None:
    found = clustered_wilson(scores, range(len(scores)))

    assert found == pytest.approx(wilson(sum(scores), len(scores)), abs=1e-12)


@given(scored(exact=False), st.sampled_from([0.8, 0.95, 0.99]))
def test_clusters_never_make_an_interval_narrower(rows: Scored, confidence: float) -> None:
    scores, clusters = rows
    low, high = wilson(math.fsum(scores), len(scores), confidence)

    clustered_low, clustered_high = clustered_wilson(scores, clusters, confidence)

    assert 0 <= clustered_low <= low + 1e-12
    assert high - 1e-12 <= clustered_high <= 1


@given(scored())
def test_hits_and_misses_mirror(rows: Scored) -> None:
    scores, clusters = rows
    low, high = clustered_wilson(scores, clusters)

    mirrored = clustered_wilson([1 - score for score in scores], clusters)

    assert mirrored == pytest.approx((1 - high, 1 - low), abs=1e-9)


@given(scored(), st.integers(2, 5))
def test_more_clusters_of_the_same_kind_give_a_narrower_interval(rows: Scored, times: int) -> None:
    scores, clusters = rows
    more = [(copy, cluster) for copy in range(times) for cluster in clusters]
    low, high = clustered_wilson(scores, clusters)

    more_low, more_high = clustered_wilson(scores * times, more)

    # Of one cluster nothing is known, of two hardly more.
    assert more_high - more_low <= high - low


@given(st.lists(st.sampled_from([0.0, 1.0]), min_size=2, max_size=50), st.integers(3, 30))
def test_the_same_answers_recorded_again_are_no_new_evidence(
    scores: list[float], times: int
) -> None:
    cases = list(range(len(scores)))
    low, high = wilson(sum(scores), len(scores))

    twice = clustered_wilson(scores * 2, cases * 2)
    often = clustered_wilson(scores * times, cases * times)

    assert often == pytest.approx(twice, abs=1e-9)
    assert often[0] <= low
    assert high <= often[1]


def test_where_all_are_hits_each_cluster_counts_as_one_case() -> None:
    scores, clusters = [1.0] * 500, [number // 10 for number in range(500)]

    assert design_of(scores, clusters) == Design(effect=10, clusters=50)
    low, high = clustered_wilson(scores, clusters)
    assert high == 1
    assert low == pytest.approx(1 - 2.009575**2 / (50 + 2.009575**2), abs=1e-6)


def test_a_single_miss_does_not_make_clusters_independent() -> None:
    # Measured by itself the effect is 1: the one miss is alone in its cluster, as it must be.
    scores = [0.0] + [1.0] * 499
    clusters = [number // 10 for number in range(500)]

    assert design_of(scores, clusters).effect == pytest.approx((1.02 + 10) / 2, abs=0.01)


def test_the_design_is_the_one_worked_out_by_hand() -> None:
    # 5 of 8 hit; the clusters' sums of deviations are 0.75, 0.75, -1.25 and -0.25, with squares
    # that add up to 2.75; two clusters hold a miss; clusters of 2 can double a variance at most.
    scores, clusters = [1.0, 1, 1, 1, 0, 0, 1, 0], [0, 0, 1, 1, 2, 2, 3, 3]
    measured = 4 / 3 * 2.75 / (8 * 5 / 8 * 3 / 8)

    found = design_of(scores, clusters)

    assert found.clusters == 4
    assert found.effect == pytest.approx((2 * measured + 2) / 3)


def test_the_design_of_a_difference_is_the_one_worked_out_by_hand() -> None:
    # Changes 0 0, -1 -1, -1 0, 1 0: the mean is -0.25, the sums of deviations are 0.5, -1.5, -0.5
    # and 1.5, their squares add up to 5; 4 cases and 3 clusters changed.
    old = [1.0, 1, 1, 1, 1, 0, 0, 0]
    new = [1.0, 1, 0, 0, 0, 0, 1, 0]
    measured = 4 / 3 * 5 / (8 * (4 / 8 - 1 / 16))

    found = design_of_difference(old, new, [0, 0, 1, 1, 2, 2, 3, 3])

    assert found.clusters == 4
    assert found.effect == pytest.approx((3 * measured + 2) / 4)


def test_clusters_in_which_no_case_changed_tell_nothing() -> None:
    # Changes 0 0, 0 0, -1 0, 1 0: the mean is 0, and the squares of the sums add up to 2.
    old = [1.0, 1, 1, 1, 1, 1, 0, 1]
    new = [1.0, 1, 1, 1, 0, 1, 1, 1]
    measured = 4 / 3 * 2 / (8 * 2 / 8)

    found = design_of_difference(old, new, [0, 0, 1, 1, 2, 2, 3, 3])

    assert found.effect == pytest.approx((2 * measured + 2) / 3)


def test_one_conversation_says_nothing_about_others() -> None:
    assert clustered_wilson([1.0] * 100, ["only"] * 100) == (0.0, 1.0)
    assert clustered_wilson([1.0, 0.0] * 50, ["only"] * 100) == (0.0, 1.0)


def test_one_case_is_a_case_of_its_own() -> None:
    assert clustered_wilson([1.0], ["only"]) == pytest.approx(wilson(1, 1))
    assert clustered_wilson([], []) == (0.0, 1.0)


@pytest.mark.parametrize("score", [-0.1, 1.5, math.nan])
def test_what_is_no_score_is_refused(score: float) -> None:
    with pytest.raises(ValueError, match=r"scores must lie in 0\.\.1"):
        clustered_wilson([1.0, score], [1, 1])


def test_each_score_needs_a_cluster() -> None:
    with pytest.raises(ValueError, match="zip"):
        clustered_wilson([1.0, 0.0], [1])


def test_clusters_take_as_many_more_cases_as_their_effect_says() -> None:
    design = Design(effect=4.0, clusters=1000)

    alone = more_cases_needed(93, 100, 0.9)
    together = more_cases_needed(93, 100, 0.9, design=design)

    assert alone is not None
    assert together is not None
    assert (together + 100) / (alone + 100) == pytest.approx(4, rel=0.02)


def test_more_cases_bring_more_clusters_and_with_them_a_smaller_quantile() -> None:
    # 4 clusters of 30: Student's quantile is 3.18, and 1.96 in the end.
    design = Design(effect=3.0, clusters=4)

    more = more_cases_needed(114, 120, 0.9, design=design)

    def lower_bound(cases: int) -> float:
        grown = Design(effect=3.0, clusters=4 * cases // 120)
        return share_interval(0.95, cases, grown)[0]

    assert more is not None
    assert lower_bound(120 + more) >= 0.9 > lower_bound(120 + more - 1)


# Below: simulations with fixed seeds. A case goes right with the chance of its cluster, which is
# drawn from a beta distribution: `together` is the correlation of two cases of one cluster.


def chances_of_clusters(
    generator: np.random.Generator, count: int, share: float, together: float
) -> list[float]:
    if together == 0:
        return [share] * count
    if together == 1:
        return [float(hit) for hit in generator.random(count) < share]
    weight = (1 - together) / together
    drawn: list[float] = generator.beta(share * weight, (1 - share) * weight, count).tolist()
    return drawn


def drawn(
    generator: np.random.Generator, sizes: list[int], share: float, together: float
) -> list[float]:
    chances = chances_of_clusters(generator, len(sizes), share, together)
    hits = generator.binomial(sizes, chances).tolist()
    scores: list[float] = []
    for size, count in zip(sizes, hits, strict=True):
        scores += [1.0] * count + [0.0] * (size - count)
    return scores


def names_of(sizes: list[int]) -> list[int]:
    return [number for number, size in enumerate(sizes) for _ in range(size)]


def rates(
    sizes: list[int], share: float, together: float, *, seed: int, runs: int
) -> tuple[float, float, float]:
    """How often Wilson's interval and the clustered one miss the truth, and the latter above it."""
    generator = np.random.default_rng(seed)
    clusters = names_of(sizes)
    naive = clustered = above = 0
    for _ in range(runs):
        scores = drawn(generator, sizes, share, together)
        low, high = wilson(sum(scores), len(scores))
        naive += not low <= share <= high
        low, high = clustered_wilson(scores, clusters)
        clustered += not low <= share <= high
        above += low > share
    return naive / runs, clustered / runs, above / runs


@pytest.mark.parametrize(("share", "together"), [(0.5, 0.71), (0.7, 0.71), (0.8, 0.3)])
def test_clustered_data_reject_at_the_nominal_rate_where_the_naive_interval_does_not(
    share: float, together: float
) -> None:
    naive, clustered, _ = rates([10] * 100, share, together, seed=4, runs=4000)

    assert naive > 0.25
    assert 0.04 <= clustered <= 0.07


def test_the_clustered_error_with_students_quantile_rejects_at_the_nominal_rate() -> None:
    # 50 clusters of 10 with a correlation of 0.71: the figures of evalsig are 43.2 and 5.5 %.
    generator = np.random.default_rng(11)
    sizes = [10] * 50
    naive = clustered = 0
    for _ in range(4000):
        scores = drawn(generator, sizes, 0.5, 0.71)
        distance = abs(sum(scores) / 500 - 0.5)
        naive += distance > 1.96 * standard_error(sum(scores), sum(scores), 500)
        clustered += distance > 2.01 * clustered_stderr(scores, names_of(sizes))

    assert naive / 4000 > 0.40
    assert 0.04 <= clustered / 4000 <= 0.07


@pytest.mark.parametrize("together", [0.0, 0.3, 0.7, 1.0])
@pytest.mark.parametrize("share", [0.8, 0.9, 0.99])
@pytest.mark.parametrize(
    "sizes",
    [[10] * 10, [10] * 50, [3] * 100, [1 + number * 7 % 25 for number in range(20)]],
    ids=["10 of 10", "50 of 10", "100 of 3", "20 of 1 to 25"],
)
def test_few_and_rare_misses_do_not_let_a_share_pass_by_luck(
    sizes: list[int], share: float, together: float
) -> None:
    # Nominal is 2.5 %. Without the supposed cluster the measured effect alone makes it up to 12 %.
    _, _, above = rates(sizes, share, together, seed=7, runs=600)

    assert above <= 0.05


@pytest.mark.parametrize("same", [0.0, 0.5])
@pytest.mark.parametrize("share", [0.5, 0.8])
def test_clustered_differences_reject_at_the_nominal_rate(share: float, same: float) -> None:
    # Two models that are equally good; on the share `same` of the clusters they also agree.
    generator = np.random.default_rng(5)
    sizes = [10] * 50
    naive = clustered = 0
    for _ in range(1000):
        chances = chances_of_clusters(generator, 50, share, 0.7)
        others = chances_of_clusters(generator, 50, share, 0.7)
        others = [
            mine if is_same else other
            for mine, other, is_same in zip(
                chances, others, generator.random(50) < same, strict=True
            )
        ]
        old = (generator.random(500) < np.repeat(chances, 10)).astype(float).tolist()
        new = (generator.random(500) < np.repeat(others, 10)).astype(float).tolist()
        found = paired_difference(paired_table(old, new))
        naive += not found.lower <= 0 <= found.upper
        found = clustered_difference(old, new, names_of(sizes))
        clustered += not found.lower <= 0 <= found.upper

    assert naive / 1000 > 0.25
    assert 0.02 <= clustered / 1000 <= 0.07


@given(scored(), st.data())
def test_a_difference_in_clusters_of_one_is_the_paired_one(
    rows: Scored, data: st.DataObject
) -> None:
    old, _ = rows
    new = data.draw(st.lists(st.sampled_from([0.0, 1.0]), min_size=len(old), max_size=len(old)))

    found = clustered_difference(old, new, range(len(old)))

    assert found == pytest.approx(paired_difference(paired_table(old, new)), abs=1e-12)


@given(scored(), st.data())
def test_a_clustered_difference_changes_sides_with_the_models(
    rows: Scored, data: st.DataObject
) -> None:
    old, clusters = rows
    new = data.draw(st.lists(st.sampled_from([0.0, 1.0]), min_size=len(old), max_size=len(old)))
    there = clustered_difference(old, new, clusters)

    back = clustered_difference(new, old, clusters)

    assert back == pytest.approx((-there.difference, -there.upper, -there.lower), abs=1e-9)


@pytest.mark.parametrize("change", [lambda old: old, lambda old: [1 - score for score in old]])
def test_where_nothing_or_everything_changes_each_cluster_counts_as_one_case(
    change: Callable[[list[float]], list[float]],
) -> None:
    old = [1.0] * 500
    clusters = [number // 10 for number in range(500)]

    design = design_of_difference(old, change(old), clusters)

    assert design == Design(effect=10, clusters=50)
