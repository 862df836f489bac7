"""Forecast: what a run would ask and what that would cost if it recorded now."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What the tests of one function would send to one model if they recorded now.

    `tests` counts those that would record, `guessed` those of them that were never recorded and
    are taken to ask what the others ask, each with its first model only, and `unknown` those of
    which nothing is known at all; nothing else counts the unknown ones. `cost_usd` sums the priced
    requests; `unpriced` counts those whose model has no price, which `unpriced_model` names, and
    `without_usage` those of which nobody knows what they use. `latency_s` is the sum over the
    requests.
    """

    function: str
    model: str
    told_by: str
    tests: int
    guessed: int
    unknown: int
    requests: int
    input_tokens: int
    output_tokens: int
    cost_usd: Decimal
    unpriced: int
    unpriced_model: str
    without_usage: int
    latency_s: float


class Plan(list[Forecast]):
    """The forecasts of a recording run, and what else is to be told before it starts.

    `unmet` are the options that name a model which no test is known to ask, though all are known,
    `asked` the models that applications ask. `waiting` counts the recordings that a killed run has
    left.
    """

    def __init__(
        self,
        forecasts: Iterable[Forecast],
        *,
        unmet: Iterable[str],
        asked: Iterable[str],
        waiting: int,
    ) -> None:
        """Make a plan of `forecasts`."""
        super().__init__(forecasts)
        self.unmet = tuple(unmet)
        self.asked = tuple(asked)
        self.waiting = waiting
