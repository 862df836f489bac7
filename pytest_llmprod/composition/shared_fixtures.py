"""Shared fixtures: whose are the requests of a fixture that several tests share?

They stand in a cassette of their own, whichever test happens to be the first or the last.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from pytest_llmprod.composition.report_rows import Rows
from pytest_llmprod.composition.request_log import Asker, RequestLog
from pytest_llmprod.composition.trial import Trial
from pytest_llmprod.wire.router import Router
from pytest_llmprod.wire.tape import Tape


@contextmanager
def turn_of(
    tape: Tape, running: Trial, *, router: Router, log: RequestLog, rows: Rows
) -> Iterator[None]:
    """Give the wire to a shared fixture that is set up or torn down, then to the test again.

    What the fixture misses fails the test that runs, and no suite is judged after it: who knows
    which of them the fixture serves.
    """
    before = router.running or running.tape
    missed, verified, sent = len(tape.misses), len(tape.verified), len(tape.exchanges)
    tape.is_open = True
    router.enter(tape)
    is_finished = False
    try:
        yield
        is_finished = True
    finally:
        try:
            tape.close(finished=is_finished)
        finally:
            running.tape.misses.extend(tape.misses[missed:])
            running.tape.spend_stop = running.tape.spend_stop or tape.spend_stop
            running.tape.verified.extend(tape.verified[verified:])
            running.asked.update(each.model_requested for each in tape.exchanges[sent:])
            running.asked.update(tape.replaced_models)
            log.write(tape, Asker(nodeid=running.asker.nodeid), tape.exchanges[sent:])
            moments = filter(None, (running.tape.aging_since, tape.aging_since))
            running.tape.aging_since = min(moments, default="")
            rows.has_shared_misses |= bool(tape.misses)
            router.enter(before)
