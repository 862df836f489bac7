"""Resampling: the bootstrap of clusters, and percentiles."""

import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import bootstrap

from pytest_llmprod.evals.statistics import cluster_bootstrap, clustered_stderr

VALUES = st.lists(st.floats(-100, 100), min_size=1, max_size=30)


def costs(seed: int, clusters: int) -> tuple[list[float], list[int]]:
    """Skewed values that hang together in clusters of 1 to 8."""
    generator = random.Random(seed)
    values: list[float] = []
    names: list[int] = []
    for number in range(clusters):
        level = generator.lognormvariate(0, 0.7)
        for _ in range(generator.randint(1, 8)):
            values.append(level * generator.lognormvariate(0, 0.3))
            names.append(number)
    return values, names


def test_the_interval_agrees_with_scipy() -> None:
    values, names = costs(1, 60)
    sums = np.bincount(names, weights=values)
    sizes = np.bincount(names)
    theirs = bootstrap(
        (sums, sizes),
        lambda sums, sizes, axis: sums.sum(axis=axis) / sizes.sum(axis=axis),
        n_resamples=20_000,
        paired=True,
        vectorized=True,
        method="percentile",
        rng=np.random.default_rng(1),
    ).confidence_interval

    low, high = cluster_bootstrap(values, names, seed=3, resamples=20_000)

    width = theirs.high - theirs.low
    assert low == pytest.approx(theirs.low, abs=0.03 * width)
    assert high == pytest.approx(theirs.high, abs=0.03 * width)


def test_the_interval_is_about_as_wide_as_the_clustered_error_says() -> None:
    values, names = costs(2, 200)

    low, high = cluster_bootstrap(values, names, seed=1, resamples=4000)

    assert (high - low) / 2 == pytest.approx(1.96 * clustered_stderr(values, names), rel=0.07)


def test_clusters_that_are_counted_as_single_cases_make_it_too_narrow() -> None:
    values = [float(number // 10 % 2) for number in range(500)]
    names = [number // 10 for number in range(500)]

    low, high = cluster_bootstrap(values, names, seed=1)
    naive_low, naive_high = cluster_bootstrap(values, seed=1)

    assert (high - low) / (naive_high - naive_low) == pytest.approx(math.sqrt(10), rel=0.1)


def test_a_thousand_means_give_the_bounds_of_95_percent() -> None:
    values = [math.sqrt(number) for number in range(60)]
    seed = 7  # one by which another mean more is an extreme one

    said = cluster_bootstrap(values, seed=seed, confidence=0.95, resamples=1000)

    assert cluster_bootstrap(values, seed=seed) == said


def test_the_same_seed_gives_the_same_interval_and_another_one_another() -> None:
    values, names = costs(3, 30)

    assert cluster_bootstrap(values, names, seed=1) == cluster_bootstrap(values, names, seed=1)
    assert cluster_bootstrap(values, names, seed=1) != cluster_bootstrap(values, names, seed=2)


@given(VALUES, st.integers())
def test_the_interval_lies_between_the_least_and_the_greatest_value(
    values: list[float], seed: int
) -> None:
    low, high = cluster_bootstrap(values, seed=seed, resamples=50)

    assert min(values) - 1e-9 <= low <= high <= max(values) + 1e-9


def test_more_confidence_gives_a_wider_interval() -> None:
    values, names = costs(4, 40)
    intervals = [
        cluster_bootstrap(values, names, seed=1, confidence=confidence)
        for confidence in (0.5, 0.9, 0.99)
    ]

    widths = [high - low for low, high in intervals]
    assert widths == sorted(set(widths))


def test_simulated_costs_lie_in_the_interval_at_about_the_nominal_rate() -> None:
    generator = np.random.default_rng(5)
    runs = 300
    true = math.exp(0.5**2 / 2)
    held = 0
    for seed in range(runs):
        levels = generator.lognormal(0, 0.5, size=60).tolist()
        values = [level for level in levels for _ in range(5)]
        names = [number for number in range(60) for _ in range(5)]
        low, high = cluster_bootstrap(values, names, seed=seed, resamples=200)
        held += low <= true <= high

    assert 0.89 <= held / runs <= 0.98


def test_without_values_there_is_no_mean() -> None:
    with pytest.raises(ValueError, match="at least 1 value"):
        cluster_bootstrap([], seed=1)


def test_each_value_needs_a_cluster() -> None:
    with pytest.raises(ValueError, match="zip"):
        cluster_bootstrap([1.0, 2.0], ["a"], seed=1)


@pytest.mark.parametrize("confidence", [0, 1, 95, math.nan])
def test_a_confidence_that_is_none_is_refused(confidence: float) -> None:
    with pytest.raises(ValueError, match="confidence must lie"):
        cluster_bootstrap([1.0, 2.0], seed=1, confidence=confidence)
