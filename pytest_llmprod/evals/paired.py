"""Pairs: what changed where two models, the old one A and the new one B, met the same cases.

A table is (both, only_a, only_b, neither): the number of cases that both got right, that only the
old one did (newly broken), that only the new one did (newly fixed), and that neither did. A
difference is always B minus A, the new one minus the old one: below 0, the new one is worse.
"""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from pytest_llmprod.core.intervals import more_until, score_interval
from pytest_llmprod.evals.clusters import (
    INDEPENDENT,
    Design,
    design_of_difference,
    grown,
)

Table = Sequence[float]


class PairedDifference(NamedTuple):
    """A difference of two shares, B minus A, between its bounds, all in -1..1."""

    difference: float
    lower: float
    upper: float

    @property
    def interval(self) -> tuple[float, float]:
        """Return (lower, upper)."""
        return (self.lower, self.upper)


@dataclass(frozen=True, slots=True, kw_only=True)
class NonInferiority:
    """Whether the new model is at most `margin` worse than the old one.

    `more_cases` is about how many more cases with the same shares would decide: 0 where it is
    decided, None where a million would not do.
    """

    verdict: Literal["NON-INFERIOR", "INFERIOR", "INCONCLUSIVE"]
    difference: PairedDifference
    margin: float
    more_cases: int | None


def paired_table(old: Sequence[float], new: Sequence[float]) -> tuple[float, float, float, float]:
    """Return the table (both, only_a, only_b, neither) of two models' scores of the same cases.

    Scores in 0..1 that are no plain hits and misses count as the chance of a hit: 0.5 and 0.5 put a
    quarter into each cell. The table then spreads wider than the scores, on the safe side.

    >>> paired_table([1, 1, 1, 0], [1, 1, 0, 1])
    (2, 1, 1, 0)
    """
    for score in (*old, *new):
        if not 0 <= score <= 1:
            raise ValueError(f"scores must lie in 0..1, not {score!r}")
    n, hits_a, hits_b = len(old), sum(old), sum(new)
    both = sum(a * b for a, b in zip(old, new, strict=True))
    only_a, only_b = max(0, hits_a - both), max(0, hits_b - both)  # rounding may go under 0
    return (both, only_a, only_b, max(0, n - hits_a - hits_b + both))


def paired_difference(
    table: Table, confidence: float = 0.95, design: Design = INDEPENDENT
) -> PairedDifference:
    """Return the difference B minus A of the shares of hits, with its score interval.

    `table` is (both, only_a, only_b, neither). Newcombe's hybrid of two Wilson intervals with a
    continuity-corrected phi (Newcombe 1998, Statistics in Medicine 17:2635, method 10). It has a
    width where nothing changed, and near 0 and 1, where a Wald interval has none or leaves -1..1.
    A `design` says how the cases hang together (`design_of_difference`): the table is then taken
    for one of `n / effect` cases. Without cases nothing is known: (-1, 1).

    >>> tuple(round(value, 4) for value in paired_difference((59, 6, 16, 80)))
    (0.0621, 0.0046, 0.1186)
    """
    both, only_a, only_b, neither = _checked(table)
    n = both + only_a + only_b + neither
    quantile = design.quantile(confidence)
    if n == 0 or math.isinf(quantile):
        return PairedDifference((only_b - only_a) / n if n else 0.0, -1.0, 1.0)
    effective = n / design.effect
    share_a, share_b = min(1.0, (both + only_a) / n), min(1.0, (both + only_b) / n)
    low_a, high_a = score_interval(share_a, effective, quantile)
    low_b, high_b = score_interval(share_b, effective, quantile)
    phi = _phi(both / n, only_a / n, only_b / n, neither / n, effective)
    difference = (only_b - only_a) / n
    down = _length(share_b - low_b, high_a - share_a, phi)
    up = _length(high_b - share_b, share_a - low_a, phi)
    return PairedDifference(difference, max(-1.0, difference - down), min(1.0, difference + up))


def clustered_difference(
    old: Sequence[float],
    new: Sequence[float],
    clusters: Sequence[Hashable],
    confidence: float = 0.95,
) -> PairedDifference:
    """Return the difference of two models' scores in clusters of cases, with its interval.

    `old` and `new` are scores in 0..1 in the same order, and `clusters` names the cluster of each
    case. Repeats are cases of which the original is the cluster.
    """
    design = design_of_difference(old, new, clusters)
    return paired_difference(paired_table(old, new), confidence, design)


def non_inferiority(
    table: Table, margin: float, confidence: float = 0.95, design: Design = INDEPENDENT
) -> NonInferiority:
    """Say whether the new model is at most `margin` worse than the old one.

    `table` is (both, only_a, only_b, neither), `margin` a share of all cases, 0 or more.
    NON-INFERIOR when the lower bound of B minus A lies above `-margin`, INFERIOR when its upper
    bound lies below, else INCONCLUSIVE. `confidence` is two-sided as everywhere: 0.95 tests each
    side at 2.5 % (Piaggio et al. 2012, figure 1). A margin is only worth something when it was
    chosen before the numbers were seen.
    """
    if not 0 <= margin < 1:
        raise ValueError(f"margin must lie in 0..1, not {margin!r}")
    cells = _checked(table)
    n = round(sum(cells))

    def judged(cases: int) -> tuple[PairedDifference, bool, bool]:
        factor = cases / n if n else 1.0
        found = paired_difference(
            [cell * factor for cell in cells], confidence, grown(design, factor)
        )
        return found, found.lower > -margin, found.upper < -margin

    difference, is_fine, is_inferior = judged(n)
    if is_fine or is_inferior:
        verdict: Literal["NON-INFERIOR", "INFERIOR"] = "NON-INFERIOR" if is_fine else "INFERIOR"
        return NonInferiority(verdict=verdict, difference=difference, margin=margin, more_cases=0)
    more = more_until(lambda cases: any(judged(cases)[1:]), n) if n else None
    return NonInferiority(
        verdict="INCONCLUSIVE", difference=difference, margin=margin, more_cases=more
    )


def mcnemar_chi_squared(b: int, c: int, *, continuity: bool = False) -> float:
    """Return McNemar's chi-squared, with one degree of freedom; 0 where nothing changed.

    `continuity` takes off the correction of Edwards 1948. The exact test is the better one at any
    size; this is for comparison with what others print.
    """
    if b + c == 0:
        return 0.0
    distance = abs(b - c) - (1 if continuity else 0)
    return max(0, distance) ** 2 / (b + c)


def _checked(table: Table) -> tuple[float, float, float, float]:
    both, only_a, only_b, neither = table
    for count in (both, only_a, only_b, neither):
        if not 0 <= count < math.inf:
            raise ValueError(f"counts must be 0 or more, not {count!r}")
    return (both, only_a, only_b, neither)


def _phi(both: float, only_a: float, only_b: float, neither: float, n: float) -> float:
    """Return the correlation of A and B, moved towards 0 by a continuity correction if positive.

    The cells are shares. Newcombe takes n / 2 off the numerator of counts, n * n times as large.
    """
    product = (both + only_a) * (only_b + neither) * (both + only_b) * (only_a + neither)
    if product <= 0:
        return 0.0
    numerator = both * neither - only_a * only_b
    if numerator > 0:
        numerator = max(0.0, numerator - 1 / (2 * n))
    return numerator / math.sqrt(product)


def _length(one: float, other: float, phi: float) -> float:
    return math.sqrt(max(0.0, one * one - 2 * phi * one * other + other * other))
