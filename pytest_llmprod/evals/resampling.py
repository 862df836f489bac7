"""Resampling: intervals for means of anything, by drawing the clusters again and again."""

import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence
from random import Random


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least `share` of `values` do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def cluster_bootstrap(
    values: Sequence[float],
    clusters: Sequence[Hashable] | None = None,
    *,
    seed: int,
    confidence: float = 0.95,
    resamples: int = 1000,
) -> tuple[float, float]:
    """Return the bootstrap interval of the mean of `values`, as (lower, upper).

    For differences, costs and latencies, that is for what is no share: whole clusters are drawn
    with replacement, and the percentiles of the means are the bounds (Efron and Tibshirani 1993,
    section 13.3; clusters as in Field and Welsh 2007). `clusters` names the cluster of each value;
    without it each is its own. The same seed gives the same interval.

    Values that are all equal give an interval without width, and fewer than some twenty clusters
    one that is too narrow: for shares `clustered_wilson` is the safe one.
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, not {confidence!r}")
    if not values:
        raise ValueError("there must be at least 1 value")
    keys: Sequence[Hashable] = range(len(values)) if clusters is None else clusters
    sums: defaultdict[Hashable, float] = defaultdict(float)
    for value, cluster in zip(values, keys, strict=True):
        sums[cluster] += value
    sizes = Counter(keys)
    # A sum and its number of values are drawn as one complex number: one draw, one addition.
    drawn = [complex(total, sizes[cluster]) for cluster, total in sums.items()]
    choices = Random(seed).choices
    means = []
    for _ in range(resamples):
        total = sum(choices(drawn, k=len(drawn)))
        means.append(total.real / total.imag)
    tail = (1 - confidence) / 2
    return (percentile(means, tail), percentile(means, 1 - tail))
