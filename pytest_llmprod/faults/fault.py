"""Fault: one thing that goes wrong at a provider, and the facts about it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from pytest_llmprod.core.fault_names import Group
from pytest_llmprod.core.faulting import Asked, WireAnswer
from pytest_llmprod.faults.good import Good

#: Which requests of a test get the fault: all, those after the first, or the first, the third, ...
Turns = Literal["always", "after the first", "every other"]

#: What comes back for a request, made from a good answer to it; None where the fault cannot meet
#: such a request.
Build = Callable[[Asked, Good], WireAnswer | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One way in which a provider fails.

    `what` says it in a few words. The facts: `silent` where no client raises an error,
    `retryable` where another request may get a good answer, `billable` where the provider charges
    for the request, `partial` where a part of the answer arrives and looks like text, and `usable`
    where the answer is whole and an application may take it. `raises` is the class of the error
    that openai's client raises, '' for none, and `requests` how many it sends with its two retries.
    `words` are those by which a log line may name the fault, besides its class and its status.
    """

    name: str
    group: Group | Literal["gate"]
    what: str
    build: Build
    retryable: bool
    billable: bool
    raises: str = ""
    requests: int = 1
    partial: bool = False
    usable: bool = False
    turns: Turns = "always"
    words: tuple[str, ...] = ()

    @property
    def silent(self) -> bool:
        """Say whether no client raises an error: the application has to look."""
        return not self.raises

    def hits(self, number: int) -> bool:
        """Say whether the request `number` of a test, counted from 1, gets the fault."""
        if self.turns == "after the first":
            return number > 1
        return self.turns == "always" or number % 2 == 1
