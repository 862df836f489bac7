"""Power: how many cases a decision takes, and what a number of cases can show.

Power is the chance that a run decides, if the truth is what was assumed: 0.8 means that one run in
five will be INCONCLUSIVE all the same. Cases in clusters count for less: multiply a number of cases
by the design effect, or divide the number at hand by it.
"""

import math
from collections.abc import Callable
from statistics import NormalDist

from pytest_llmprod.core.distributions import binomial_cdf, normal_quantile
from pytest_llmprod.core.intervals import MOST_CASES, wilson

_ROUNDING = 1e-12  # an even chance is one, whatever its last digits are


def cases_needed(
    share: float, threshold: float, *, power: float = 0.8, confidence: float = 0.95
) -> int | None:
    """Return how many cases decide about `threshold` with this power, if `share` is the truth.

    The smallest number with which the Wilson interval comes to lie above the threshold (PASS), or
    below if the share does (FAIL), with probability `power` or more: exact, by the binomial
    distribution. Power moves up in teeth; a few cases more can have a little less (Chernick and Liu
    2002). None where a million cases would not do, and where the share is the threshold.

    >>> cases_needed(0.95, 0.90)
    217
    """
    for name, value in (("share", share), ("threshold", threshold)):
        if not 0 <= value <= 1:
            raise ValueError(f"{name} must lie in 0..1, not {value!r}")
    _check_power(power)
    if share == threshold:
        return None
    if threshold == 1:  # FAIL at the first miss
        cases = math.ceil(math.log(1 - power) / math.log(share)) if share else 1
        return cases if cases <= MOST_CASES else None
    if share < threshold:  # the mirror image: misses are hits, and FAIL is PASS
        return _cases_to_pass(1 - share, 1 - threshold, power, confidence)
    return _cases_to_pass(share, threshold, power, confidence)


def _cases_to_pass(share: float, threshold: float, power: float, confidence: float) -> int | None:
    """Return the smallest number of cases that pass with probability `power` or more.

    With a number of misses allowed, the fewest cases that pass all the same are the best: only
    those numbers of cases need to be looked at.
    """

    def suffices(misses: int) -> bool:
        cases = _fewest_that_pass(misses, threshold, confidence)
        return binomial_cdf(misses, cases, 1 - share) >= power - _ROUNDING

    if threshold == 0:
        return 1  # any interval reaches 0
    most = math.ceil(MOST_CASES * (1 - threshold))
    if not suffices(most):
        return None
    low, high = -1, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if suffices(middle) else (middle, high)
    # One miss more, with the cases to go with it, adds (s - t) / (1 - t) of a unit of power, and a
    # case more takes off 1 - s of it: whole numbers of cases make power waver by no more than that.
    # So many misses below one that suffices, none does.
    wavering = 2 * math.ceil((1 - share) * (1 - threshold) / (share - threshold)) + 1
    best = next(m for m in range(max(0, high - wavering), high + 1) if suffices(m))
    return _fewest_that_pass(best, threshold, confidence)


def _fewest_that_pass(misses: int, threshold: float, confidence: float) -> int:
    """Return the fewest cases with which so many misses leave the lower bound at the threshold.

    Wilson's lower bound is the threshold where (n - misses) / n - t is z * sqrt(t * (1 - t) / n):
    a quadratic equation in sqrt(n).
    """
    z = normal_quantile(confidence)
    rest = 1 - threshold
    spread = z * math.sqrt(threshold * rest)
    root = (spread + math.sqrt(spread * spread + 4 * rest * misses)) / (2 * rest)
    cases = max(misses + 1, math.floor(root * root) - 1)
    while wilson(cases - misses, cases, confidence)[0] < threshold:
        cases += 1
    return cases


def smallest_drop(
    n: int, share: float, *, power: float = 0.8, confidence: float = 0.95
) -> float | None:
    """Return the smallest drop below `share` that `n` cases show with this power.

    Show means that the upper bound of the Wilson interval lies below `share`, as in FAIL against
    that threshold. What is smaller is missed more often than `power` allows. None where even a drop
    to 0 would not be shown.

    >>> round(smallest_drop(200, 0.9), 3)
    0.065
    """
    if not 0 < share <= 1:
        raise ValueError(f"share must lie in 0..1, not {share!r}")
    _check_power(power)
    if n < 1 or wilson(0, n, confidence)[1] >= share:
        return None
    # The most hits that show a drop, whatever the truth is.
    hits = _last(lambda k: wilson(k, n, confidence)[1] < share, 0, n)
    low, high = 0.0, share
    for _ in range(60):
        middle = (low + high) / 2
        shown = binomial_cdf(hits, n, share - middle) >= power
        low, high = (low, middle) if shown else (middle, high)
    return high


def paired_cases_needed(
    difference: float, variance: float, *, power: float = 0.8, confidence: float = 0.95
) -> int:
    """Return how many paired cases show a `difference`, if it is true (Miller 2024, equation 9).

    `variance` is that of B - A in one case. For hits and misses it is the share of cases that
    change, less the square of the difference (Connor 1987). For means of K repeats it is
    omega^2 + sigma_A^2 / K_A + sigma_B^2 / K_B in Miller's terms. For non-inferiority `difference`
    is the margin plus the true difference: so much lies between the truth and what is to be ruled
    out.

    >>> paired_cases_needed(0.03, 1 / 9)
    969
    """
    if difference == 0:
        raise ValueError("no number of cases shows a difference of 0")
    if variance < 0:
        raise ValueError(f"variance must be 0 or more, not {variance!r}")
    _check_power(power)
    # As many as a difference without any spread takes: one.
    return max(1, math.ceil(_square(power, confidence) * variance / difference**2))


def smallest_paired_drop(
    n: int, changed: float, *, power: float = 0.8, confidence: float = 0.95
) -> float | None:
    """Return the smallest drop from the old to the new model that `n` paired cases show.

    `changed` is the share of cases in which one of the two is right and the other is not. The
    formula is that of `paired_cases_needed`, solved for the difference. None where a drop would
    have to be larger than `changed`, which none can.

    >>> round(smallest_paired_drop(500, 0.1), 3)
    0.039
    """
    if not 0 <= changed <= 1:
        raise ValueError(f"changed must lie in 0..1, not {changed!r}")
    _check_power(power)
    if n < 1:
        return None
    square = _square(power, confidence)
    drop = math.sqrt(square * changed / (n + square))
    return drop if 0 < drop <= changed else None


def _square(power: float, confidence: float) -> float:
    return (normal_quantile(confidence) + NormalDist().inv_cdf(power)) ** 2


def _check_power(power: float) -> None:
    if not 0 < power < 1:
        raise ValueError(f"power must lie between 0 and 1, not {power!r}")


def _last(is_so: Callable[[int], bool], low: int, high: int) -> int:
    """Return the largest number under `high` for which `is_so`, which `low` is."""
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if is_so(middle) else (low, middle)
    return low
