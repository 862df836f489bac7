"""Breaker model: what a sound circuit breaker does, held against one that is only seen to ask."""

import re
from dataclasses import dataclass
from math import inf
from typing import Literal

from pytest_llmprod.core.text import counted

#: What a breaker does wrong, by name.
BreakerWeakness = Literal[
    "does not open",
    "opens too early",
    "asks while open",
    "ignores retry-after",
    "never asks again",
    "stays half-open",
    "does not recover",
    "retry storm",
]
OK = "ok"
_RETRY_AFTER = re.compile(r"retry-after-(\d+)$")
#: By how much a breaker may be off, in seconds: it counts from the answer, we from the call's end.
_TOLERANCE_S = 0.1


class WrongBreaker(AssertionError):
    """A breaker did what a sound one does not; `weakness` names it."""

    def __init__(self, weakness: BreakerWeakness, told: str) -> None:
        """Say what it did."""
        super().__init__(f"{weakness}: {told}")
        self.weakness = weakness


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerSpec:
    """What a breaker promises.

    It opens after `opens_after` failed calls in a row, and stays open for `open_s`: the least and
    the most, in seconds. It closes after `closes_after` calls that went well, and one call sends at
    most so many `requests`.
    """

    opens_after: int
    open_s: tuple[float, float]
    closes_after: int = 1
    requests: int = 3


class BreakerModel:
    """A sound breaker, which is told of each call of the one under test."""

    def __init__(self, spec: BreakerSpec) -> None:
        """Begin with a breaker that is closed."""
        self._spec = spec
        self._state: Literal["closed", "open", "half-open"] = "closed"
        self._failures = 0  # in a row
        self._good_probes = 0
        self._opened_at_s = 0.0
        self._may_ask_at_s = 0.0
        self._told_until_s = -inf  # the latest time that a retry-after has named
        self._has_refused = False  # since it opened last
        self._has_recovered = False  # and was not asked since
        self._was_half_open = False

    @property
    def is_open(self) -> bool:
        """Say whether a sound breaker is open now."""
        return self._state == "open"

    def called(self, provider: str, sent: int, start_s: float, end_s: float) -> None:
        """Note a call under a fault, or "ok", that `sent` so many requests from start to end.

        Raises WrongBreaker where a sound one would have done something else.
        """
        __tracebackhide__ = True
        if sent > self._spec.requests:
            raise WrongBreaker(
                "retry storm", f"one call sent {sent} requests, and may send {self._spec.requests}"
            )
        if sent:
            self._asked(start_s)
            self._answered(provider, end_s)
        else:
            self._refused(start_s)

    def _asked(self, now_s: float) -> None:
        __tracebackhide__ = True
        if self._state != "open" or now_s >= self._may_ask_at_s - _TOLERANCE_S:
            return
        since_s = now_s - self._opened_at_s
        least_s = self._spec.open_s[0]
        if since_s >= least_s - _TOLERANCE_S:
            pause_s = self._may_ask_at_s - self._opened_at_s
            raise WrongBreaker(
                "ignores retry-after",
                f"it asked {since_s:.1f} s after the provider had said {pause_s:g} s",
            )
        if self._has_refused or since_s > _TOLERANCE_S:
            told = f"it asked after {since_s:.1f} s, and is to stay open for {least_s:g} s"
            raise WrongBreaker("asks while open", told)
        if self._was_half_open:
            raise WrongBreaker("stays half-open", "a call that tried again failed, and it asked on")
        told = f"it asked after {counted(self._failures, 'failure')} in a row"
        raise WrongBreaker("does not open", told)

    def _refused(self, now_s: float) -> None:
        __tracebackhide__ = True
        if self._state == "open":
            self._has_refused = True
            latest_s = max(self._opened_at_s + self._spec.open_s[1], self._told_until_s)
            if now_s >= latest_s + _TOLERANCE_S:
                since_s = now_s - self._opened_at_s
                raise WrongBreaker(
                    "never asks again", f"it refused a call {since_s:.1f} s after it had opened"
                )
        elif now_s >= self._told_until_s + _TOLERANCE_S:
            if self._has_recovered or self._state == "half-open":
                raise WrongBreaker("does not recover", "it refused a call after one that went well")
            raise WrongBreaker(
                "opens too early",
                f"it refused a call after {counted(self._failures, 'failure')}, and opens after "
                f"{self._spec.opens_after}",
            )

    def _answered(self, provider: str, now_s: float) -> None:
        is_probe = self._state != "closed"
        self._has_recovered = False
        if provider != OK:
            self._failed(provider, now_s, is_probe=is_probe)
            return
        self._failures = 0
        self._told_until_s = -inf
        if is_probe:
            self._good_probes += 1
            self._has_recovered = self._good_probes >= self._spec.closes_after
            self._state = "closed" if self._has_recovered else "half-open"

    def _failed(self, provider: str, now_s: float, *, is_probe: bool) -> None:
        self._failures += 1
        told = _RETRY_AFTER.search(provider)
        pause_s = float(told[1]) if told else 0.0
        if told:
            self._told_until_s = max(self._told_until_s, now_s + pause_s)
        if is_probe or self._failures >= self._spec.opens_after:
            self._state = "open"
            self._good_probes = 0
            self._opened_at_s = now_s
            self._may_ask_at_s = now_s + max(self._spec.open_s[0], pause_s)
            self._has_refused = False
            self._was_half_open = is_probe
