"""Scorer: a metric as a suite uses it, checked once before the first case."""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from pytest_llmprod.core.errors import MetricError
from pytest_llmprod.core.exchange import Exchange
from pytest_llmprod.core.text import printable, shorten
from pytest_llmprod.evals.metrics.own import PASSED, marked_name
from pytest_llmprod.evals.metrics.scoring import Metric, Score, checked_score
from pytest_llmprod.evals.metrics.texts import shown
from pytest_llmprod.evals.metrics.words import need_rapidfuzz, similarity

_LONGEST_OPTION = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorer:
    """A metric with its name.

    `takes_exchanges` says that it reads the requests of the case, `takes_input` that it has a
    parameter `input` which can only be given by name, and reads the input of the case.
    """

    name: str
    metric: Metric
    takes_exchanges: bool
    takes_input: bool = False

    def __call__(
        self, output: Any, expected: Any, exchanges: Sequence[Exchange], given: Any = None
    ) -> Score:
        """Return the score of one case; raise ScoreError where the metric returned none.

        `given` is the input of the case.
        """
        named: dict[str, Any] = {}
        if self.takes_exchanges:
            named["exchanges"] = tuple(exchanges)
        if self.takes_input:
            named["input"] = given
        return checked_score(self.name, self.metric(output, expected, **named))


def make_scorer(name: str, metric: Any) -> Scorer:
    """Return the scorer of a metric; raise MetricError where it cannot be called as one."""
    if not callable(metric):
        raise MetricError(
            f"the metric {name!r} must be a function of (output, expected), not {shown(metric)}"
        )
    if inspect.iscoroutinefunction(metric):
        raise MetricError(
            f"the metric {name!r} is async, and metrics are not. Write it without async; what "
            f"needs a model or the network belongs into the task or the test."
        )
    if function_of(metric) is similarity:
        need_rapidfuzz()
    return Scorer(
        name=name,
        metric=metric,
        takes_exchanges=_takes_exchanges(name, metric),
        takes_input=_takes_input(metric),
    )


def name_of(metric: Any) -> str:
    """Return the name of a metric that is given as a function: `numeric(rel=0.05)` with options.

    Raises MetricError where it has none.
    """
    if isinstance(metric, partial):
        options = [f"{name}={_option(value)}" for name, value in metric.keywords.items()]
        return f"{name_of(metric.func)}({', '.join(options)})"
    name = marked_name(metric) or getattr(metric, "__name__", "")
    if not callable(metric) or not name or name == "<lambda>":
        raise MetricError(
            f"threshold= takes the name of a metric or a function of (output, expected) that has "
            f"one, not {shown(metric)}. Write `def name(output, expected):` for it."
        )
    if name == PASSED:
        raise MetricError(f"a metric cannot be called {PASSED!r}. Rename the function.")
    return str(name)


def _option(value: Any) -> str:
    text = value.__name__ if isinstance(value, type) else shown(value)
    return shorten(printable(text), _LONGEST_OPTION)


def function_of(metric: Any) -> Any:
    """Return the function of a metric, without the options that `partial` gives it."""
    return function_of(metric.func) if isinstance(metric, partial) else metric


def _takes_input(metric: Metric) -> bool:
    try:
        parameter = inspect.signature(metric).parameters.get("input")
    except (TypeError, ValueError):  # of some functions in C nobody knows the parameters
        return False
    is_fixed = isinstance(metric, partial) and "input" in metric.keywords
    return parameter is not None and parameter.kind is parameter.KEYWORD_ONLY and not is_fixed


def _takes_exchanges(name: str, metric: Metric) -> bool:
    try:
        signature = inspect.signature(metric)
    except (TypeError, ValueError):  # of some functions in C nobody knows the parameters
        return False
    takes_exchanges = "exchanges" in signature.parameters
    named: dict[str, Any] = {"exchanges": ()} if takes_exchanges else {}
    if _takes_input(metric):
        named["input"] = None
    try:
        signature.bind(None, None, **named)
    except TypeError as error:
        function = getattr(function_of(metric), "__name__", name)
        missing = [
            f"{each.name}=..."
            for each in signature.parameters.values()
            if each.kind is each.KEYWORD_ONLY and each.default is each.empty
        ]
        options = ", ".join(missing) or "option=..."
        raise MetricError(
            f"the metric {name!r} cannot be called with (output, expected): {error}. Give its "
            f"options by name: threshold={{partial({function}, {options}): 0.9}}, with partial "
            f"from functools."
        ) from None
    return takes_exchanges
