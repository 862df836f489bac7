"""Context managers: what fixtures give to a whole test, for a part of it.

Inside of `@given` each example begins anew, which a fixture cannot do.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from pytest_llmprod.composition.canaries import Canaries
from pytest_llmprod.composition.drills import FaultBench, HandFaults
from pytest_llmprod.core import running
from pytest_llmprod.core.errors import FaultError
from pytest_llmprod.core.schedule import Schedule
from pytest_llmprod.core.virtual_time import VirtualClock
from pytest_llmprod.faults.schedule import InTurn
from pytest_llmprod.faults.script import Script
from pytest_llmprod.faults.spies import Spy
from pytest_llmprod.records.collecting import llm_records
from pytest_llmprod.wire.sent import Sent


@contextmanager
def llm_script() -> Iterator[Script]:
    """Answer the requests of this block from a script of its own.

    >>> with llm_script() as script:
    ...     script.json({"label": "billing"})
    ...     assert triage("my invoice").label == "billing"
    """
    with _bench("llm_script") as bench:
        before, bench.plan.script = bench.plan.script, None
        try:
            yield bench.script
        finally:
            bench.plan.script = before


@contextmanager
def llm_faults(schedule: Schedule | None = None) -> Iterator[HandFaults]:
    """Let faults meet the requests of this block, in virtual time: those of `schedule`, if any.

    >>> with llm_faults(Schedule(("rate-limit", "ok"))) as faults:
    ...     assert triage("my invoice").label == "billing"
    """
    with _bench("llm_faults") as bench:
        turns = bench.plan.turns
        try:
            bench.plan.begin(None if schedule is None else InTurn(schedule))
            yield HandFaults(bench)
        finally:
            bench.plan.begin(turns)


@contextmanager
def llm_fallback(path: str) -> Iterator[Spy]:
    """Watch the callable `package.module:name` in this block, while it runs as ever."""
    test = running.running("llm_fallback")
    clock = test.tape.clock
    elapsed = (lambda: clock.elapsed_s) if isinstance(clock, VirtualClock) else (lambda: 0.0)
    with Spy(path, elapsed).watching(test.root) as spy:
        yield spy


@contextmanager
def llm_wire() -> Iterator[Sent]:
    """Keep what this block sends; `assert_no(planted)` searches it."""
    tape = running.running("llm_wire").tape
    before = tape.outgoing
    if before is None:
        tape.outgoing = []
    try:
        yield Sent(tape.outgoing)
    finally:
        tape.outgoing = before


@contextmanager
def llm_canary() -> Iterator[Canaries]:
    """Plant canaries in this block, at the end of which none may be told."""
    tape = running.running("llm_canary").tape
    with llm_records() as records:
        canaries = Canaries(tape, records)
        yield canaries
        told = canaries.left_over()
        if told:
            raise AssertionError(told)


@contextmanager
def _bench(name: str) -> Iterator[FaultBench]:
    """Return the bench of the running test, or one for this block."""
    test = running.running(name)
    tape = test.tape
    if tape.label.is_eval:
        raise FaultError(
            f"{name}() in a test that is marked with llm_eval: an eval opens a gate by what a "
            f"model answered, and this one would by what the test made up. Remove it, or make a "
            f"test of its own, marked with llm_drill or llm_cassette."
        )
    test.lend_keys()
    plan, clock = tape.faults, tape.clock
    with ExitStack() as stack:
        bench = FaultBench(tape, test.root, stands_in=False)
        stack.callback(setattr, tape, "faults", plan)
        if plan is not None:
            bench.plan = tape.faults = plan
        if isinstance(clock, VirtualClock) and clock.is_running:
            bench.clock = clock
        else:
            stack.callback(setattr, tape, "clock", clock)
            stack.enter_context(bench.in_virtual_time())
        yield bench
