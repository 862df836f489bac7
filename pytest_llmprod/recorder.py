"""Recorder: gives each test its tape, and puts what the test left behind on its report."""

import inspect
import os
import re
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_llmprod import markers
from pytest_llmprod.core.errors import CassetteMiss, LlmprodError
from pytest_llmprod.core.text import error_text
from pytest_llmprod.evals.suite import Suite
from pytest_llmprod.fixtures import NEEDING_A_TAPE, TRIAL
from pytest_llmprod.report import misses
from pytest_llmprod.session import Session, Trial
from pytest_llmprod.wire.cassettes.vcrpy_file import recording_path
from pytest_llmprod.wire.label import TapeLabel

if TYPE_CHECKING:
    from pytest_llmprod.core.results import Forecast
    from pytest_llmprod.evals.dataset import Case
    from pytest_llmprod.wire.tape import Tape

_LONGEST_WHY = 300


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
            return
        trial = self._trial(item)
        item.stash[TRIAL] = trial
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
        tape = self._session.shared_tape(_fixture_label(fixturedef, request, running.tape.label))
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
        with _cheap_traceback(item, trial, call):
            report = yield
        _note(self._session, trial, report, call)
        if call.when == "teardown":
            self._end(item, trial, report)
            if trial.tape.misses:
                counts = misses.count(trial.tape.misses)
                report.llmprod_misses = counts  # type: ignore[attr-defined]  # xdist carries it along
            if trial.suite is not None:
                row = self._session.row(trial)
                report.llmprod = row  # type: ignore[attr-defined]  # xdist carries it along
            wire = self._session.wire_row(trial)
            if wire:
                report.llmprod_wire = wire  # type: ignore[attr-defined]  # same
        return report

    def _end(self, item: pytest.Item, trial: Trial, report: pytest.TestReport) -> None:
        """End the trial of a test, which fails where what it recorded cannot be stored."""
        del item.stash[TRIAL]
        try:
            self._session.end(item.nodeid)
        except LlmprodError as error:
            before = f"{report.longreprtext}\n\n" if report.failed else ""
            _fail(report, f"{before}{error}")
            if trial.trace.outcome != "error":
                trial.trace.why = _first_line(str(error))
            trial.trace.outcome = "error"

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        """Close the journal when the last test has ended."""
        try:
            return (yield)
        finally:
            self._session.close_journal()

    def run_task(self, item: pytest.Item) -> None:
        """Run the task of an eval's suite, unless its answers are there."""
        trial = item.stash.get(TRIAL, None)
        if trial is None or trial.suite is None or trial.suite.task is None:
            return
        if trial.result is None and isinstance(item, pytest.Function):
            self._session.run_task(self._waiting(item, trial))

    def label(self, item: pytest.Function) -> TapeLabel:
        """Return where the recordings of a test lie, and what it is called."""
        name = self._name(item)
        return _label(item, name, self._suite(name))

    def _trial(self, item: pytest.Function) -> Trial:
        name = self._name(item)
        suite = self._suite(name)
        rules = markers.play_rules(item, self._session.settings.play_rules)
        return self._session.trial(item.nodeid, _label(item, name, suite), suite, name.case, rules)

    def _name(self, item: pytest.Function) -> "_Name":
        base = f"{item.parent.nodeid if item.parent else ''}::{item.originalname}"
        if base not in self._places:
            classes = [each.name for each in item.listchain() if isinstance(each, pytest.Class)]
            folder = item.path.parent / "cassettes" / item.path.stem
            self._places[base] = (folder, ".".join([*classes, item.originalname]))
        folder, function = self._places[base]
        case, variant = _case_and_variant(item)
        return _Name(base=base, folder=folder, function=function, case=case, variant=variant)

    def _suite(self, name: "_Name") -> Suite | None:
        """Return the suite of an eval; each combination of other parameters is one of its own."""
        suite = self._session.suites.get(name.base)
        if suite is None or not name.variant:
            return suite
        test = f"{name.base}[{name.variant}]"
        if test not in self._session.suites:
            self._session.suites[test] = replace(suite, test=test, variant=name.variant)
        return self._session.suites[test]

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
        self._turn.close()


class Forecaster:
    """Tells what the tests would record, in place of running them."""

    def __init__(self, recorder: Recorder, session: Session) -> None:
        """Make the part that takes the place of the tests."""
        self._recorder = recorder
        self._session = session
        self._forecasts: list[Forecast] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Plan all tests that may record, and run none."""
        labels = [
            self._recorder.label(item)
            for item in session.items
            if isinstance(item, pytest.Function) and needs_a_tape(item)
        ]
        self._forecasts = self._session.forecasts(labels)
        return True

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the plan."""
        from pytest_llmprod.report import plan  # only a plan needs it

        terminalreporter.section("llmprod plan")
        for line in plan.render(self._forecasts, mode=self._session.settings.record):
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


