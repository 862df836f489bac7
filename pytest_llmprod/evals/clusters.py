"""Clusters: what cases are worth that come from one conversation, document or request.

Ten turns of a conversation go right or wrong together, and so do ten recordings of one request.
They are less evidence than ten cases, and an interval that counts them as ten is too narrow: in the
tests it misses the truth in 45 of 100 runs instead of 5. `Design` says by how much.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from pytest_llmprod.core.distributions import normal_quantile, t_quantile
from pytest_llmprod.core.intervals import check_hits, more_until, score_interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """How much less `n` cases in clusters are worth than `n` that have nothing to do with another.

    `effect` is the design effect (Kish 1965), 1 or more: as many independent cases as `n / effect`
    would vary as much. `clusters` is None where no case shares its cluster with another one.
    """

    effect: float = 1.0
    clusters: int | None = None

    def quantile(self, confidence: float) -> float:
        """Return the two-sided quantile: Student's with `clusters - 1` degrees, or the normal one.

        Of one cluster nothing can be learned about others: infinity.
        """
        if self.clusters is None:
            return normal_quantile(confidence)
        return t_quantile(confidence, self.clusters - 1) if self.clusters > 1 else math.inf


INDEPENDENT = Design()


def standard_error(scores_sum: float, squares_sum: float, n: int) -> float:
    """Return the standard error of a mean score from its sums (Miller 2024, equation 1)."""
    if n < 2:
        return 0.0
    variance = max(0.0, squares_sum - scores_sum * scores_sum / n) / (n - 1)
    return math.sqrt(variance / n)


def clustered_stderr(scores: Sequence[float], clusters: Sequence[Hashable]) -> float:
    """Return the standard error of the mean of `scores` where those of a cluster hang together.

    `clusters` names the cluster of each score. The formula is that of Miller 2024, equation 4: the
    squares of the clusters' sums of deviations, over n. It takes the mean as known and is too
    small where the clusters are few; `clustered_wilson` allows for that.
    """
    if len(scores) < 2:
        return 0.0
    sums, sizes = _totals(scores, clusters)
    return math.sqrt(_squared_deviations(sums, sizes)) / len(scores)


def design_of(scores: Sequence[float], clusters: Sequence[Hashable]) -> Design:
    """Return what the clusters do to the interval of the mean of `scores` in 0..1.

    The design effect is the clustered variance, with the factor G / (G - 1) for G clusters, over
    that of as many independent hits and misses with the same mean. Where nearly all cases are hits
    (or misses) few clusters tell anything about it, and its estimate is too low more often than
    not. So one more cluster is supposed, in which all cases go the same way: the result is the
    average of the estimate, with as many votes as there are clusters with a case of the rarer kind,
    and of the largest effect that clusters of these sizes can have, with one vote. That largest
    effect is the sum of squared sizes over n (Kish 1965). The average is this project's own;
    `tests/evals/test_statistics_clusters.py` shows what it does. The result is never under 1, as in
    Korn and Graubard 1998.
    """
    sums, sizes = _totals(scores, clusters)
    mean = math.fsum(sums.values()) / len(scores) if scores else 0.0
    telling = min(
        sum(1 for total in sums.values() if total > 0),
        sum(1 for cluster, total in sums.items() if total < sizes[cluster]),
    )
    return _design(sums, sizes, variance=mean * (1 - mean), telling=telling)


def design_of_difference(
    old: Sequence[float], new: Sequence[float], clusters: Sequence[Hashable]
) -> Design:
    """Return what the clusters do to the interval of the mean of `new - old`, scores in 0..1.

    As in `design_of`, with the variance of the difference of paired hits and misses, and with the
    clusters in which any case differs as the ones that tell something.
    """
    differences = [after - before for before, after in zip(old, new, strict=True)]
    sums, sizes = _totals(differences, clusters)
    n = len(differences)
    mean = math.fsum(differences) / n if n else 0.0
    discordant = math.fsum(
        before + after - 2 * before * after for before, after in zip(old, new, strict=True)
    )
    telling = {
        cluster for cluster, change in zip(clusters, differences, strict=True) if change != 0
    }
    variance = discordant / n - mean * mean if n else 0.0
    return _design(sums, sizes, variance=variance, telling=len(telling))


def clustered_wilson(
    scores: Sequence[float], clusters: Sequence[Hashable], confidence: float = 0.95
) -> tuple[float, float]:
    """Return the interval of the mean of `scores` in 0..1 where those of a cluster hang together.

    Wilson's interval with the effective number of cases and with Student's quantile for the number
    of clusters less one (Kott and Carr 1997; compared with others by Dean and Pagano 2015, and in
    SAS as the Wilson limits of PROC SURVEYFREQ). So it stays in 0..1 and has a width at 0 and 1,
    where the standard error is nothing. With every case in a cluster of its own it is `wilson`.
    """
    if not scores:
        return (0.0, 1.0)
    for score in scores:
        if not 0 <= score <= 1:
            raise ValueError(f"scores must lie in 0..1, not {score!r}")
    mean = math.fsum(scores) / len(scores)
    return share_interval(mean, len(scores), design_of(scores, clusters), confidence)


def share_interval(
    share: float, n: int, design: Design = INDEPENDENT, confidence: float = 0.95
) -> tuple[float, float]:
    """Return the interval of a `share` of `n` cases that hang together as `design` says."""
    quantile = design.quantile(confidence)
    if n <= 0 or math.isinf(quantile):
        return (0.0, 1.0)
    return score_interval(share, n / design.effect, quantile)


def more_cases_needed(
    hits: float,
    n: int,
    threshold: float,
    confidence: float = 0.95,
    design: Design = INDEPENDENT,
) -> int | None:
    """Return how many more cases with the same share of hits would decide against `threshold`.

    Decided means that the Wilson interval lies on one side: its lower bound reaches the threshold,
    or its upper bound stays under it. None means that a million cases would not do: the share lies
    on the threshold, or too close to it. With a `design` the cases come in clusters as before.
    """
    if n <= 0:
        return None
    check_hits(hits, n)
    share = hits / n

    def is_decided(cases: int) -> bool:
        lower, upper = share_interval(share, cases, grown(design, cases / n), confidence)
        return lower >= threshold or upper < threshold

    return more_until(is_decided, n)


def grown(design: Design, factor: float) -> Design:
    """Return the design of `factor` times as many clusters of the same kind."""
    if design.clusters is None:
        return design
    return Design(effect=design.effect, clusters=max(1, int(design.clusters * factor)))


def _totals(
    scores: Iterable[float], clusters: Sequence[Hashable]
) -> tuple[dict[Hashable, float], Counter[Hashable]]:
    sums: defaultdict[Hashable, float] = defaultdict(float)
    for score, cluster in zip(scores, clusters, strict=True):
        sums[cluster] += score
    return sums, Counter(clusters)


def _squared_deviations(sums: dict[Hashable, float], sizes: Counter[Hashable]) -> float:
    mean = math.fsum(sums.values()) / sizes.total()
    return math.fsum((total - mean * sizes[cluster]) ** 2 for cluster, total in sums.items())


def _design(
    sums: dict[Hashable, float], sizes: Counter[Hashable], *, variance: float, telling: int
) -> Design:
    groups, n = len(sums), sizes.total()
    if groups == n:
        return INDEPENDENT
    largest = sum(size * size for size in sizes.values()) / n
    if groups == 1 or telling == 0 or variance <= 0:
        return Design(effect=largest, clusters=groups)
    measured = groups / (groups - 1) * _squared_deviations(sums, sizes) / (n * variance)
    measured = max(1.0, measured)
    effect = (telling * measured + max(measured, largest)) / (telling + 1)
    return Design(effect=effect, clusters=groups)
