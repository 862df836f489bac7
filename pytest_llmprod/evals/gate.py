"""Gate: what the scores of a suite allow to say about its threshold."""

from dataclasses import dataclass

from pytest_llmprod.core.verdict import Verdict
from pytest_llmprod.evals.statistics import more_cases_needed, wilson


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """The counts of one suite and one metric.

    `cases` were scored, errors included; `hits` is the sum of their scores, where a case with an
    error scores 0. Skipped cases are in neither.
    """

    cases: int
    hits: float
    errors: int

    @property
    def score(self) -> float:
        """Return the share of hits, 0 where nothing was scored."""
        return self.hits / self.cases if self.cases else 0.0


def judge(
    tally: Tally, *, threshold: float, confidence: float, max_errors: int, strict: bool
) -> Verdict:
    """Return the verdict on a suite.

    PASS when the lower bound of the Wilson interval reaches the threshold, FAIL when the upper
    bound stays under it or more than `max_errors` cases ended in an error, else INCONCLUSIVE: the
    point estimate then decides whether the gate is open, unless `strict`.
    """
    low, high = wilson(tally.hits, tally.cases, confidence)
    measured = (
        f"{_number(tally.hits)}/{tally.cases} = {tally.score:.1%} "
        f"({confidence * 100:g}% interval {low * 100:.1f} to {high * 100:.1f})"
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
    advice = _what_would_decide(tally, threshold, confidence)
    is_open = bool(tally.cases) and tally.score >= threshold and not strict
    if strict:
        decision = "--llm-strict closes it"
    elif not tally.cases:
        decision = "the gate stays closed"
    else:
        decision = f"the point estimate {'opens the gate' if is_open else 'closes it'}"
    return Verdict(
        name="INCONCLUSIVE",
        reason=f"{measured} spans the threshold {threshold:.1%}: {advice}; {decision}",
        is_open=is_open,
        advice=advice,
    )


def _what_would_decide(tally: Tally, threshold: float, confidence: float) -> str:
    if not tally.cases:
        return "no case was scored"
    more = more_cases_needed(tally.hits, tally.cases, threshold, confidence)
    if more is None:
        return "the score is too close to the threshold for more cases to decide"
    verdict = "PASS" if tally.score >= threshold else "FAIL"
    cases = "case" if more == 1 else "cases"
    return f"about {more} more {cases} at this score would make it {verdict}"


def _cases(number: int) -> str:
    return "1 case" if number == 1 else f"{number} cases"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:.2f}"
