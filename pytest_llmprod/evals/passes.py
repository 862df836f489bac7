"""Passes: how often a case passes at least once, or every time, in k tries.

`successes` of `trials` tries passed. Both are the numbers of one case, or `successes` is a sequence
with that of each case: the result is then the mean over the cases. `trials` is one number for all
cases or a sequence, too.
"""

from collections.abc import Callable, Sequence
from math import comb


def pass_at_k(successes: int | Sequence[int], trials: int | Sequence[int], k: int) -> float:
    """Return the chance that at least one of `k` tries passes (Chen et al. 2021, equation 1).

    Without bias: the share of the choices of k of the tries made that hold a success. To estimate
    it as 1 - (1 - c / n) ** k would make it too small.

    >>> pass_at_k(2, 4, 2)
    0.8333333333333334
    """
    return _mean(lambda c, n: 1 - comb(n - c, k) / comb(n, k), successes, trials, k)


def pass_hat_k(successes: int | Sequence[int], trials: int | Sequence[int], k: int) -> float:
    """Return the chance that all of `k` tries pass: pass^k (Yao et al. 2024, tau-bench).

    Without bias: the share of the choices of k of the tries made that hold successes only. To
    estimate it as (c / n) ** k would make it too large.

    >>> pass_hat_k(2, 4, 2)
    0.16666666666666666
    """
    return _mean(lambda c, n: comb(c, k) / comb(n, k), successes, trials, k)


def _mean(
    chance: Callable[[int, int], float],
    successes: int | Sequence[int],
    trials: int | Sequence[int],
    k: int,
) -> float:
    if isinstance(successes, int):
        successes = [successes]
    if isinstance(trials, int):
        trials = [trials] * len(successes)
    if not successes:
        raise ValueError("there must be at least 1 case")
    for c, n in zip(successes, trials, strict=True):
        if not 0 <= c <= n:
            raise ValueError(f"successes must lie in 0..{n}, not {c!r}")
        if not 1 <= k <= n:
            raise ValueError(f"k must lie in 1..{n}, the number of trials, not {k!r}")
    chances = [chance(c, n) for c, n in zip(successes, trials, strict=True)]
    return sum(chances) / len(chances)
