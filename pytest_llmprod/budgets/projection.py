"""Projection: what will a feature cost in a month, from what its recorded cases cost?

The figure is that of the recorded mix: it says nothing of cases that nobody recorded.
"""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from statistics import fmean

#: With fewer different cases there is a figure and no interval.
FEWEST_CASES = 10
_RESAMPLES = 1000
_TAIL = 0.025
_DEARER = Decimal("1.2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What one request to the feature cost, with all its calls and all their attempts.

    `case` tells which requests are of one kind: the repeats of a case are no new cases.
    `without_cache_usd` is what it would have cost had the provider cached nothing, None where
    nobody knows. `calls` is how many calls of a model it made, and `retries` how many of their
    attempts were tries again.
    """

    case: Hashable
    cost_usd: Decimal
    without_cache_usd: Decimal | None = None
    calls: int = 1
    retries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """The cost of a feature in a month, all in USD.

    `interval_usd` has 95 % confidence; it is None where fewer than ten cases are known, and its
    upper end is infinite where they differ too much to say. `dearer_usd` is the figure at prices
    that are 20 % higher, `without_cache_usd` the one without prompt cache, None where nobody knows.
    The costs hold those of tries again; `retry_rate` is how many there were for each call.
    """

    requests_per_month: int
    requests: int
    cases: int
    monthly_usd: Decimal
    interval_usd: tuple[Decimal, Decimal] | None
    without_cache_usd: Decimal | None
    dearer_usd: Decimal
    retry_rate: float


def project(asked: Sequence[Asked], requests_per_month: int, *, seed: int = 0) -> Projection:
    """Return what `requests_per_month` requests, at least one, like those in `asked` cost.

    Every case weighs the same, however often it was repeated, and the same seed gives the same
    interval.
    """
    costs = _means([each.case for each in asked], [each.cost_usd for each in asked])
    monthly = _mean(costs) * requests_per_month
    uncached = [each.without_cache_usd for each in asked if each.without_cache_usd is not None]
    without_cache = None
    if len(uncached) == len(asked):
        without_cache = _mean(_means([each.case for each in asked], uncached)) * requests_per_month
    interval = None
    if len(costs) >= FEWEST_CASES and len(set(costs)) == 1:
        interval = (monthly, monthly)  # exactly: a bound may be this very figure
    elif len(costs) >= FEWEST_CASES:
        low, high = bootstrap_t([float(cost) for cost in costs], seed=seed)
        interval = (
            max(Decimal(0), Decimal(low)) * requests_per_month,
            Decimal(high) * requests_per_month,
        )
    return Projection(
        requests_per_month=requests_per_month,
        requests=len(asked),
        cases=len(costs),
        monthly_usd=monthly,
        interval_usd=interval,
        without_cache_usd=without_cache,
        dearer_usd=monthly * _DEARER,
        retry_rate=sum(each.retries for each in asked) / max(1, sum(each.calls for each in asked)),
    )


def _means(cases: Sequence[Hashable], costs: Sequence[Decimal]) -> list[Decimal]:
    """Return the mean cost of each case."""
    by_case: dict[Hashable, list[Decimal]] = {}
    for case, cost in zip(cases, costs, strict=True):
        by_case.setdefault(case, []).append(cost)
    return [_mean(each) for each in by_case.values()]


def _mean(values: Sequence[Decimal]) -> Decimal:
    return sum(values, Decimal(0)) / len(values)


def bootstrap_t(values: Sequence[float], *, seed: int) -> tuple[float, float]:
    """Return the 95 % interval of the mean of `values`, at least two, as (lower, upper).

    Samples are drawn again, and each one's distance from the mean is measured in its own standard
    errors (the bootstrap-t of Efron and Tibshirani 1993, section 12.5). Costs have a long tail to
    the right, and the percentiles of the means alone would end too low there. A bound is infinite
    where too many of the samples have no spread.
    """
    count = len(values)
    mean = fmean(values)
    # A distance and its square are drawn as one complex number: one draw, one addition.
    points = [complex(value - mean, (value - mean) ** 2) for value in values]
    spread = math.fsum(point.imag for point in points)
    if spread <= (mean * 1e-9) ** 2:
        return mean, mean
    choices = Random(seed).choices
    distances = []
    for _ in range(_RESAMPLES):
        total = sum(choices(points, k=count))
        squares = total.imag - total.real**2 / count
        if squares > spread * 1e-12:
            distances.append(total.real / math.sqrt(squares))
        else:
            distances.append(math.copysign(math.inf, total.real) if total.real else 0.0)
    distances.sort()
    scale = math.sqrt(spread) / count
    low = distances[math.ceil(_TAIL * _RESAMPLES) - 1]
    high = distances[math.ceil((1 - _TAIL) * _RESAMPLES) - 1]
    return mean - high * scale, mean - low * scale
