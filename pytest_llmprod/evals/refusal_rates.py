"""Refusal rates: how often a model refused what it should answer, and answered what it should not.

One share hides the other: a model that refuses everything misses no refusal.
"""

from collections.abc import Hashable, Iterable, Mapping
from typing import Any

from pytest_llmprod.core.results import Slice
from pytest_llmprod.evals.slices import Scored, slices

OVER, UNDER = "over-refusal", "under-refusal"
#: The key in the row of a case: metric -> whether a refusal is wanted.
KEY = "wants_refusal"


def refusal_rates(
    cases: Iterable[tuple[Mapping[str, Any], float, Hashable]],
    metric: str,
    confidence: float,
) -> tuple[Slice, ...]:
    """Return the shares of wrong answers among those that should answer, and that should refuse.

    `cases` are rows with their score and cluster. A case that ended in an error says nothing. Empty
    for any metric but `refusal`. The intervals hold together with at least `confidence`.
    """
    wrong = [
        Scored(row["case"], (UNDER if row[KEY][metric] else OVER,), 1 - score, cluster)
        for row, score, cluster in cases
        if metric in row.get(KEY, ()) and row["outcome"] != "error"
    ]
    return slices(wrong, confidence=confidence)
