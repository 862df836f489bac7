"""Scoring: what a metric is, and what is taken for a score of it."""

import math
import numbers
from collections.abc import Callable
from typing import Any

from pytest_llmprod.core.errors import ScoreError
from pytest_llmprod.core.text import shorten
from pytest_llmprod.evals.metrics.texts import shown


class Score(float):
    """How well one case did under one metric: a number in 0..1 that says in `why` what was lacking.

    Being a number it can be compared, averaged and asserted as one. That it lies in 0..1 is checked
    where it is noted.

    >>> score = Score(0.5, why="no 'refund'")
    >>> score + 0.25, score.why
    (0.75, "no 'refund'")
    """

    __slots__ = ("why",)
    why: str

    def __new__(cls, value: float, *, why: str = "") -> "Score":
        """Make a score that says why it is not 1."""
        score = super().__new__(cls, value)
        score.why = why
        return score

    def __repr__(self) -> str:
        return f"Score({float(self)!r}, why={self.why!r})"


NO_OUTPUT = Score(0.0, why="there is no output")

Metric = Callable[..., float]
"""A function of (output, expected) that returns a number in 0..1, a Score, or True or False.

One that has a parameter `exchanges` is also given the requests of the case, in order.
"""

_LONGEST_VALUE = 80


def checked_score(metric: str, value: Any) -> Score:
    """Return what a metric returned as a Score; raise ScoreError where it is no number in 0..1."""
    number: Any = value if isinstance(value, numbers.Real) else math.nan
    if 0 <= number <= 1:
        return Score(number, why=str(getattr(value, "why", "")))
    raise ScoreError(
        f"the score of metric {metric!r} must be a number in 0..1, not "
        f"{shorten(shown(value), _LONGEST_VALUE)}. Return a number, True or False, or "
        f"Score(0.5, why='...')."
    )


def is_number(value: Any) -> bool:
    """Say whether a value is a finite number, and not True or False."""
    return isinstance(value, int | float) and not isinstance(value, bool) and _is_finite(value)


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond the largest float
        return False
