"""Drilling: the hooks of a process in which tests have faults.

What they need is imported where the first such test is met.
"""

import os
from collections.abc import Generator
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_llmprod import markers
from pytest_llmprod.core.errors import LlmprodError, MarkerError
from pytest_llmprod.fixtures import TRIAL

if TYPE_CHECKING:
    from pytest_llmprod.composition.contracts import GuardedPlace
    from pytest_llmprod.composition.drills import Drill, FaultBench
    from pytest_llmprod.core.drilling import DrillResult

#: Where the bench, and the drill, of a test lie in `item.stash`.
BENCH: "pytest.StashKey[FaultBench]" = pytest.StashKey()
SOCKETS: pytest.StashKey[ExitStack] = pytest.StashKey()
DRILL: "pytest.StashKey[Drill]" = pytest.StashKey()
#: Where the place lies that a test of a guardrail tests.
PLACE: "pytest.StashKey[GuardedPlace]" = pytest.StashKey()

#: With these alone, the marker of a guardrail says what a property is about.
_LABELS = frozenset({"feature", "kind"})
#: How long the server of a test lets a client wait, in seconds, where no drill says otherwise.
_LONGEST_S = 3600.0
#: Fixtures for which a test has a bench.
FIXTURES = frozenset(
    {"llm_fault", "llm_faults", "llm_script", "llm_fallback", "llm_server", "llm_place"}
)


def parametrize(metafunc: pytest.Metafunc) -> None:
    """Make one item of each fault of a drill; raise MarkerError where its marker is wrong."""
    definition: Any = metafunc.definition
    marker = definition.get_closest_marker("llm_drill")
    if marker is None:
        return
    from pytest_llmprod.composition import drills  # only a drill needs the catalogue

    where = f"{definition.nodeid}: @pytest.mark.llm_drill"
    markers.refuse_unknown(where, marker, drills.ARGUMENTS, drills.EXAMPLE)
    drills.read_spec(where, marker.kwargs)
    if "llm_fault" not in metafunc.fixturenames:
        raise MarkerError(
            f"{where}: the test function has no argument llm_fault. Write "
            f"`def {definition.name}(llm_fault):`; it receives one fault of the catalogue."
        )
    if markers.is_eval(definition):
        raise MarkerError(f"{where}: a test is a drill or an eval, not both. Write two functions.")
    faults = drills.read_faults(where, marker.kwargs)
    metafunc.parametrize("llm_fault", faults, ids=[each.name for each in faults], indirect=True)


def parametrize_places(metafunc: pytest.Metafunc) -> None:
    """Make one item of each place of a contract; raise MarkerError where its marker is wrong."""
    definition: Any = metafunc.definition
    marker = definition.get_closest_marker("llm_guardrail")
    has_place = "llm_place" in metafunc.fixturenames
    if not has_place and (marker is None or marker.kwargs.keys() <= _LABELS):
        return
    from pytest_llmprod.composition import guardrail_marks  # only a contract needs it

    where = f"{definition.nodeid}: @pytest.mark.llm_guardrail"
    if marker is None:
        raise MarkerError(
            f"{definition.nodeid}: llm_place has a value only in a test that is marked with "
            f"{guardrail_marks.EXAMPLE}."
        )
    if not has_place:
        raise MarkerError(
            f"{where}: the test function has no argument llm_place. Write "
            f"`def {definition.name}(llm_place):`; it receives one place of the contract."
        )
    markers.refuse_unknown(where, marker, guardrail_marks.ARGUMENTS, guardrail_marks.EXAMPLE)
    if markers.is_eval(definition) or definition.get_closest_marker("llm_drill") is not None:
        raise MarkerError(
            f"{where}: a test of a guardrail is no eval and no drill. Write two functions."
        )
    items = guardrail_marks.read_items(where, marker.kwargs)
    metafunc.parametrize("llm_place", items, ids=[each.name for each in items], indirect=True)


def has_faults(item: pytest.Item) -> bool:
    """Say whether a test is a drill, or asks for faults or for a script."""
    is_drill = item.get_closest_marker("llm_drill") is not None
    return is_drill or not FIXTURES.isdisjoint(getattr(item, "fixturenames", ()))


def bench_of(request: pytest.FixtureRequest) -> "FaultBench":
    """Return the bench of the test that asks, which fails where it has none."""
    bench: FaultBench | None = request.node.stash.get(BENCH, None)
    if bench is None:
        pytest.fail(
            f"{request.fixturename} serves a single test: name it in the arguments of the test, or "
            f"of a fixture of function scope.",
            pytrace=False,
        )
    return bench


