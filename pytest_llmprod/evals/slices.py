"""Slices: how well do the cases of each tag do, and how sure is that among so many tags?"""

import math
from collections.abc import Iterable

from pytest_llmprod.core.results import Slice
from pytest_llmprod.evals.statistics import wilson


def slices(
    rows: Iterable[tuple[Iterable[str], float]], *, confidence: float = 0.95
) -> tuple[Slice, ...]:
    """Return the slices of a suite, by the names of their tags.

    A row is the tags of one case and its score in 0..1; an error scores 0, and a case that was
    skipped is no row. A case counts once in the slice of each of its tags, and one without tags in
    none. Of m slices each has an interval of confidence 1 - (1 - confidence) / m (Bonferroni), so
    that all of them hold together with at least `confidence`, however the slices overlap: who looks
    at the worst slice has looked at them all.
    """
    scores: dict[str, list[float]] = {}
    for tags, score in rows:
        for tag in set(tags):
            scores.setdefault(tag, []).append(score)
    if not scores:
        return ()
    each_confidence = 1 - (1 - confidence) / len(scores)
    return tuple(_slice(tag, scores[tag], each_confidence) for tag in sorted(scores))


def _slice(tag: str, scores: list[float], confidence: float) -> Slice:
    hits = round(math.fsum(scores), 9)
    return Slice(
        tag=tag,
        cases=len(scores),
        hits=hits,
        score=hits / len(scores),
        interval=wilson(hits, len(scores), confidence),
    )
