"""Distributions: the tails and quantiles that intervals and tests are made of, in pure Python.

Up to shapes and degrees of freedom of some ten thousand they are good to nine digits: then the
logarithms of gamma functions, which are that large and nearly cancel, leave no more.
"""

import math
from functools import lru_cache
from itertools import count
from statistics import NormalDist

_TINY = 1e-300
_EPSILON = 1e-16
_STEPS = 200  # bisection alone needs 53 for a double


def normal_quantile(confidence: float) -> float:
    """Return z such that a standard normal variable lies in -z..z with probability `confidence`."""
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, not {confidence!r}")
    return NormalDist().inv_cdf((1 + confidence) / 2)


@lru_cache(maxsize=4096)
def t_quantile(confidence: float, freedom: float) -> float:
    """Return t such that Student's variable lies in -t..t with probability `confidence`.

    `freedom` is the number of degrees of freedom and need not be whole. The tail of Student's
    distribution is an incomplete beta function (Abramowitz and Stegun 1964, equation 26.7.1).
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, not {confidence!r}")
    if freedom <= 0:
        raise ValueError(f"degrees of freedom must be more than 0, not {freedom!r}")
    # As the share of a beta variable that t*t / (freedom + t*t) does not exceed: no cancellation
    # where freedom is large.
    share = beta_quantile(confidence, 0.5, freedom / 2)
    return math.sqrt(freedom * share / (1 - share))


def binomial_cdf(hits: int, n: int, share: float) -> float:
    """Return the probability of at most `hits` in `n` trials that each hit with chance `share`."""
    if hits < 0:
        return 0.0
    if hits >= n:
        return 1.0
    return beta_cdf(1 - share, n - hits, hits + 1)


def beta_cdf(x: float, a: float, b: float) -> float:
    """Return the regularised incomplete beta function I_x(a, b).

    By its continued fraction (DLMF 8.17.22), on the side on which that converges fast.
    """
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    density = _beta_density(x, a, b)
    if x < (a + 1) / (a + b + 2):
        return min(1.0, density * x * (1 - x) / a * _continued_fraction(x, a, b))
    return max(0.0, 1 - density * x * (1 - x) / b * _continued_fraction(1 - x, b, a))


def beta_quantile(probability: float, a: float, b: float) -> float:
    """Return x such that I_x(a, b) is `probability`: Newton's method inside a bracket."""
    if probability <= 0:
        return 0.0
    if probability >= 1:
        return 1.0
    low, high = 0.0, 1.0
    x = a / (a + b)
    for _ in range(_STEPS):
        excess = beta_cdf(x, a, b) - probability
        if excess == 0:
            return x
        low, high = (low, x) if excess > 0 else (x, high)
        density = _beta_density(x, a, b)
        step = x - excess / density if density > _TINY else low
        following = step if low < step < high else (low + high) / 2
        if abs(following - x) <= _EPSILON * x or not 0 < following < 1:  # no double lies between
            return following
        x = following
    return x


def _beta_density(x: float, a: float, b: float) -> float:
    log_beta = math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
    return math.exp((a - 1) * math.log(x) + (b - 1) * math.log1p(-x) - log_beta)


def _continued_fraction(x: float, a: float, b: float) -> float:
    """Return the continued fraction of DLMF 8.17.22 by the method of Lentz (1976)."""
    c = 1.0
    d = 1 / _not_zero(1 - (a + b) * x / (a + 1))
    value = d
    for m in count(1):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for coefficient in (even, odd):
            d = 1 / _not_zero(1 + coefficient * d)
            c = _not_zero(1 + coefficient / c)
            value *= d * c
        if abs(d * c - 1) < _EPSILON * 4:
            break
    return value


def _not_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
