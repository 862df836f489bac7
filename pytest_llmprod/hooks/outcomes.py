"""Outcomes: what a phase of a test means for its trial, and what its report says."""

import re
from collections.abc import Generator
from contextlib import contextmanager

import pytest

from pytest_llmprod.composition.trial import Trial
from pytest_llmprod.core.errors import LlmprodError, SpendStop
from pytest_llmprod.core.text import error_text, printable
from pytest_llmprod.session import Session

_LONGEST_WHY = 300


class StoppedTest(SpendStop, pytest.fail.Exception):  # type: ignore[name-defined,misc]  # an attribute of a function
    """A stop as pytest's own, which runners of async tests hand on without ending themselves."""


@contextmanager
def cheap_traceback(
    item: pytest.Item, trial: Trial, call: pytest.CallInfo[None]
) -> Generator[None, None, None]:
    """Spare pytest the traceback of a phase whose report gets another text.

    Making one through a client's code takes longer than a replayed test.
    """
    is_miss = trial.suite is not None and call.when == "call" and _is_assertion(call)
    if not (is_miss or trial.has_untold_misses or _is_ours(call) or _absent_key(trial, call)):
        yield
        return
    item.repr_failure = lambda excinfo, style=None: ""  # type: ignore[method-assign]  # for now
    try:
        yield
    finally:
        del item.repr_failure


def _is_ours(call: pytest.CallInfo[None]) -> bool:
    """Say whether the phase ended in an error of ours, whose text says all that a user needs."""
    return call.excinfo is not None and isinstance(call.excinfo.value, LlmprodError | SpendStop)


def _absent_key(trial: Trial, call: pytest.CallInfo[None]) -> str:
    """Return the variable without which openai's client could not be built to record, or ''."""
    if trial.tape.mode == "none":
        return ""
    of_task = None if trial.result is None else trial.result.error
    error = of_task if call.excinfo is None else call.excinfo.value
    if (
        error is None or type(error).__name__ != "OpenAIError"
    ):  # by its name: only users' code imports openai
        return ""
    found = re.search(r"Missing credentials.*?\b([A-Z][A-Z_]*_KEY)\b", error_text(error))
    return "" if found is None else found[1]


def _is_assertion(call: pytest.CallInfo[None]) -> bool:
    return call.excinfo is not None and call.excinfo.errisinstance(AssertionError)


def _is_call_of_xfail(call: pytest.CallInfo[None]) -> bool:
    """Say whether the test called `pytest.xfail()`: it says what the mark says."""
    return call.excinfo is not None and call.excinfo.errisinstance(pytest.xfail.Exception)


def note(
    session: Session, trial: Trial, report: pytest.TestReport, call: pytest.CallInfo[None]
) -> None:
    """Read the outcome of one phase into the trace, and correct the report where it misleads."""
    trace = trial.trace
    if call.when == "teardown" and report.passed and trace.outcome == "hit":
        trial.note_unplayed()  # not before: a fixture may ask while it is torn down
    untold = trial.take_misses()
    stop = _spend_stop(trial, call)
    is_told_once = False  # the text is the same for every case of a suite
    if stop is not None:
        _note_spend_stop(report, stop)
    elif untold:
        fail(report, session.telling.tell(untold, trial.tape.label.nodeid))
    elif report.failed and call.excinfo is not None and _is_ours(call):
        error = call.excinfo.value  # of a fixture that several tests share, perhaps told before
        told = error.told if isinstance(error, LlmprodError) else str(error)
        fail(report, session.telling.tell([told], trial.tape.label.nodeid))
    elif report.failed and _absent_key(trial, call):
        fail(report, _wants_key(_absent_key(trial, call)))
        is_told_once = True
    elif call.when == "call" and trial.suite is not None:
        is_told_once = _note_call(session, trial, report, call)
    if report.failed:
        if trace.outcome != "error":  # the first error tells more than what follows from it
            trace.why = _why(report, call)
        trace.outcome = "error"
    elif report.skipped and hasattr(report, "wasxfail"):
        trace.outcome = "miss" if _is_assertion(call) or _is_call_of_xfail(call) else "error"
        trace.why = f"expected to fail: {report.wasxfail}" if report.wasxfail else "xfail"
    elif report.skipped:
        trace.outcome = "skip"
    elif call.when == "call" and trace.outcome is None:
        trace.outcome = "hit"
    if is_told_once:
        _tell_once(session, trial, report, str(report.longrepr))
    elif report.failed and call.when == "call" and not isinstance(report.longrepr, str):
        _tell_outage_once(session, trial, report)


