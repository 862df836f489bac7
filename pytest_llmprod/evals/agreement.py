"""Agreement: what the verdicts of a judge are worth, measured on labels by people."""

import math
from collections import Counter
from collections.abc import Hashable, Sequence

from pytest_llmprod.core.distributions import normal_quantile


def cohens_kappa(first: Sequence[Hashable], second: Sequence[Hashable]) -> float | None:
    """Return how far two raters of the same cases agree beyond chance, at most 1 (Cohen 1960).

    `first` and `second` hold a label for each case. 0 is what two raters who each keep to their own
    shares of labels would reach blindly, below 0 they contradict. None where both give one and the
    same label to every case, or where there is none: that they agree then says nothing.

    >>> cohens_kappa("yyyynnnn", "yyynynnn")
    0.5
    """
    n = len(first)
    agreed = sum(1 for one, other in zip(first, second, strict=True) if one == other)
    shares, others = Counter(first), Counter(second)
    by_chance = sum(count * others[label] for label, count in shares.items())
    if by_chance == n * n:
        return None
    return (n * agreed - by_chance) / (n * n - by_chance)


def rogan_gladen(observed: float, true_positive_rate: float, true_negative_rate: float) -> float:
    """Return the true share of hits behind the share that an imperfect judge `observed`.

    (observed + TNR - 1) / (TPR + TNR - 1) (Rogan and Gladen 1978), clipped to 0..1. Raises
    ValueError where the judge is no better than a coin: no observation then says anything.

    >>> round(rogan_gladen(0.8, 0.95, 0.9), 4)
    0.8235
    """
    for name, rate in (
        ("observed", observed),
        ("true_positive_rate", true_positive_rate),
        ("true_negative_rate", true_negative_rate),
    ):
        if not 0 <= rate <= 1:
            raise ValueError(f"{name} must lie in 0..1, not {rate!r}")
    youden = true_positive_rate + true_negative_rate - 1
    if youden <= 0:
        raise ValueError(
            f"a judge with a true-positive rate of {true_positive_rate!r} and a true-negative rate "
            f"of {true_negative_rate!r} is no better than a coin"
        )
    return min(1.0, max(0.0, (observed + true_negative_rate - 1) / youden))


def rogan_gladen_interval(
    observed: tuple[float, float],
    true_positives: tuple[int, int],
    true_negatives: tuple[int, int],
    confidence: float = 0.95,
) -> tuple[float, float]:
    """Return the interval of the true share of hits, as (lower, upper) in 0..1.

    All three arguments are (count, of how many): the hits that the judge saw, the human positives
    that it called positive, the human negatives that it called negative. `observed` may be worth
    fewer cases than there are, where some hang together. By the delta method, after pseudo-counts
    have moved all three rates away from 0 and 1 (Lang and Reiczigel 2014, equations 4, 6, 7, 16 and
    17): three sources of error, of which the calibration is often the largest. (0, 1) where the
    judge could be no better than a coin, and where a count is missing.
    """
    square = normal_quantile(confidence) ** 2
    for count, n in (observed, true_positives, true_negatives):
        if not 0 <= count <= n:
            raise ValueError(f"a count must lie in 0..{n}, not {count!r}")
        if n == 0:
            return (0.0, 1.0)
    share, share_variance = _moved(observed, square)
    hit, hit_variance = _moved(true_positives, 2)
    rejection, rejection_variance = _moved(true_negatives, 2)
    youden = hit + rejection - 1
    if youden <= 0:
        return (0.0, 1.0)
    true = (share + rejection - 1) / youden
    shift = 2 * square * (true * hit_variance - (1 - true) * rejection_variance)
    variance = (
        share_variance + true**2 * hit_variance + (1 - true) ** 2 * rejection_variance
    ) / youden**2
    half = math.sqrt(square * variance)
    return (
        min(1.0, max(0.0, true + shift - half)),
        min(1.0, max(0.0, true + shift + half)),
    )


def _moved(counted: tuple[float, float], pseudo: float) -> tuple[float, float]:
    """Return a rate with so many pseudo-cases, half of them hits, and the variance of the rate."""
    count, n = counted
    rate = (count + pseudo / 2) / (n + pseudo)
    return rate, rate * (1 - rate) / (n + pseudo)
