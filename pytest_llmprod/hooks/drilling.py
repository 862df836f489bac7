"""Drilling: the hooks of a process in which tests have faults."""

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
        longest_s = _LONGEST_S
        if marker is not None:
            longest_s = self._make_drill(item, bench, marker)
        if "llm_server" in item.fixturenames:
            stack = item.stash[SOCKETS] = ExitStack()
            look = self._session.look
            stack.enter_context(bench.on_sockets(os.environ, longest_s, look))
            assert bench.server is not None
            stack.enter_context(self._session.reaching(f"127.0.0.1:{bench.server.port}"))

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
        report = yield
        drill = item.stash.get(DRILL, None)
        if drill is not None and call.when == "call":
            self._judge(item, call, report, drill)
        if drill is not None and report.failed and not hasattr(report, "llmprod_drill"):
            # Nobody knows what the application does: the others prove nothing of the feature.
            report.llmprod_undrilled = drill.spec.feature  # type: ignore[attr-defined]  # xdist
        return report

    def _judge(
        self,
        item: pytest.Item,
        call: pytest.CallInfo[None],
        report: pytest.TestReport,
        drill: "Drill",
    ) -> None:
        error = None if call.excinfo is None else call.excinfo.value
        if isinstance(error, LlmprodError) or getattr(report, "llmprod_told", False):
            return  # a miss, or wrong use: the report says so
        if error is not None and not isinstance(error, Exception):
            return  # skipped, or stopped
        result = replace(drill.result(error), declared=_declared(item))
        report.llmprod_drill = result.to_json()  # type: ignore[attr-defined]  # xdist carries it
        report.llmprod_counted = True  # type: ignore[attr-defined]  # same
        _tell(item, report, result)


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


def _tell(item: pytest.Item, report: pytest.TestReport, result: "DrillResult") -> None:
    """Let the report say what the drill found, and a mark xfail what was expected of it."""
    expected = _expected(report)
    if hasattr(report, "wasxfail"):
        del report.wasxfail
    if not result.is_met:
        report.outcome = "skipped"
        reason = f"{result.fault} cannot meet the requests of {result.feature}"
        report.longrepr = (str(item.path), item.location[1] or 0, f"Skipped: {reason}")
        return
    if result.survived:
        is_refused = report.failed and str(report.longrepr).startswith(_STRICT)
        if not is_refused:
            report.outcome = "passed"
            report.longrepr = None
            _expect(report, expected)
        return
    lines = [f"{kind}: {text}" for kind, text in result.findings]
    lines.append(f"({result.feature} under {result.fault})")
    is_told = report.failed and expected is None and not _says_all(result)
    before = f"{report.longreprtext}\n\n" if is_told else ""
    report.outcome = "failed" if expected is None else "skipped"
    report.longrepr = before + "\n".join(lines)
    _expect(report, expected)


#: How pytest's own mark xfail begins what it says of a test that passed, with `strict=True`.
_STRICT = "[XPASS(strict)] "


def _expected(report: pytest.TestReport) -> str | None:
    """Return why a test may fail, None where it may not: pytest knows the mark, not the drill."""
    text = str(report.longrepr)
    if report.failed and text.startswith(_STRICT):
        return text.removeprefix(_STRICT)
    return getattr(report, "wasxfail", None)


def _expect(report: pytest.TestReport, expected: str | None) -> None:
    if expected is not None:
        report.wasxfail = expected


def _says_all(result: "DrillResult") -> bool:
    """Say whether the findings tell all that a traceback would."""
    return result.outcome not in (
        "asked nothing",
        "crashed with a foreign exception",
        "failed its own assertions",
    )
