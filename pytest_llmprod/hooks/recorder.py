"""Recorder: gives each test its tape, and puts what the test left behind on its report."""

import inspect
from collections.abc import Callable, Generator
from contextlib import ExitStack
from dataclasses import replace
from functools import wraps
from typing import TYPE_CHECKING, Any

import pytest

from pytest_llmprod import markers
from pytest_llmprod.composition.trial import Trial
from pytest_llmprod.core.errors import LlmprodError
from pytest_llmprod.evals.suite import Suite
from pytest_llmprod.fixtures import NEEDING_A_TAPE, TRIAL
from pytest_llmprod.hooks.labels import (
    TestName,
    asking_and_variant,
    fixture_label,
    label_of,
    place_of,
)
from pytest_llmprod.hooks.outcomes import cheap_traceback, fail, first_line, note
from pytest_llmprod.hooks.progress import Progress
from pytest_llmprod.report import misses
from pytest_llmprod.session import Session
from pytest_llmprod.wire.label import TapeLabel

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_llmprod.core.forecast import Forecast
    from pytest_llmprod.wire.tape import Tape


#: What a task may raise to say something else of a case than that it failed.
_NO_FAILURES = (pytest.skip.Exception, pytest.xfail.Exception)


class Recorder:
    """The hooks of the process in which tests run."""

    def __init__(self, session: Session, *, is_worker: bool) -> None:
        """Make the recorder of `session`; `is_worker` says that xdist hands out the tests."""
        self._session = session
        self._is_worker = is_worker
        self._places: dict[str, tuple[Path, str]] = {}
        self._suites_with_answers: set[str] = set()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Open the test's tape, before any fixture asks for it."""
        if not isinstance(item, pytest.Function) or not needs_a_tape(item):
            self._session.take_keys_back()
            return
        trial = self._trial(item)
        item.stash[TRIAL] = trial
        if "llm_wire" in item.fixturenames:
            trial.tape.outgoing = []  # before any fixture asks
        self._session.begin(trial)
        if inspect.iscoroutinefunction(item.obj):
            # A test that runs again is wrapped already, for a tape that is closed.
            function = getattr(item.obj, "llmprod_original", item.obj)
            item.obj = self._in_own_context(function, trial)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
    ) -> Generator[None, object, object]:
        """Give a fixture that several tests share a tape of its own, also when it is torn down."""
        running = self._session.running
        if running is None or fixturedef.scope == "function":
            return (yield)
        tape = self._session.shared_tape(fixture_label(fixturedef, request, running.tape.label))
        turn = _TearDownTurn(self._session, tape)
        fixturedef.addfinalizer(turn.end)  # finalizers run in reverse: around that of the fixture
        try:
            with self._session.shared(tape, running):
                return (yield)
        finally:
            fixturedef.addfinalizer(turn.begin)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Turn a failed assertion of an eval into a miss, and a cassette miss into a failure."""
        trial = item.stash.get(TRIAL, None)
        if trial is None:
            return (yield)
        if call.when == "teardown":
            trial.tape.settle()
        if call.excinfo is None:
            report = yield
        else:
            with cheap_traceback(item, trial, call):
                report = yield
        note(self._session, trial, report, call)
        if call.when == "teardown":
            self._end(item, trial, report)
            if trial.tape.misses:
                counts = misses.count(trial.tape.misses, refused=len(trial.tape.refused))
                report.llmprod_misses = counts  # type: ignore[attr-defined]  # xdist carries it along
            if trial.suite is not None:
                row = self._session.rows.of_case(trial)
                report.llmprod = row  # type: ignore[attr-defined]  # xdist carries it along
            calls = self._session.rows.of_budgets(trial)
            if calls:
                report.llmprod_calls = calls  # type: ignore[attr-defined]  # same
            if trial.suite is not None or calls:
                report.llmprod_counted = True  # type: ignore[attr-defined]  # same
            self._session.log(trial)  # on disk before the report is sent
            files = self._session.outgoing()
            if files:
                report.llmprod_files = files  # type: ignore[attr-defined]  # same
            wire = self._session.rows.of_recordings(trial)
            if wire:
                report.llmprod_wire = wire  # type: ignore[attr-defined]  # same
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count what is sent: the controller is told at the end how much should have come."""
        if getattr(report, "llmprod_counted", False):
            self._session.sent += 1

    def _end(self, item: pytest.Item, trial: Trial, report: pytest.TestReport) -> None:
        """End the trial of a test, which fails where what it recorded cannot be stored."""
        del item.stash[TRIAL]
        try:
            self._session.end(item.nodeid)
        except LlmprodError as error:
            before = f"{report.longreprtext}\n\n" if report.failed else ""
            fail(report, f"{before}{error}")
            if trial.trace.outcome != "error":
                trial.trace.why = first_line(str(error))
            trial.trace.outcome = "error"

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        """Close the journal when the last test has ended, and leave no placeholder to hooks."""
        try:
            return (yield)
        finally:
            self._session.take_keys_back()
            self._session.close_journal()

    def run_task(self, item: pytest.Item) -> None:
        """Run the task of an eval's suite, unless its answers are there."""
        trial = item.stash.get(TRIAL, None)
        if trial is None or trial.suite is None or trial.suite.task is None:
            return
        if trial.result is None and isinstance(item, pytest.Function):
            self._run_task(item, self._waiting(item, trial))

    def _run_task(self, item: pytest.Function, trials: list[Trial]) -> None:
        progress = Progress(item.config, item.originalname, len(trials))

        def done(trial: Trial) -> None:
            error = trial.result.error if trial.result else None
            failure = ""
            if error is not None and not isinstance(error, _NO_FAILURES):
                failure = self._session.named_error(error)
            progress.done(trial.case.id if trial.case else "", failure)

        progress.begin()
        try:
            self._session.run_task(trials, done)
        finally:
            progress.end()

    def label(self, item: pytest.Function) -> TapeLabel:
        """Return where the recordings of a test lie, and what it is called."""
        name = self._name(item)
        return label_of(item, name, self._suite(name), self._session.settings.choice)

    def _trial(self, item: pytest.Function) -> Trial:
        name = self._name(item)
        suite = self._suite(name)
        settings = self._session.settings
        rules = markers.play_rules(item, settings.play_rules)
        label = label_of(item, name, suite, settings.choice)
        trial = self._session.trial(item.nodeid, label, suite, name.asking, rules)
        trial.function = name.base
        trial.budgets = markers.budgets(item, settings.features)
        return trial

    def _name(self, item: pytest.Function) -> "TestName":
        base = f"{item.parent.nodeid if item.parent else ''}::{item.originalname}"
        if base not in self._places:
            self._places[base] = place_of(item)
        folder, function = self._places[base]
        asking, variant = asking_and_variant(item)
        return TestName(base, folder, function, asking, variant)

    def _suite(self, name: "TestName") -> Suite | None:
        """Return the suite of a test, None where the test is no eval."""
        suites = self._session.suites
        suite = suites.get(name.base)
        if suite is None or name.asking is None or name.suite == name.base:
            return suite
        if name.suite not in suites:
            variant = name.suite.removeprefix(f"{name.base}[").removesuffix("]")
            model = name.asking.model
            suites[name.suite] = replace(suite, test=name.suite, variant=variant, model=model)
        return suites[name.suite]

    def _waiting(self, item: pytest.Function, first: Trial) -> list[Trial]:
        """Return the trials of a suite for which its task is to run now, `first` among them.

        At the first item these are all that were selected. Later, when a test is run again, and
        under xdist, where nobody knows which items this worker will get, it is one.
        """
        suite = first.suite
        if suite is None or self._is_worker or suite.test in self._suites_with_answers:
            return [first]
        self._suites_with_answers.add(suite.test)
        others = [
            each
            for each in item.session.items
            if isinstance(each, pytest.Function)
            and markers.is_eval(each)
            and not _is_to_be_skipped(each)
            and self._suite(self._name(each)) is suite
        ]
        return [self._trial(each) for each in others]

    def _in_own_context(self, function: Callable[..., Any], trial: Trial) -> Callable[..., Any]:
        """Set the owner inside the coroutine: runners that keep a loop also keep its context."""

        @wraps(function)
        async def owned(*args: Any, **kwargs: Any) -> Any:
            with self._session.carrying(trial):
                return await function(*args, **kwargs)

        owned.llmprod_original = function  # type: ignore[attr-defined]  # read at setup
        return owned


