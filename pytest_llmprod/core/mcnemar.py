"""McNemar: is one of two, which met the same cases, better than the other?"""

from typing import Literal


def mcnemar_exact(
    b: int, c: int, alternative: Literal["two-sided", "less", "greater"] = "two-sided"
) -> float:
    """Return the exact p-value of McNemar's test (McNemar 1947), in integer arithmetic.

    `b` cases were right with the old model only, `c` with the new one only. If neither is better,
    each of the b + c is either kind with chance 1/2. "less" asks for the new one to be worse, that
    is for as many newly broken ones or more; "greater" asks for it to be better. Cases that both
    got right, or neither, say nothing.

    >>> round(mcnemar_exact(86, 150), 9)
    3.7159e-05
    """
    if b < 0 or c < 0:
        raise ValueError(f"counts must be 0 or more, not {b!r} and {c!r}")
    n = b + c
    if alternative == "less":
        return _half_tail(c, n)
    if alternative == "greater":
        return _half_tail(b, n)
    return min(1.0, 2 * _half_tail(min(b, c), n))


def _half_tail(k: int, n: int) -> float:
    """Return the probability of at most `k` heads in `n` tosses of a fair coin."""
    if k >= n:
        return 1.0
    last = min(k, n - k - 1)  # the shorter tail: all the others are the rest
    term = total = 1
    for i in range(last):
        term = term * (n - i) // (i + 1)
        total += term
    if last < k:
        total = (1 << n) - total
    return total / (1 << n)
