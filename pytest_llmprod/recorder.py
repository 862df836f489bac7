"""Recorder: gives each test its tape, and puts what the test left behind on its report."""

import inspect
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from functools import wraps
from typing import TYPE_CHECKING, Any

import pytest

from pytest_llmprod import markers
from pytest_llmprod.evals.suite import Suite
from pytest_llmprod.fixtures import NEEDING_A_TAPE, TRIAL
from pytest_llmprod.session import Session, Trial
from pytest_llmprod.wire.tape import TapeLabel

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_llmprod.evals.dataset import Case

_LONGEST_WHY = 300


class Recorder:
    """The hooks of the process in which tests run."""

    def __init__(self, session: Session, *, is_worker: bool) -> None:
        """Make the recorder of `session`; `is_worker` says that xdist hands out the tests."""
        self._session = session
        self._is_worker = is_worker
        self._folders: dict[str, Path] = {}
        self._suites_with_answers: set[str] = set()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Open the test's tape, before any fixture asks for it."""
        if not isinstance(item, pytest.Function) or not self._needs_a_tape(item):
            return
        trial = self._trial(item)
        item.stash[TRIAL] = trial
        self._session.begin(trial)
        if trial.suite is not None and trial.suite.task is not None and trial.result is None:
            self._session.run_task(self._waiting(item, trial))
        if inspect.iscoroutinefunction(item.obj):
            item.obj = self._in_own_context(item.obj, trial)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Turn a failed assertion of an eval into a miss, and a cassette miss into a failure."""
        trial = item.stash.get(TRIAL, None)
        if trial is None:
            return (yield)
        with _cheap_traceback(item, trial, call):
            report = yield
        _note(self._session, trial, report, call)
        if call.when == "teardown":
            if trial.suite is not None:
                row = self._session.row(item.nodeid, trial)
                report.llmprod = row  # type: ignore[attr-defined]  # xdist carries it along
            self._session.end(item.nodeid)
            del item.stash[TRIAL]
        return report

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        """Close the journal when the last test has ended."""
        try:
            return (yield)
        finally:
            self._session.close_journal()

    def _needs_a_tape(self, item: pytest.Function) -> bool:
        if markers.is_eval(item) or item.get_closest_marker("llm_cassette") is not None:
            return True
        return not NEEDING_A_TAPE.isdisjoint(item.fixturenames)

    def _trial(self, item: pytest.Function) -> Trial:
        suite = self._suite(item)
        if suite is None:
            label = self._label(item, case=_parameters(item), suite=None)
            return self._session.trial(item.nodeid, label, None, None)
        case: Case = item.callspec.params["llm_case"]  # type: ignore[assignment]  # params are object
        variant = _variant(item)
        label = self._label(item, case=_section(variant, case), suite=suite)
        return self._session.trial(item.nodeid, label, suite, case)

    def _suite(self, item: pytest.Function) -> Suite | None:
        """Return the suite of an eval; each combination of other parameters is one of its own."""
        base = _base(item)
        suite = self._session.suites.get(base)
        variant = _variant(item) if suite is not None else ""
        if suite is None or not variant:
            return suite
        name = f"{base}[{variant}]"
        if name not in self._session.suites:
            self._session.suites[name] = replace(suite, test=name)
        return self._session.suites[name]

    def _label(self, item: pytest.Function, *, case: str, suite: Suite | None) -> TapeLabel:
        base = _base(item)
        folder = self._folders.get(base)
        if folder is None:
            folder = self._folders[base] = item.path.parent / "cassettes" / item.path.stem
        test_class = item.cls
        owner = f"{test_class.__name__}." if test_class is not None else ""
        return TapeLabel(
            folder=folder,
            function=f"{owner}{item.originalname}",
            case=case,
            cases=lambda: _sections(item, suite),
            nodeid=item.nodeid,
            is_eval=suite is not None,
        )

    def _waiting(self, item: pytest.Function, first: Trial) -> list[Trial]:
        """Return the trials of a suite for which its task is to run now, `first` among them.

        At the first item these are all that were selected. Later, when a test is run again, and
        under xdist, where nobody knows which items this worker will get, it is one.
        """
        suite = first.suite
        if suite is None or self._is_worker or suite.test in self._suites_with_answers:
            return [first]
        self._suites_with_answers.add(suite.test)
        base = _base(item)
        others = [
            each
            for each in item.session.items
            if isinstance(each, pytest.Function) and _base(each) == base
        ]
        trials = [self._trial(each) for each in others]
        return [each for each in trials if each.suite is suite]

    def _in_own_context(self, function: Callable[..., Any], trial: Trial) -> Callable[..., Any]:
        """Set the owner inside the coroutine: runners that keep a loop also keep its context."""

        @wraps(function)
        async def owned(*args: Any, **kwargs: Any) -> Any:
            with self._session.carrying(trial):
                return await function(*args, **kwargs)

        return owned


@contextmanager
def _cheap_traceback(
    item: pytest.Item, trial: Trial, call: pytest.CallInfo[None]
) -> Generator[None, None, None]:
    """Spare pytest the traceback of a phase whose report gets another text.

    Making one through a client's code takes longer than a replayed test.
    """
    is_miss = trial.suite is not None and call.when == "call" and _is_assertion(call)
    if not is_miss and not trial.has_untold_misses:
        yield
        return
    item.repr_failure = lambda excinfo, style=None: ""  # type: ignore[method-assign]  # for now
    try:
        yield
    finally:
        del item.repr_failure


def _is_assertion(call: pytest.CallInfo[None]) -> bool:
    return call.excinfo is not None and call.excinfo.errisinstance(AssertionError)


def _note(
    session: Session, trial: Trial, report: pytest.TestReport, call: pytest.CallInfo[None]
) -> None:
    """Read the outcome of one phase into the trace, and correct the report where it misleads."""
    trace = trial.trace
    untold = trial.take_misses()
    if untold:
        _fail(report, "\n\n".join(untold))
    elif call.when == "call" and trial.suite is not None:
        _note_call(session, trial, report, call)
    if report.failed:
        if trace.outcome != "error":  # the first error tells more than what follows from it
            trace.why = _why(report, call)
        trace.outcome = "error"
    elif report.skipped:
        trace.outcome = "miss" if hasattr(report, "wasxfail") else "skip"
    elif call.when == "call" and trace.outcome is None:
        trace.outcome = "hit"


def _note_call(
    session: Session, trial: Trial, report: pytest.TestReport, call: pytest.CallInfo[None]
) -> None:
    if report.failed and call.excinfo is not None and _is_assertion(call):
        trial.trace.outcome = "miss"
        trial.trace.why = _first_line(str(call.excinfo.value)) or "assertion failed"
        report.outcome = "passed"
        report.longrepr = None
        report.llmprod_missed = True  # type: ignore[attr-defined]  # xdist carries it along
    if report.passed:
        problem = session.complete_scores(trial)
        if problem:
            _fail(report, problem)


def _fail(report: pytest.TestReport, text: str) -> None:
    report.outcome = "failed"
    report.longrepr = text
    report.llmprod_missed = False  # type: ignore[attr-defined]  # xdist carries it along


def _why(report: pytest.TestReport, call: pytest.CallInfo[None]) -> str:
    if isinstance(report.longrepr, str) or call.excinfo is None:
        return _first_line(str(report.longrepr))
    return _first_line(f"{call.excinfo.typename}: {call.excinfo.value}")


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0][:_LONGEST_WHY]


def _base(item: pytest.Function) -> str:
    parent = item.parent
    return f"{parent.nodeid if parent else ''}::{item.originalname}"


def _variant(item: pytest.Function) -> str:
    """Name the parameters of an eval other than its case; empty where there are none."""
    callspec = item.callspec
    if len(callspec.params) == 1:
        return ""
    return ",".join(
        f"{name}={value if isinstance(value, str | int | float) else callspec.indices[name]}"
        for name, value in callspec.params.items()
        if name != "llm_case"
    )


def _parameters(item: pytest.Function) -> str:
    callspec = getattr(item, "callspec", None)
    return "" if callspec is None else str(callspec.id)


def _section(variant: str, case: "Case") -> str:
    """Name the section of the cassette in which the recordings of a case stand."""
    return f"{variant}/{case.id}" if variant else case.id


def _sections(item: pytest.Function, suite: Suite | None) -> tuple[str, ...]:
    """Name the sections of all cases of a suite, in the order of the data set."""
    if suite is None:
        return ()
    variant = _variant(item)
    return tuple(_section(variant, case) for case in suite.dataset.cases)
