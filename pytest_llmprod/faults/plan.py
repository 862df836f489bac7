"""Plan: what goes wrong with the requests of one test, and what was made of them."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Protocol

from pytest_llmprod.core.faulting import Asked, WireAnswer
from pytest_llmprod.faults.fault import Fault
from pytest_llmprod.faults.good import Good, default_good
from pytest_llmprod.faults.good_answer import answer_of
from pytest_llmprod.faults.reading import good_of

if TYPE_CHECKING:
    from pytest_llmprod.faults.script import Script


class Turns(Protocol):
    """Says which request gets which fault."""

    def at(self, number: int) -> Fault | None:
        """Return the fault of the request `number`, counted from 1, None where it gets none."""
        ...


@dataclass(slots=True)
class Served:
    """One request, the fault that it met, if any, and how long the client waited for the answer.

    `waited_s` is in seconds of the test's clock; `gave_up` says that the client's patience ended
    it. A chain of redirects is one request of several `hops`. Equal requests
    have the same `body`.
    """

    fault: Fault | None
    body: str
    retries: int = 0
    hops: int = 1
    waited_s: float = 0.0
    gave_up: bool = False


class InjectedFaults:
    """The fault plan of one test: faults by their turns, and the good answers of a script."""

    def __init__(self, *, stands_in: bool = False) -> None:
        """Make a plan in which nothing goes wrong.

        With `stands_in`, requests that neither a script nor a recording answers get an answer that
        is made up, in place of a miss.
        """
        self.turns: Turns | None = None
        self.script: Script | None = None
        self.served: list[Served] = []
        self._stands_in = stands_in
        self._is_redirected = False
        self._lock = threading.Lock()
        self._begins_at = 0

    @property
    def met(self) -> Fault | None:
        """Return the last fault that a request met."""
        met = [each.fault for each in self.served if each.fault is not None]
        return met[-1] if met else None

    @property
    def ended_well(self) -> bool:
        """Say whether the last request met no fault."""
        return bool(self.served) and self.served[-1].fault is None

    def begin(self, turns: Turns | None) -> None:
        """Let faults have these turns from the next request on."""
        self.turns = turns
        self._begins_at = len(self.served)

    def answer(self, asked: Asked, recorded: Callable[[], WireAnswer | None]) -> WireAnswer | None:
        """Return what comes in place of the provider's answer, None where nothing goes wrong."""
        with self._lock:
            is_hop = self._is_redirected and asked.retries == self.served[-1].retries
            fault = self._next_fault(is_hop=is_hop)
            answer = good = None
            if fault is not None:
                good = self._good(asked, recorded)
                answer = fault.build(asked, good)
            met = fault if answer is not None else None
            if is_hop:
                self.served[-1].hops += 1
                self.served[-1].fault = met or self.served[-1].fault
            else:
                self.served.append(Served(met, _digest(asked), asked.retries))
            self._is_redirected = answer is not None and 300 <= answer.status < 400
        if answer is not None:
            return answer
        if good is not None:
            return answer_of(asked, good)
        said = self.script.answer(asked) if self.script is not None else None
        return None if said is None else answer_of(asked, said)

    def stand_in(self, asked: Asked) -> WireAnswer | None:
        """Return an answer that is made up, None where this plan makes none up."""
        return answer_of(asked, default_good(asked)) if self._stands_in else None

    def waited(self, asked: Asked, seconds: float, *, gave_up: bool) -> None:
        """Note how long the client waits for the answer to its last request."""
        with self._lock:
            self.served[-1].waited_s += seconds
            self.served[-1].gave_up |= gave_up

    def _next_fault(self, *, is_hop: bool) -> Fault | None:
        if self.turns is None:
            return None
        number = len(self.served) - self._begins_at + (not is_hop)
        return self.turns.at(number)

    def _good(self, asked: Asked, recorded: Callable[[], WireAnswer | None]) -> Good:
        """Return a good answer to a request: the script's, the recorded one, or one made up."""
        said = self.script.answer(asked) if self.script is not None else None
        if said is not None:
            return said
        found = recorded()
        return (None if found is None else good_of(asked, found)) or default_good(asked)


def _digest(asked: Asked) -> str:
    text = json.dumps(asked.document, sort_keys=True, default=str)
    return sha256(f"{asked.url} {text}".encode("utf-8", "replace")).hexdigest()