@contextmanager
def _cheap_traceback(
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
    return call.excinfo is not None and isinstance(call.excinfo.value, LlmprodError)


def _absent_key(trial: Trial, call: pytest.CallInfo[None]) -> str:
    """Return the variable without which openai's client could not be built to record, or ''."""
    if call.excinfo is None or trial.tape.mode == "none":
        return ""
    error = call.excinfo.value
    if type(error).__name__ != "OpenAIError":  # by its name: only users' code imports openai
        return ""
    found = re.search(r"Missing credentials.*?\b([A-Z][A-Z_]*_KEY)\b", error_text(error))
    return "" if found is None else found[1]


def _is_assertion(call: pytest.CallInfo[None]) -> bool:
    return call.excinfo is not None and call.excinfo.errisinstance(AssertionError)


def _is_call_of_xfail(call: pytest.CallInfo[None]) -> bool:
    """Say whether the test called `pytest.xfail()`: it says what the mark says."""
    return call.excinfo is not None and call.excinfo.errisinstance(pytest.xfail.Exception)


def _note(
    session: Session, trial: Trial, report: pytest.TestReport, call: pytest.CallInfo[None]
) -> None:
    """Read the outcome of one phase into the trace, and correct the report where it misleads."""
    trace = trial.trace
    if call.when == "teardown" and report.passed and trace.outcome == "hit":
        session.note_unplayed(trial)  # not before: a fixture may ask while it is torn down
    untold = trial.take_misses()
    if untold:
        _fail(report, session.telling.tell(untold, trial.tape.label.nodeid))
    elif report.failed and call.excinfo is not None and _is_ours(call):
        error = call.excinfo.value  # of a fixture that several tests share, perhaps told before
        told = error.miss if isinstance(error, CassetteMiss) else str(error)
        _fail(report, session.telling.tell([told], trial.tape.label.nodeid))
    elif report.failed and _absent_key(trial, call):
        _fail(report, f"recording needs {_absent_key(trial, call)}, which is not set")
    elif call.when == "call" and trial.suite is not None:
        _note_call(session, trial, report, call)
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


def _note_call(
    session: Session, trial: Trial, report: pytest.TestReport, call: pytest.CallInfo[None]
) -> None:
    if report.failed and call.excinfo is not None and _is_assertion(call):
        trial.trace.outcome = "miss"
        trial.trace.why = _first_line(error_text(call.excinfo.value)) or "assertion failed"
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
    report.llmprod_told = True  # type: ignore[attr-defined]  # xdist carries it along
    report.llmprod_missed = False  # type: ignore[attr-defined]  # xdist carries it along


def _why(report: pytest.TestReport, call: pytest.CallInfo[None]) -> str:
    if isinstance(report.longrepr, str) or call.excinfo is None:
        return _first_line(str(report.longrepr))
    return _first_line(f"{call.excinfo.typename}: {error_text(call.excinfo.value)}")


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0][:_LONGEST_WHY]


def _typed_nodeid(item: pytest.Function) -> str:
    """Return the node id as a user types it, from the folder in which pytest was started."""
    _, separator, rest = item.nodeid.partition("::")
    start = item.config.invocation_params.dir
    if start == item.config.rootpath:
        return item.nodeid
    path = Path(os.path.relpath(item.path, start)).as_posix()
    return f"{path}{separator}{rest}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Name:
    """What a test is called: `base` is its node id without parameters.

    `function` names it inside its file, with all its classes. `variant` is pytest's own id of its
    parameters, without the case: unique, and escaped.
    """

    base: str
    folder: Path
    function: str
    case: "Case | None"
    variant: str

    @property
    def section(self) -> str:
        """Return the section of the cassette in which the recordings of the case stand."""
        return section_of(self.variant, self.case.id if self.case else "")


def _label(item: pytest.Function, name: _Name, suite: Suite | None) -> TapeLabel:
    return TapeLabel(
        folder=name.folder,
        function=name.function,
        case=name.section if suite is not None else name.variant,
        cases=lambda: () if suite is None else _sections(name, suite),
        nodeid=_typed_nodeid(item),
        is_eval=suite is not None,
        foreign=lambda: recording_path(item.path, item.name, item.cls and item.cls.__name__),
    )


def section_of(variant: str, case_id: str) -> str:
    """Return the name of the section for a case under other parameters."""
    return f"{variant}/{case_id}" if variant else case_id


def _sections(name: _Name, suite: Suite) -> tuple[str, ...]:
    """Name the sections of all cases of a suite, in the order of the data set."""
    return tuple(section_of(name.variant, case.id) for case in suite.dataset.cases)


def _fixture_label(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest, running: TapeLabel
) -> TapeLabel:
    """Name the tape of a fixture after the file that defines it: a module, or a conftest.py.

    All that it ever asked stands in one section, however often and with whatever parameters it is
    set up: each time it finds its requests there.
    """
    home = request.config.rootpath / str(fixturedef.baseid).partition("::")[0]
    is_module = home.suffix == ".py"
    folder, stem = (home.parent, home.stem) if is_module else (home, "conftest")
    return TapeLabel(
        folder=folder / "cassettes" / stem,
        function=f"fixture.{fixturedef.argname}",
        case="",
        cases=tuple,
        nodeid=running.nodeid,
        is_eval=running.is_eval,
        is_shared=True,
    )


def _case_and_variant(item: pytest.Function) -> "tuple[Case | None, str]":
    callspec = getattr(item, "callspec", None)
    if callspec is None:
        return None, ""
    case: Case | None = callspec.params.get("llm_case")
    if case is None or len(callspec.params) == 1:
        return case, "" if case is not None else str(callspec.id)
    # Our parameter is the first, for our hook runs first; pytest escapes its id like this.
    escaped = case.id.encode("unicode_escape").decode("ascii")
    return case, str(callspec.id).removeprefix(f"{escaped}-")
