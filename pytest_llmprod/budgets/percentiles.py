"""Percentiles: what do a few samples say about a quantile?

A percentile of ten samples is a guess, and mostly a low one. These are exact statements about the
quantile of the distribution that the samples came from, whatever its shape: how many of n samples
break a bound is binomial (Conover 1999, section 3.2). All is computed in whole numbers, so that no
verdict hangs on rounding.
"""

import math
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from pytest_llmprod.core.verdict import VerdictName

#: How sure each verdict, and each bound of an estimate, is by itself.
CONFIDENCE = Fraction(95, 100)
_DOUBT = 1 - CONFIDENCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Of a number of samples, at how many that break the bound is the matter decided?

    Up to `passing` of them are a PASS, and it is -1 where even none of them is. From `failing` on
    they are a FAIL, and it is more than there are samples where even all of them are not.
    """

    passing: int
    failing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What samples say about the quantile below which `percent` % of their distribution lie.

    `value` is that quantile of the samples themselves (nearest rank). `lower` and `upper` bound the
    true one, each with 95 % confidence, and are None where there are too few samples for that.
    """

    percent: int
    samples: int
    value: Decimal
    lower: Decimal | None
    upper: Decimal | None


def distinct(samples: Iterable[tuple[Hashable, Decimal]]) -> list[Decimal]:
    """Return one value for each recording: one that is replayed often was measured once."""
    first: dict[Hashable, Decimal] = {}
    for recording, value in samples:
        first.setdefault(recording, value)
    return list(first.values())


@lru_cache(maxsize=256)
def limits(samples: int, percent: int) -> Limits:
    """Return what decides whether the `percent` % quantile keeps a bound.

    As few breaks as pass have a chance of at most 5 % where the quantile does not keep it, and as
    many as fail one below 5 % where it does. So one sample never fails a p95.
    """
    share = Fraction(100 - percent, 100)
    hit, missed = share.numerator, share.denominator - share.numerator
    whole = share.denominator**samples
    few, many = math.floor(_DOUBT * whole), math.floor(CONFIDENCE * whole)
    # The chances of 0, 1, 2 ... hits and of at most so many, both times `whole`.
    chance = missed**samples
    below = chance
    passing, hits = -1, 0
    while below <= many and hits < samples:
        if below <= few:
            passing = hits
        chance = chance * (samples - hits) * hit // ((hits + 1) * missed)
        below += chance
        hits += 1
    return Limits(passing=passing, failing=hits + 1)


def verdict(samples: int, exceeding: int, percent: int) -> VerdictName:
    """Say whether the `percent` % quantile keeps a bound that `exceeding` of `samples` broke."""
    decided = limits(samples, percent)
    if exceeding <= decided.passing:
        return "PASS"
    if exceeding >= decided.failing:
        return "FAIL"
    return "INCONCLUSIVE"


def needed(exceeding: int, percent: int) -> int:
    """Return how many samples PASS needs where `exceeding` broke the bound: 59 for p95 and none."""
    low, high = exceeding, exceeding + 1
    while limits(high, percent).passing < exceeding:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        if limits(middle, percent).passing < exceeding:
            low = middle
        else:
            high = middle
    return high


def estimate(values: Sequence[Decimal], percent: int) -> Estimate:
    """Return what `values`, at least one, say about their `percent` % quantile.

    The bounds are order statistics (David and Nagaraja 2003, section 7.1). `upper` lies below a
    bound exactly where `verdict` is PASS, and `lower` does not exactly where it is FAIL.
    """
    ordered = sorted(values)
    count = len(ordered)
    decided = limits(count, percent)
    rank = math.ceil(Fraction(percent, 100) * count)
    return Estimate(
        percent=percent,
        samples=count,
        value=ordered[rank - 1],
        lower=ordered[count - decided.failing] if decided.failing <= count else None,
        upper=ordered[count - 1 - decided.passing] if decided.passing >= 0 else None,
    )
