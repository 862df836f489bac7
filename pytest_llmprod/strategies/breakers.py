"""Breakers: a state machine of Hypothesis that looks for what a circuit breaker does wrong."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Any, Protocol

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from pytest_llmprod.strategies.breaker_model import OK, BreakerModel, BreakerSpec

_STEPS = 12


class Provider(Protocol):
    """The provider of one example, in virtual time."""

    @property
    def requests(self) -> int:
        """Return how many requests have come so far."""
        ...

    @property
    def elapsed_s(self) -> float:
        """Return the time by its clock, in seconds."""
        ...

    def inject(self, *names: str) -> None:
        """Let requests meet a fault from now on."""
        ...

    def clear(self) -> None:
        """Let all be well from now on."""
        ...

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        ...


def run_breaker(
    spec: BreakerSpec,
    provider: Callable[[], AbstractContextManager[Provider]],
    make: Callable[[], Any],
    call: Callable[[Any], object],
    faults: Sequence[str],
) -> None:
    """Call breakers in every order, each example with a new one and a new provider.

    Raises WrongBreaker with the shortest story that shows what is wrong.
    """
    __tracebackhide__ = True
    machine = _machine(spec, provider, make, call, faults)
    run_state_machine_as_test(
        machine,
        settings=settings(
            settings(),
            deadline=None,  # time is virtual
            stateful_step_count=_STEPS,
            report_multiple_bugs=False,  # one weakness has one name
            phases=[each for each in settings().phases if each is not Phase.explain],
            suppress_health_check=list(HealthCheck),
        ),
    )


def _machine(
    spec: BreakerSpec,
    provider: Callable[[], AbstractContextManager[Provider]],
    make: Callable[[], Any],
    call: Callable[[Any], object],
    faults: Sequence[str],
) -> type[RuleBasedStateMachine]:
    least_s, most_s = spec.open_s
    pauses_s = (1.1 * most_s, 0.5 * least_s, 0.9 * least_s, 5 * most_s)

    class Breaker(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self._stack = ExitStack()
            self._provider = self._stack.enter_context(provider())
            self._model = BreakerModel(spec)
            self._breaker = make()

        @rule(
            provider=st.sampled_from((OK, *faults)),
            times=st.sampled_from(sorted({1, max(spec.opens_after - 1, 1), spec.opens_after})),
        )
        def calls(self, provider: str, times: int) -> None:
            __tracebackhide__ = True
            for _ in range(times):
                self._call(provider)

        def _call(self, fault: str) -> None:
            __tracebackhide__ = True
            if fault == OK:
                self._provider.clear()
            else:
                self._provider.inject(fault)
            before, start_s = self._provider.requests, self._provider.elapsed_s
            try:
                call(self._breaker)
            except Exception:
                if fault == OK and self._provider.requests > before:
                    raise  # the answer was good: this is no matter of the breaker
            sent = self._provider.requests - before
            self._model.called(fault, sent, start_s, self._provider.elapsed_s)

        # A breaker may forget failures after a while: time passes only where it is open.
        @precondition(lambda self: self._model.is_open)
        @rule(seconds=st.sampled_from(pauses_s))
        def wait(self, seconds: float) -> None:
            self._provider.wait(seconds)

        def teardown(self) -> None:
            self._stack.close()

    return Breaker
