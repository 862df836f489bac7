"""Report rows: what the report of a test carries to the process that decides, as plain JSON."""

import json
from collections.abc import Callable
from typing import Any

from pytest_llmprod.composition.trial import Trial
from pytest_llmprod.core.errors import PricesError
from pytest_llmprod.core.results import Trace
from pytest_llmprod.evals.dataset import Case
from pytest_llmprod.evals.metrics.refusing import refusal, wants_refusal
from pytest_llmprod.evals.metrics.scorer import function_of
from pytest_llmprod.evals.refusal_rates import KEY
from pytest_llmprod.records.conversation import turns
from pytest_llmprod.settings import Settings

_LONGEST_WHY = 300
_MOST_TURNS, _LONGEST_TURN = 20, 10_000  # what a page could show of a prompt, and more


class Rows:
    """Makes the rows of one process, in which no secret is left.

    `masked` returns a text with its secrets masked. `has_shared_misses` says that a fixture which
    several tests share got no answer: nobody knows which of them it serves.
    """

    def __init__(self, settings: Settings, masked: Callable[[str], str]) -> None:
        """Make rows of which none was made yet."""
        self._settings = settings
        self._masked = masked
        self._told_suites: set[str] = set()
        self.has_shared_misses = False

    def of_case(self, trial: Trial) -> dict[str, Any]:
        """Return what travels on the test's report, as plain JSON.

        The first row of each suite carries what the deciding process must know of the suite.
        """
        trial.trace.why = self._masked(trial.trace.why)
        trial.trace.whys = {
            metric: self._masked(why)[:_LONGEST_WHY]
            for metric, why in trial.trace.whys.items()
            if why
        }
        row = trial.trace.to_dict()
        suite, asking = trial.suite, trial.asking
        if suite is None or asking is None:
            return row
        case = asking.case
        row |= self._costs_put(row, trial)
        row["suite"] = suite.test
        row["case"] = case.id
        if asking.repeat > 1:
            row["repeat"] = asking.repeat
        row["nodeid"] = trial.tape.label.nodeid
        if case.tags:
            row["tags"] = case.tags
        if case.cluster is not None:
            row["cluster"] = case.cluster
        wanted = {
            name: wants_refusal(case.expected)
            for name, scorer in suite.scorers.items()
            if function_of(scorer.metric) is refusal
        }
        if wanted:
            row[KEY] = wanted
        if trial.trace.exchanges:
            # Later requests may depend on answers: the first one says whether they are the same.
            row["asked"] = min(trial.trace.exchanges, key=lambda each: each.call).key[:12]
        lacks = trial.tape.misses or trial.tape.spend_stop or self.has_shared_misses
        if lacks or trial.got_no_answer():
            row["unrecorded"] = True
            if trial.asked_less and not self.has_shared_misses:
                row["unplayed"] = True
        if trial.tape.spend_stop is not None:  # it was not asked, and so it is no wrong answer
            row["outcome"] = "skip"
        if suite.test not in self._told_suites:
            self._told_suites.add(suite.test)
            row["meta"] = suite.to_json(self._settings.rootpath)
        if suite.outputs is not None:
            row["recorded"] = suite.outputs[case.id, asking.repeat].to_json()
        if self._settings.keeps_answers:
            row["output"] = self._shown_output(trial)
            row["expected"] = self._as_json(case.expected)
        if self._settings.keeps_answers and _is_failure(trial.trace):
            row["prompt"] = self._prompt(trial, case)
        return row

    def _costs_put(self, row: dict[str, Any], trial: Trial) -> dict[str, str]:
        """Put its cost to each exchange of a row; return why none is known, where that is so."""
        trace = trial.trace
        said = [*trace.exchanges, *trace.judged]
        try:
            costs = [trial.costs.usd(each) for each in said]
        except PricesError as error:
            return {"prices_problem": str(error)}
        rows = [*row.get("exchanges", ()), *row.get("judged", ())]
        for each, cost in zip(rows, costs, strict=True):
            if cost is not None:
                each["cost_usd"] = str(cost)
        return {}

    def of_budgets(self, trial: Trial) -> dict[str, Any]:
        """Return what the report of a test to which a budget applies carries of its calls."""
        feature = "" if trial.suite is None else trial.suite.feature
        is_of_feature = feature in self._settings.features
        if not (trial.budgets or is_of_feature or self._settings.budgets):
            return {}
        is_stopped = trial.tape.spend_stop is not None
        if trial.trace.outcome == "skip" and not (trial.tape.exchanges or is_stopped):
            return {}
        asked = [*trial.tape.exchanges, *trial.tape.judged]
        if asked and not trial.budgets and all(each.is_made_up for each in asked):
            return {}  # a drill says nothing of what a run costs
        from pytest_llmprod.composition.report_calls import (
            calls_row,  # only a run with budgets needs it
        )

        try:
            return calls_row(
                trial.tape,
                trial.suite,
                trial.asking,
                function=trial.function,
                budgets=trial.budgets,
                cost=trial.costs.of,
                asked_less=trial.asked_less,
            )
        except PricesError as error:
            return {"prices_problem": str(error)}

    def of_recordings(self, trial: Trial) -> dict[str, Any]:
        """Return what the report of any test carries of its recordings: only what is notable.

        `verified` holds the comparisons of a run that verifies, `aging` the day of the oldest
        recording that will soon be too old, and `asked` the models that were asked in a run that
        swaps some or compares several, with those that they took the place of.
        """
        row: dict[str, Any] = {}
        if trial.tape.verified:
            row["verified"] = [
                {name: self._masked(value) for name, value in each.to_dict().items()}
                for each in trial.tape.verified
            ]
        if trial.tape.aging_since:
            row["aging"] = trial.tape.aging_since
        if self._settings.choice.swaps or self._settings.choice.models:
            asked = trial.asked.union(each.model_requested for each in trial.tape.exchanges)
            asked |= trial.tape.replaced_models
            row |= {"asked": sorted(asked)} if asked else {}
        return row

    def _shown_output(self, trial: Trial) -> Any:
        suite = trial.suite
        if suite is not None and (suite.outputs is not None or trial.result is not None):
            if trial.result is not None and trial.result.error is not None:
                return None
            return self._as_json(trial.output())
        exchanges = trial.trace.exchanges
        return self._as_json(exchanges[-1].text) if exchanges else None

    def _prompt(self, trial: Trial, case: Case) -> list[list[str]]:
        """Return who said what in the last request of a case, or its input where it made none."""
        exchanges = trial.trace.exchanges
        asked = exchanges[-1].request if exchanges else case.input
        return [
            [self._masked(role), self._masked(text)[:_LONGEST_TURN]]
            for role, text in list(turns(asked))[-_MOST_TURNS:]
        ]

    def _as_json(self, value: Any) -> Any:
        """Return `value` as plain JSON with secrets masked; what is no JSON becomes its repr."""
        try:
            return json.loads(self._masked(json.dumps(value, ensure_ascii=False)))
        except (TypeError, ValueError, RecursionError):
            return self._masked(_shown(value))


def _is_failure(trace: Trace) -> bool:
    return trace.outcome != "hit" or any(score < 1 for score in trace.scores.values())


def _shown(value: Any) -> str:
    """Return the repr of an object of the application, whatever its `__repr__` does."""
    try:
        return repr(value)
    except Exception as problem:
        return f"({type(value).__name__} whose repr cannot be had: {type(problem).__name__})"