class _TearDownTurn:
    """The time in which a shared fixture is torn down and has the wire."""

    def __init__(self, session: Session, tape: "Tape") -> None:
        self._session = session
        self._tape = tape
        self._turn = ExitStack()

    def begin(self) -> None:
        if self._session.running is not None:
            self._turn.enter_context(self._session.shared(self._tape, self._session.running))

    def end(self) -> None:
        self._turn.close()  # pytest tells a finalizer nothing of an error in the one before


class Forecaster:
    """Tells what the tests would record, in place of running them."""

    def __init__(self, recorder: Recorder, session: Session) -> None:
        """Make the part that takes the place of the tests."""
        self._recorder = recorder
        self._session = session
        self._forecasts: list[Forecast] = []
        self._asking = 0  # tests that may ask a model

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Plan all tests that may record, and run none."""
        tests = [
            each
            for each in session.items
            if isinstance(each, pytest.Function) and needs_a_tape(each)
        ]
        labels = [self._recorder.label(each) for each in tests]
        made_up = {
            label.nodeid
            for each, label in zip(tests, labels, strict=True)
            if markers.answers_made_up(each)
        }
        self._forecasts = self._session.forecasts(labels, made_up)
        self._asking = len(tests) - len(made_up)
        return True

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the plan."""
        from pytest_llmprod.report import plan  # only a plan needs it

        terminalreporter.section("llmprod plan")
        mode = self._session.settings.record
        for line in plan.render(self._forecasts, mode=mode, asking=self._asking):
            terminalreporter.write_line(line)


class TaskRunner:
    """Runs tasks after pytest has decided whether the test is skipped."""

    def __init__(self, recorder: Recorder) -> None:
        """Make the part of `recorder` that comes second at setup."""
        self._recorder = recorder

    @pytest.hookimpl
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Run the task before the first test of its suite that is not skipped."""
        self._recorder.run_task(item)


def needs_a_tape(item: pytest.Function) -> bool:
    """Say whether a test records and replays."""
    if markers.is_eval(item) or item.get_closest_marker("llm_cassette") is not None:
        return True
    return not NEEDING_A_TAPE.isdisjoint(item.fixturenames)


def _is_to_be_skipped(item: pytest.Item) -> bool:
    """Say whether an item carries `skip`, or `skipif` with a condition that is True."""
    conditions = (each.args[:1] for each in item.iter_markers("skipif"))
    return item.get_closest_marker("skip") is not None or (True,) in conditions
