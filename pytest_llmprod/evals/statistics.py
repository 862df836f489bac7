"""Statistics: intervals for shares, and how many cases a decision needs.

Numbers in, numbers out. The module shares its name with one of the standard library because it is
part of the public contract (`from pytest_llmprod.evals import statistics`).
"""

import math
from statistics import NormalDist

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
    if not 0 <= hits <= n:
        raise ValueError(f"hits must lie in 0..{n}, not {hits!r}")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, not {confidence!r}")
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = hits / n
    scale = 1 + z * z / n
    centre = (share + z * z / (2 * n)) / scale
    half = z / scale * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    lower = 0.0 if hits == 0 else max(0.0, centre - half)
    upper = 1.0 if hits == n else min(1.0, centre + half)
    return (lower, upper)


def standard_error(scores_sum: float, squares_sum: float, n: int) -> float:
    """Return the standard error of a mean score from its sums (Miller 2024, equation 1)."""
    if n < 2:
        return 0.0
    variance = max(0.0, squares_sum - scores_sum * scores_sum / n) / (n - 1)
    return math.sqrt(variance / n)


def more_cases_needed(
    hits: float, n: int, threshold: float, confidence: float = 0.95
) -> int | None:
    """Return how many more cases with the same share of hits would decide against `threshold`.

    Decided means that the Wilson interval lies on one side: its lower bound reaches the threshold,
    or its upper bound stays under it. None means that a million cases would not do: the share lies
    on the threshold, or too close to it.
    """
    if n <= 0:
        return None
    share = hits / n

    def is_decided(cases: int) -> bool:
        lower, upper = wilson(share * cases, cases, confidence)
        return lower >= threshold or upper < threshold

    if is_decided(n):
        return 0
    low, high = n, max(n, MOST_CASES)
    if not is_decided(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_decided(middle) else (middle, high)
    return high - n


def percentile(values: list[float], share: float) -> float:
    """Return the smallest value that at least `share` of `values` do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