class Driller:
    """Puts faults before the tapes of tests, and judges drills."""

    def __init__(self, session: Any) -> None:
        """Make the part that works beside the Recorder of `session`."""
        self._session = session

    @pytest.hookimpl
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Make the bench of a test, and its drill, before any fixture asks for it."""
        trial = item.stash.get(TRIAL, None)
        if trial is None or not has_faults(item) or not isinstance(item, pytest.Function):
            return
        from pytest_llmprod.composition.drills import FaultBench

        marker = item.get_closest_marker("llm_drill")
        bench = FaultBench(trial.tape, item.config.rootpath, stands_in=marker is not None)
        item.stash[BENCH] = bench
        self._session.lend_keys()
        longest_s = _LONGEST_S
        if marker is not None:
            longest_s = self._make_drill(item, bench, marker)
        if "llm_server" in item.fixturenames:
            stack = item.stash[SOCKETS] = ExitStack()
            look = self._session.look
            stack.enter_context(bench.on_sockets(os.environ, longest_s, look))
            assert bench.server is not None
            reaching = self._session.wiring.intercept.reaching
            stack.enter_context(reaching(f"127.0.0.1:{bench.server.port}"))

    def _make_drill(self, item: pytest.Function, bench: "FaultBench", marker: pytest.Mark) -> float:
        """Make the drill of a test; return how long its server lets a client wait, in seconds."""
        from pytest_llmprod.composition.drills import Drill, read_spec

        test = f"{item.parent.nodeid if item.parent else ''}::{item.originalname}"
        spec = read_spec(f"{test}: @pytest.mark.llm_drill", marker.kwargs)
        fault: Any = item.callspec.params["llm_fault"]
        item.stash[DRILL] = Drill(bench, spec, test, fault)
        return spec.cut_after_s

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, object, object]:
        """Close the server of a test when its fixtures have been torn down, or could not be."""
        try:
            return (yield)
        finally:
            _close_server(item)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Close the server of a test that was interrupted, and so is not torn down."""
        try:
            return (yield)
        finally:
            _close_server(item)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """Watch a drilled test while it runs; other tests with faults have virtual time too."""
        drill, bench = item.stash.get(DRILL, None), item.stash.get(BENCH, None)
        if drill is not None:
            with drill.running(os.environ):
                return (yield)
        if bench is not None and bench.server is None:
            with bench.in_virtual_time():
                value = yield
        else:
            value = yield
        _refuse_unchecked(item)
        return value

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Judge a drill when its test has run: what the application did decides."""
        drill = item.stash.get(DRILL, None)
        if drill is None:
            return (yield)
        result = _judged(item, call, drill)
        if result is None:
            report = yield
        else:
            report = yield from _report(item, call, result)
        if report.failed and not hasattr(report, "llmprod_drill"):
            # Nobody knows what the application does: the others prove nothing of the feature.
            report.llmprod_undrilled = drill.spec.feature  # type: ignore[attr-defined]  # xdist
        return report


def _judged(item: pytest.Item, call: pytest.CallInfo[None], drill: "Drill") -> "DrillResult | None":
    """Return what a drill found, None in a phase that is not to be judged."""
    error = None if call.excinfo is None else call.excinfo.value
    if call.when != "call" or isinstance(error, LlmprodError):
        return None  # of wrong use, the report says so
    if error is not None and not isinstance(error, Exception):
        return None  # skipped, or stopped
    return replace(drill.result(error), declared=_declared(item))


def _report(
    item: pytest.Item, call: pytest.CallInfo[None], result: "DrillResult"
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let pytest report what a drill found as if the test had ended so, by its marks xfail too."""
    raised = call.excinfo
    call.excinfo = _ending(call, result)
    report = yield
    if not result.survived:
        call.excinfo = raised  # a debugger wants the application's place, not one of ours
    if getattr(report, "llmprod_told", False):
        return report  # a miss: the report says so
    report.llmprod_drill = result.to_json()  # type: ignore[attr-defined]  # xdist carries it
    report.llmprod_counted = True  # type: ignore[attr-defined]  # same
    _tell(item, report, result, has_raised=raised is not None)
    return report


def _ending(
    call: pytest.CallInfo[None], result: "DrillResult"
) -> pytest.ExceptionInfo[BaseException] | None:
    """Return how a test has to end to say what its drill found: None for a good end."""
    if result.survived:
        return None
    if result.is_met and call.excinfo is not None:
        return call.excinfo
    kind = pytest.fail.Exception if result.is_met else pytest.skip.Exception
    try:
        raise kind(result.outcome)
    except kind:
        return pytest.ExceptionInfo.from_current()


def _declared(item: pytest.Item) -> int:
    """Return with how many faults the test of a drill is run."""
    from pytest_llmprod.composition.drills import read_faults

    marker = item.get_closest_marker("llm_drill")
    faults = () if marker is None else read_faults(item.nodeid, marker.kwargs)
    return len({each.name for each in faults})


def _refuse_unchecked(item: pytest.Item) -> None:
    """Fail a test of a guardrail that has asked its application nothing."""
    place = item.stash.get(PLACE, None)
    if place is not None and not place.is_checked:
        pytest.fail(
            "The test never called llm_place.check(...), so it tests nothing.", pytrace=False
        )


def _close_server(item: pytest.Item) -> None:
    stack = item.stash.get(SOCKETS, None)
    if stack is not None:
        del item.stash[SOCKETS]
        stack.close()


def _tell(
    item: pytest.Item, report: pytest.TestReport, result: "DrillResult", *, has_raised: bool
) -> None:
    """Let the report of a fault that was not survived say what the drill found."""
    if result.survived:
        return
    if not result.is_met:
        # The id of the test names the fault: skips that say the same are one line of `pytest -ra`.
        reason = f"the fault cannot meet the requests of {result.feature}"
        report.longrepr = (str(item.path), item.location[1] or 0, f"Skipped: {reason}")
        return
    lines = [f"{kind}: {text}" for kind, text in result.findings]
    lines.append(f"({result.feature} under {result.fault})")
    is_traced = report.failed and has_raised and not _says_all(result)
    if is_traced:  # below, for the short summary shows the first line
        lines += ["", report.longreprtext]
    report.longrepr = "\n".join(lines)


def _says_all(result: "DrillResult") -> bool:
    """Say whether the findings tell all that a traceback would."""
    return result.outcome not in (
        "asked nothing",
        "crashed with a foreign exception",
        "failed its own assertions",
    )
