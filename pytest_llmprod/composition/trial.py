"""Trial: one test while it runs, what it scores and what it was not told."""

from typing import TYPE_CHECKING, Any

from pytest_llmprod.budgets.cost import Costs
from pytest_llmprod.composition.request_log import Asker, Ending
from pytest_llmprod.core.errors import ScoreError, SpendStop
from pytest_llmprod.core.exchange import calls_of
from pytest_llmprod.core.miss import Miss
from pytest_llmprod.core.results import Trace
from pytest_llmprod.core.text import error_text
from pytest_llmprod.evals.dataset import Case
from pytest_llmprod.evals.metrics import PASSED, checked_score
from pytest_llmprod.evals.suite import Asking, Suite
from pytest_llmprod.wire.tape import Tape

if TYPE_CHECKING:
    from pytest_llmprod.budgets.expression import Expression
    from pytest_llmprod.evals.task import TaskResult


class Trial:
    """One test while it runs: its tape and its trace, and its case where it is one of a suite."""

    __slots__ = (
        "_has_told_stop",
        "_told",
        "asked",
        "asker",
        "asking",
        "budgets",
        "costs",
        "function",
        "is_keyless",
        "result",
        "suite",
        "tape",
        "trace",
    )

    def __init__(
        self,
        tape: Tape,
        suite: Suite | None,
        asking: Asking | None,
        asker: Asker,
        costs: Costs,
    ) -> None:
        """Start the trial of a test that plays from `tape`."""
        self.tape = tape
        self.costs = costs
        self.asker = asker
        self.trace = Trace(exchanges=tape.exchanges, judged=tape.judged)
        self.suite = suite
        self.asking = asking
        self.result: TaskResult | None = None
        self.asked: set[str] = set()  # models, by fixtures that it shares with other tests
        self._told: set[Miss | str] = set()
        self._has_told_stop = False
        self.function = ""  # the node id without parameters
        self.is_keyless = False  # no client of this process could ask anybody when it began
        self.budgets: tuple[Expression, ...] = ()  # those of its markers

    @property
    def case(self) -> Case | None:
        """Return the case of an eval, None for any other test."""
        return None if self.asking is None else self.asking.case

    @property
    def has_untold_misses(self) -> bool:
        """Say whether there was a cassette miss that no report has told yet."""
        return not self._told.issuperset(self.tape.misses)

    def take_misses(self) -> list[Miss | str]:
        """Return the cassette misses that no report has told yet, each once.

        A client that tries again meets the same miss again.
        """
        if not self.tape.misses:
            return []
        untold = [each for each in dict.fromkeys(self.tape.misses) if each not in self._told]
        self._told.update(untold)
        return untold

    def take_spend_stop(self) -> SpendStop | None:
        """Return what kept the test from sending a request, once."""
        stop = self.tape.spend_stop
        if stop is None or self._has_told_stop:
            return None
        self._has_told_stop = True
        return stop

    def score(self, metric: str, value: float) -> None:
        """Note a score of this case; raise ValueError where it is no number in 0..1."""
        score = checked_score(metric, value)
        self.trace.scores[metric] = float(score)
        self.trace.whys[metric] = score.why

    def output(self) -> Any:
        """Return the answer to the trial's case, from `outputs=` or `task=`.

        Raises what the task raised.
        """
        suite, asking = self.suite, self.asking
        if suite is not None and asking is not None and suite.outputs is not None:
            return suite.outputs[asking.case.id, asking.repeat].value
        if self.result is None:
            raise LookupError("this suite has neither outputs= nor task=")
        return self.result.value()

    def complete_scores(self) -> str:
        """Score what the threshold names and the test has not; return what is wrong, or ''."""
        suite, case = self.suite, self.case
        if suite is None or case is None:
            return ""
        if self.result is not None and self.result.error is not None:
            error = self.result.error
            return f"the task failed on this case: {named(error)}"
        for metric in suite.threshold:
            if metric == PASSED or metric in self.trace.scores:
                continue
            scorer = suite.scorers.get(metric)
            has_output = suite.outputs is not None or self.result is not None
            if scorer is None or not (has_output or scorer.takes_exchanges):
                return _unscored(metric, is_known=scorer is not None)
            try:
                output = self.output() if has_output else None
                exchanges = self.trace.exchanges
                self.score(metric, scorer(output, case.expected, exchanges, case.input))
            except ScoreError as error:
                return str(error)
            except (Exception, SpendStop) as error:
                return f"the metric {metric!r} failed on this case: {named(error)}"
        return ""

    def note_unplayed(self) -> None:
        """Note recordings that a test which passed did not play, as a miss of its."""
        if self.tape.misses or (self.suite is not None and self.suite.outputs is not None):
            return  # what was missing explains what was left over
        left = self.tape.unplayed()
        if left is not None:
            self.tape.misses.append(left)

    @property
    def asked_less(self) -> bool:
        """Say whether all that is wrong are recordings which the test did not play."""
        return {getattr(each, "kind", "") for each in self.tape.misses} == {"unplayed"}

    def got_no_answer(self) -> bool:
        """Say whether a live case got no answer from a model: no key, nobody there, or a limit.

        The application may have handled that, with a fallback for instance. A case that makes no
        request and is no error needs none, but where there is no key: clients refuse to be built
        then, before anything is sent. That a judge got none says nothing of the model either.
        """
        if self.tape.mode == "none" or self.suite is None:
            return False
        if any(call.last.is_outage for call in calls_of(self.tape.judged)):
            return True
        if self.suite.outputs is not None:
            return False
        calls = self.tape.calls
        if not calls:
            return self.is_keyless or self.trace.outcome == "error"
        return all(call.last.is_outage for call in calls)

    def ending(self) -> Ending:
        """Return how the test ended, as the request log says it."""
        trace = self.trace
        outcome = trace.outcome or ""
        verdict = outcome if self.suite is not None else _PLAIN_VERDICTS.get(outcome, outcome)
        scores = trace.scores
        if self.suite is not None and outcome in ("hit", "miss"):
            scores = {**scores, PASSED: float(outcome == "hit")}
        return Ending(verdict=verdict, why=trace.why, scores=scores)


#: What the outcomes of a test are called that is no eval.
_PLAIN_VERDICTS = {"hit": "passed", "miss": "failed", "error": "failed"}


def named(error: BaseException) -> str:
    """Return the class and the text of an error, as a report names it."""
    return f"{type(error).__name__}: {error_text(error)}"


def _unscored(metric: str, *, is_known: bool) -> str:
    answer = " Or give the marker task= or outputs=: then it has an output to score."
    return (
        f"this test gave no score for the metric {metric!r}, which its threshold names. Call "
        f"llm_score({metric!r}, value) in every case.{answer if is_known else ''}"
    )