def _wants_key(name: str) -> str:
    return f"recording needs {name}, which is not set"


def _tell_once(session: Session, trial: Trial, report: pytest.TestReport, text: str) -> None:
    """Refer to a test above where this text was told of another case of the suite."""
    tape = trial.tape
    suite = f"{tape.label.folder}/{tape.label.function}"
    told = session.telling.again(suite, printable(text), tape.label.nodeid)
    if told:
        fail(report, told)


def _tell_outage_once(session: Session, trial: Trial, report: pytest.TestReport) -> None:
    """Leave out the traceback through the client where a test above got no answer either."""
    tape = trial.tape
    may_lack = tape.mode != "none" or session.settings.is_fallback_only
    if not may_lack or not (tape.calls or tape.judged):
        return
    from pytest_llmprod.hooks.outages import outage_of  # a replay does without

    if outage_of(trial):
        _tell_once(session, trial, report, trial.trace.why)


def _spend_stop(trial: Trial, call: pytest.CallInfo[None]) -> SpendStop | None:
    """Return what kept this test from sending a request and was not told yet, or None."""
    stop = trial.take_spend_stop()
    if stop is None and call.excinfo is not None and isinstance(call.excinfo.value, SpendStop):
        return call.excinfo.value  # of a fixture that several tests share, and told before
    return stop


def _note_spend_stop(report: pytest.TestReport, stop: SpendStop) -> None:
    """Fail the test that was running when money ran out, and skip those that come after it."""
    report.llmprod_stop = stop.is_first  # type: ignore[attr-defined]  # xdist carries it along
    if stop.is_first:
        fail(report, str(stop))
        return
    path, line, _ = report.location
    report.outcome = "skipped"
    report.longrepr = (path, (line or 0) + 1, f"Skipped: {stop}")


def _note_call(
    session: Session, trial: Trial, report: pytest.TestReport, call: pytest.CallInfo[None]
) -> bool:
    """Note the outcome of a case, and say whether it is an error that others may have, too."""
    if report.failed and call.excinfo is not None and _is_assertion(call):
        trial.trace.outcome = "miss"
        trial.trace.why = first_line(error_text(call.excinfo.value)) or "assertion failed"
        report.outcome = "passed"
        report.longrepr = None
        report.llmprod_missed = True  # type: ignore[attr-defined]  # xdist carries it along
    if report.passed:
        problem = trial.complete_scores()
        stop = trial.take_spend_stop()  # of a judge, as these misses are
        if stop is not None:
            _note_spend_stop(report, stop)
            return False
        untold = trial.take_misses()
        absent = _absent_key(trial, call) if problem else ""
        if untold:
            problem = session.telling.tell(untold, trial.tape.label.nodeid)
        elif absent:
            problem = _wants_key(absent)
        if problem:
            fail(report, problem)
            return not untold
    return False


def fail(report: pytest.TestReport, text: str) -> None:
    """Make `report` that of a failure, which `text` explains."""
    report.outcome = "failed"
    report.longrepr = text
    report.llmprod_told = True  # type: ignore[attr-defined]  # xdist carries it along
    report.llmprod_missed = False  # type: ignore[attr-defined]  # xdist carries it along


def _why(report: pytest.TestReport, call: pytest.CallInfo[None]) -> str:
    if isinstance(report.longrepr, str) or call.excinfo is None:
        return first_line(str(report.longrepr))
    return first_line(f"{call.excinfo.typename}: {error_text(call.excinfo.value)}")


def first_line(text: str) -> str:
    """Return the first line of a text, no longer than a summary needs."""
    return text.strip().partition("\n")[0][:_LONGEST_WHY]
