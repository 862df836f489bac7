"""Repeats: what several answers to each case say that one answer does not."""

from collections.abc import Iterable
from typing import Any

from pytest_llmprod.core.results import CaseRate, Repeats
from pytest_llmprod.core.text import natural
from pytest_llmprod.evals.passes import pass_hat_k


def repeats_of(answers: Iterable[tuple[str, float]], count: int, *, unanswered: int = 0) -> Repeats:
    """Return what the answers say, each of which is the id of its case and its score in 0..1.

    `count` is how often each case was to be asked, and `unanswered` how many of these scores stand
    for no answer. A score of 1 is a hit, and any other one is
    none: "0.9 of a hit" three times in three would else read as a case that never hits, or always.
    A case of which some repeats were skipped has fewer answers: pass^k is known up to the fewest.
    """
    scores: dict[str, list[float]] = {}
    for case_id, score in answers:
        scores.setdefault(case_id, []).append(score)
    rates = [
        CaseRate(id=case_id, hits=sum(score == 1 for score in of_case), answers=len(of_case))
        for case_id, of_case in scores.items()
    ]
    hits, trials = [each.hits for each in rates], [each.answers for each in rates]
    return Repeats(
        count=count,
        answers=sum(trials),
        unanswered=unanswered,
        pass_hat={k: pass_hat_k(hits, trials, k) for k in range(1, min(trials, default=0) + 1)},
        flaky=tuple(sorted((each for each in rates if 0 < each.rate < 1), key=_by_rate)),
        failing=tuple(sorted((each.id for each in rates if each.hits == 0), key=natural)),
    )


def _by_rate(case: CaseRate) -> tuple[Any, ...]:
    return case.rate, natural(case.id)
