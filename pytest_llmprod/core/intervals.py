"""Intervals: between which bounds a share lies, and how many more cases would decide about it."""

import math
from collections.abc import Callable

from pytest_llmprod.core.distributions import beta_quantile, normal_quantile

MOST_CASES = 1_000_000


def wilson(hits: float, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the Wilson score interval of the share `hits / n`, as (lower, upper) in 0..1.

    The interval is two-sided (Wilson 1927; the formula is that of Newcombe 1998, method 3). `hits`
    may be a sum of scores in 0..1: such scores spread no wider than hits and misses do, so the
    interval is then on the safe side. Without cases nothing is known: (0, 1).

    >>> tuple(round(bound, 4) for bound in wilson(81, 263))
    (0.2553, 0.3662)
    """
    if n <= 0:
        return (0.0, 1.0)
    check_hits(hits, n)
    return score_interval(hits / n, n, normal_quantile(confidence))


def score_interval(share: float, n: float, quantile: float) -> tuple[float, float]:
    """Return Wilson's interval for a number of cases that need not be whole, and any quantile.

    `quantile` is that of the standard normal distribution in Wilson's own interval, and Student's
    where `n` is an effective number of cases that was estimated.
    """
    square = quantile * quantile
    scale = 1 + square / n
    centre = (share + square / (2 * n)) / scale
    half = quantile / scale * math.sqrt(share * (1 - share) / n + square / (4 * n * n))
    lower = 0.0 if share == 0 else max(0.0, centre - half)
    upper = 1.0 if share == 1 else min(1.0, centre + half)
    return (lower, upper)


def clopper_pearson(hits: float, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the exact interval of the share `hits / n`, as (lower, upper) in 0..1.

    Two-sided, from the quantiles of beta distributions (Clopper and Pearson 1934; Brown, Cai and
    DasGupta 2001, section 4.2.1). It covers the true share at least as often as `confidence` says,
    whatever the share, and is wider than Wilson's for it. Of no misses in `n` it makes the upper
    bound `1 - (1 - c) ** (1 / n)` for the one-sided confidence `c`, which is `confidence=2 * c - 1`
    here: "the rule of three". Without cases nothing is known: (0, 1).

    >>> tuple(round(bound, 4) for bound in clopper_pearson(81, 263))
    (0.2527, 0.3676)
    >>> round(clopper_pearson(0, 50, 0.90)[1], 4)
    0.0582
    """
    if n <= 0:
        return (0.0, 1.0)
    check_hits(hits, n)
    normal_quantile(confidence)  # refuses the same confidences as Wilson's interval
    tail = (1 - confidence) / 2
    lower = 0.0 if hits == 0 else beta_quantile(tail, hits, n - hits + 1)
    upper = 1.0 if hits == n else 1 - beta_quantile(tail, n - hits, hits + 1)
    return (lower, upper)


def check_hits(hits: float, n: int) -> None:
    """Raise ValueError where `n` cases cannot have so many hits."""
    if not 0 <= hits <= n:
        raise ValueError(f"hits must lie in 0..{n}, not {hits!r}")


def more_until(is_decided: Callable[[int], bool], n: int) -> int | None:
    """Return how many cases more than `n` make `is_decided(cases)` true.

    None means that a million cases would not do. Between the last number that does not decide and
    the one returned there is no gap; where `is_decided` is not monotone, a smaller one may exist.
    """
    if is_decided(n):
        return 0
    low, high = n, max(n, MOST_CASES)
    if not is_decided(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_decided(middle) else (middle, high)
    return high - n
