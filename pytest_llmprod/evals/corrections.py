"""Corrections: what is left of a finding when many were looked for, or when one looked many times.

Of twenty slices one is "significant at 5 %" though nothing is the matter, and of twenty runs of the
same evals one passes that should not.
"""

from collections.abc import Sequence


def holm(ps: Sequence[float]) -> list[float]:
    """Return the p-values, in the same order, corrected for how many there are (Holm 1979).

    Reject what is at most alpha: the chance of any wrong finding is then at most alpha, whatever
    the p-values have to do with one another.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    count = len(ps)
    corrected = [0.0] * count
    largest = 0.0
    for rank, index in enumerate(_ascending(ps)):
        largest = max(largest, min(1.0, (count - rank) * ps[index]))
        corrected[index] = largest
    return corrected


def benjamini_hochberg(ps: Sequence[float]) -> list[float]:
    """Return the p-values, in the same order, as false discovery rates (Benjamini, Hochberg 1995).

    Reject what is at most q: of the findings then a share of at most q is wrong on average, where
    the p-values are independent or positively dependent. Finds more than `holm` and promises less.

    >>> benjamini_hochberg([0.01, 0.04, 0.03])
    [0.03, 0.04, 0.04]
    """
    count = len(ps)
    corrected = [0.0] * count
    smallest = 1.0
    for rank, index in reversed(list(enumerate(_ascending(ps), 1))):
        smallest = min(smallest, count / rank * ps[index])
        corrected[index] = smallest
    return corrected


def shared_confidence(confidence: float, parts: int) -> float:
    """Return the confidence of each of `parts` intervals that all cover with `confidence`.

    The chance of a miss is shared out evenly (Bonferroni; Dunn 1961). For the slices of a suite, or
    for a number of looks that was fixed beforehand.

    >>> round(shared_confidence(0.95, 5), 4)
    0.99
    """
    if parts < 1:
        raise ValueError(f"there must be at least 1 part, not {parts!r}")
    return 1 - (1 - confidence) / parts


def confidence_at_look(confidence: float, look: int) -> float:
    """Return the confidence of the interval at a look, where nobody knows how many will follow.

    The first look is number 1. A run is a look when its answers are new and when it would have been
    the last one, had it passed: "look until green". Look k may err with (1 - confidence) divided by
    k (k + 1), and as these shares add up to 1, all looks together, however many there are, err at
    most as often as one with `confidence` (alpha spending by the union bound; a schedule in the
    sense of Lan and DeMets 1983). A replay of the same recordings shows nothing new and is no look.

    >>> [round(confidence_at_look(0.95, look), 4) for look in (1, 2, 3)]
    [0.975, 0.9917, 0.9958]
    """
    if look < 1:
        raise ValueError(f"looks are counted from 1, not {look!r}")
    return 1 - (1 - confidence) / (look * (look + 1))


def _ascending(ps: Sequence[float]) -> list[int]:
    for p in ps:
        if not 0 <= p <= 1:
            raise ValueError(f"a p-value must lie in 0..1, not {p!r}")
    return sorted(range(len(ps)), key=ps.__getitem__)
