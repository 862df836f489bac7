"""Gate: what the scores of a suite allow to say about its threshold."""

import math
from dataclasses import dataclass

from pytest_llmprod.core.results import FIRST_LOOK, Look
from pytest_llmprod.core.verdict import Verdict
from pytest_llmprod.evals.statistics import (
    INDEPENDENT,
    Design,
    confidence_at_look,
    more_cases_needed,
    share_interval,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """The counts of one suite and one metric.

    `cases` were scored, errors included, and got `answers`: several for each where it is asked
    several times, and as many as cases where that is None. `hits` is the sum of the scores of all
    answers, where an error scores 0, and `errors` counts cases. Skipped cases are in none of these.
    `design` says how the answers hang together.
    """

    cases: int
    hits: float
    errors: int
    answers: int | None = None
    design: Design = INDEPENDENT

    @property
    def scored(self) -> int:
        """Return the number of answers that were scored."""
        return self.cases if self.answers is None else self.answers

    @property
    def score(self) -> float:
        """Return the share of hits, 0 where nothing was scored."""
        return self.hits / self.scored if self.scored else 0.0

    def interval(self, confidence: float) -> tuple[float, float]:
        """Return the bounds of the score, in 0..1."""
        return share_interval(self.score, self.scored, self.design, confidence)


def cluster_of(case_id: str, cluster: str | None) -> tuple[str, str]:
    """Return what an answer hangs together with: the cluster of its case, else the case itself.

    The repeats of a case are in one cluster, with those of other cases where its row names one.
    """
    return ("case", case_id) if cluster is None else ("cluster", cluster)


def interval_confidence(confidence: float, look: Look) -> float:
    """Return the confidence of the interval by which a look is judged.

    The first look has what the marker says, so that a team which judges once gets just that. The
    later ones share out half as much again: with 0.95 all looks together, however many there are,
    go wrong in at most 7.5 % of the cases, and pass wrongly in at most half of these.
    """
    return confidence if look.number == 1 else confidence_at_look(confidence, look.number)


def judge(
    tally: Tally,
    *,
    threshold: float,
    confidence: float,
    max_errors: int,
    strict: bool,
    look: Look = FIRST_LOOK,
) -> Verdict:
    """Return the verdict on a suite.

    PASS when the lower bound of the interval reaches the threshold, FAIL when the upper bound stays
    under it or more than `max_errors` cases ended in an error, else INCONCLUSIVE: the point
    estimate then decides whether the gate is open, unless `strict`, and unless the same requests
    were answered before and did not open it.
    """
    at_look = interval_confidence(confidence, look)
    low, high = tally.interval(at_look)
    clustered = ", clustered" if tally.design.clusters is not None else ""
    measured = (
        f"{_number(tally.hits)}/{tally.scored} = {tally.score:.1%} "
        f"({at_look * 100:.4g}% interval {low * 100:.1f} to {high * 100:.1f}{clustered}"
        f"{f', look {look.number}' if look.number > 1 else ''})"
    )
    if tally.errors > max_errors:
        return Verdict(
            name="FAIL",
            reason=f"{_cases(tally.errors)} ended in an error, at most {max_errors} may; "
            f"{measured}",
            is_open=False,
            advice=f"{_cases(tally.errors)} ended in an error, at most {max_errors} may",
        )
    if tally.cases and low >= threshold:
        return Verdict(
            name="PASS", reason=f"{measured} reaches the threshold {threshold:.1%}", is_open=True
        )
    if tally.cases and high < threshold:
        return Verdict(
            name="FAIL",
            reason=f"{measured} is below the threshold {threshold:.1%}",
            is_open=False,
            advice="the score is below the threshold",
        )
    decides = _what_would_decide(tally, threshold, at_look)
    reaches = tally.score >= threshold
    is_open = bool(tally.cases) and reaches and not strict and not look.is_again
    compared = f"{tally.score:.1%} {'reaches' if reaches else 'is below'} {threshold * 100:.4g}%"
    advice = f"{compared}, {decides}" if tally.cases else decides
    if strict:
        decision = "--llm-strict closes it"
        advice = f"{decision}, {decides}" if reaches else advice
    elif not tally.cases or (look.is_again and reaches):
        decision = "the gate stays closed"
    else:
        decision = f"the score alone {'opens the gate' if is_open else 'closes it'}"
    if look.is_again and reaches and not strict:
        decides = f"only PASS opens it at look {look.number} of the same requests; {decides}"
        advice = decides
    return Verdict(
        name="INCONCLUSIVE",
        reason=f"{measured} spans the threshold {threshold:.1%}: {decides}; {decision}",
        is_open=is_open,
        advice=advice,
    )


def _what_would_decide(tally: Tally, threshold: float, confidence: float) -> str:
    if not tally.cases:
        return "no case was scored"
    answers = more_cases_needed(tally.hits, tally.scored, threshold, confidence, tally.design)
    if answers is None:
        return "too close for more cases to decide"
    more = math.ceil(answers * tally.cases / tally.scored)
    verdict = "PASS" if tally.score >= threshold else "FAIL"
    return f"about {more} more {'case makes' if more == 1 else 'cases make'} it {verdict}"


def _cases(number: int) -> str:
    return "1 case" if number == 1 else f"{number} cases"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:.2f}"
