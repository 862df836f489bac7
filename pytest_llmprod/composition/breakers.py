"""Breakers: a circuit breaker of an application, called in every order in virtual time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pytest_llmprod.composition.context_managers import llm_faults, llm_script
from pytest_llmprod.composition.drills import HandFaults
from pytest_llmprod.core.errors import FaultError
from pytest_llmprod.core.fault_names import expanded
from pytest_llmprod.faults.script import Script
from pytest_llmprod.strategies.breaker_model import BreakerSpec
from pytest_llmprod.strategies.breakers import run_breaker

#: Faults after which another request may go well, and which a breaker is there for.
FAULTS = (
    *("server-error", "rate-limit", "connection-refused", "no-answer"),
    *("rate-limit-retry-after-7", "rate-limit-retry-after-121"),
)


def check_circuit_breaker(
    *,
    make: Callable[[], Any],
    call: Callable[[Any], object],
    opens_after: int,
    open_s: float | tuple[float, float],
    closes_after: int = 1,
    requests: int = 3,
    faults: Any = FAULTS,
    script: Callable[[Script], object] = lambda script: script.reply("Yes."),
) -> None:
    """Fail where a circuit breaker does what a sound one does not, with the shortest story of it.

    `make` makes a breaker that is closed, and `call` asks the provider through one. It is to open
    after `opens_after` failed calls in a row and to stay open for `open_s` seconds, or for between
    the first and the second of two, and longer where the provider says so by `retry-after`. Then
    one call tries again: it opens anew if that fails, and closes after `closes_after` that go well.
    A call sends at most so many `requests`, its client's retries counted. `script` writes down what
    the provider answers when all is well.

    Works in a test with `@pytest.mark.llm_cassette`. Raises FaultError where an argument is wrong.
    """
    __tracebackhide__ = True
    least_s, most_s = open_s if isinstance(open_s, tuple) else (open_s, open_s)
    if opens_after < 1 or closes_after < 1 or requests < 1 or not 0 < least_s <= most_s:
        raise FaultError(
            f"check_circuit_breaker: opens_after, closes_after and requests are 1 or more, and "
            f"open_s is a time above 0, or (least, most); got {opens_after=}, {closes_after=}, "
            f"{requests=}, {open_s=}."
        )

    @contextmanager
    def provider() -> Iterator[HandFaults]:
        with llm_faults() as faults, llm_script() as answers:
            script(answers)
            yield faults

    spec = BreakerSpec(
        opens_after=opens_after,
        open_s=(least_s, most_s),
        closes_after=closes_after,
        requests=requests,
    )
    run_breaker(spec, provider, make, call, expanded(faults))
