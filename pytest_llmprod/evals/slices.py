"""Slices: how well do the cases of each tag do, and how sure is that among so many tags?"""

import math
from collections.abc import Hashable, Iterable
from typing import NamedTuple

from pytest_llmprod.core.results import Slice
from pytest_llmprod.evals.statistics import clustered_wilson


class Scored(NamedTuple):
    """One answer to one case: its tags, its score in 0..1, and what it hangs together with."""

    case: str
    tags: Iterable[str]
    score: float
    cluster: Hashable


def slices(rows: Iterable[Scored], *, confidence: float = 0.95) -> tuple[Slice, ...]:
    """Return the slices of a suite, by the names of their tags.

    An error scores 0, and a case that was skipped is no row. A case counts once in the slice of
    each of its tags, and one without tags in none. Of m slices each has an interval of confidence
    1 - (1 - confidence) / m (Bonferroni), so that all of them hold together with at least
    `confidence`, however the slices overlap: who looks at the worst slice has looked at them all.
    """
    found: dict[str, list[Scored]] = {}
    for row in rows:
        for tag in set(row.tags):
            found.setdefault(tag, []).append(row)
    if not found:
        return ()
    each_confidence = 1 - (1 - confidence) / len(found)
    return tuple(_slice(tag, found[tag], each_confidence) for tag in sorted(found))


def _slice(tag: str, rows: list[Scored], confidence: float) -> Slice:
    scores = [row.score for row in rows]
    hits = round(math.fsum(scores), 9)
    return Slice(
        tag=tag,
        cases=len({row.case for row in rows}),
        hits=hits,
        score=hits / len(scores),
        interval=clustered_wilson(scores, [row.cluster for row in rows], confidence),
    )
