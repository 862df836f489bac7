"""Drills: one test under one fault, from the marker to the verdict.

Composes what the wire, the faults and the clock know. It imports no pytest.
"""

import time
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

from pytest_llmprod.composition.gate_drills import drilled_gates
from pytest_llmprod.core.drilling import DrillResult
from pytest_llmprod.core.errors import FaultError, MarkerError
from pytest_llmprod.core.fault_names import expanded
from pytest_llmprod.core.own_modules import is_own, place_of
from pytest_llmprod.core.schedule import Schedule
from pytest_llmprod.core.virtual_time import VirtualClock
from pytest_llmprod.faults.catalogue import CATALOGUE, select
from pytest_llmprod.faults.drill import DrillSpec, Seen, judge
from pytest_llmprod.faults.fault import Fault
from pytest_llmprod.faults.log_watch import LogWatch
from pytest_llmprod.faults.plan import InjectedFaults
from pytest_llmprod.faults.schedule import Always, InTurn
from pytest_llmprod.faults.script import Script
from pytest_llmprod.faults.server import URL_VARIABLES, FaultServer, Look
from pytest_llmprod.faults.spies import Spy, resolve
from pytest_llmprod.faults.sweep import Sweep, sweep
from pytest_llmprod.wire.tape import Tape

ARGUMENTS = (
    *("feature", "faults", "fallback", "degraded", "once", "raises", "within", "requests"),
    *("log", "clock"),
)
EXAMPLE = '@pytest.mark.llm_drill(feature="triage", fallback="app.rules:triage_by_rules")'


def read_faults(where: str, given: Mapping[str, Any]) -> tuple[Fault, ...]:
    """Return the faults for each of which a test is run; raise MarkerError where one is unknown."""
    wanted = given.get("faults", "all")
    if not isinstance(wanted, str | list | tuple):
        raise MarkerError(
            f"{where}: faults must be 'all', a group, a name or a list of names, not {wanted!r}."
        )
    try:
        return select(wanted)
    except FaultError as error:
        raise MarkerError(f"{where}: {error}") from error


def read_spec(where: str, given: Mapping[str, Any]) -> DrillSpec:
    """Return what the marker of a drill declares; raise MarkerError where a value is wrong."""
    feature = given.get("feature")
    if not isinstance(feature, str) or not feature.strip():
        raise MarkerError(f"{where}: feature must be a name, not {feature!r}. Write {EXAMPLE}.")
    clock = given.get("clock", "virtual")
    if clock not in ("virtual", "real"):
        raise MarkerError(f"{where}: clock must be 'virtual' or 'real', not {clock!r}.")
    once = given.get("once", ())
    return DrillSpec(
        feature=feature,
        fallback=_path(where, "fallback", given.get("fallback", "")),
        degraded=_path(where, "degraded", given.get("degraded", "")),
        once=tuple(_path(where, "once", e) for e in ([once] if isinstance(once, str) else once)),
        raises=_errors(where, given.get("raises", ())),
        within_s=seconds_of(where, given.get("within", 60)),
        requests=_count(where, given.get("requests")),
        log=bool(given.get("log", True)),
        is_virtual=clock == "virtual",
    )


_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0}


def seconds_of(where: str, value: Any) -> float:
    """Return a time such as 30, "30s", "500ms" or "2m" in seconds; raise MarkerError."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < inf:
        return float(value)
    text = str(value).strip()
    number = text.rstrip("mins ")
    try:
        seconds = float(number) * _UNITS[text.removeprefix(number).strip() or "s"]
    except (ValueError, KeyError):
        seconds = 0.0
    if not 0 < seconds < inf:
        raise MarkerError(
            f'{where}: within must be a time such as "30s", "500ms" or "2m", not {value!r}.'
        )
    return seconds


def _count(where: str, value: Any) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value > 0):
        return value
    raise MarkerError(f"{where}: requests must be a whole number from 1 up, not {value!r}.")


def _path(where: str, name: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    raise MarkerError(
        f"{where}: {name} must name a callable as text, 'app.rules:triage_by_rules', not {value!r}."
    )


def _errors(where: str, value: Any) -> tuple[type[BaseException], ...]:
    found = []
    for each in [value] if isinstance(value, str | type) else value:
        try:
            kind = resolve(each) if isinstance(each, str) else each
        except FaultError as error:
            raise MarkerError(f"{where}: raises: {error}") from error
        if not (isinstance(kind, type) and issubclass(kind, BaseException)):
            raise MarkerError(f"{where}: raises must name classes of errors, not {each!r}.")
        found.append(kind)
    return tuple(found)


class FaultBench:
    """What a test with faults has: its plan, its clock, its script and its spies."""

    def __init__(self, tape: Tape, root: Path, *, stands_in: bool) -> None:
        """Put a plan, in which nothing goes wrong yet, before `tape`.

        Modules below `root` are those of the application. With `stands_in`, requests that nothing
        else answers get an answer that is made up.
        """
        self.root = root
        self.plan = InjectedFaults(stands_in=stands_in)
        self.clock = VirtualClock()
        self.tape = tape
        self.server: FaultServer | None = None
        self.real_start: float | None = None
        tape.faults = self.plan

    @property
    def script(self) -> Script:
        """Return the script of this test, which begins at the first call."""
        if self.plan.script is None:
            self.plan.script = Script()
        return self.plan.script

    @contextmanager
    def in_virtual_time(self) -> Iterator[None]:
        """Let the waits of this block take no time.

        The tape keeps the clock: a thread that outlives the block must not wait for a fault either.
        """
        self.tape.clock = self.clock
        with self.clock.running(self.root):
            yield

    @contextmanager
    def on_sockets(
        self, environ: MutableMapping[str, str], longest_s: float, look: Look | None = None
    ) -> Iterator[None]:
        """Move the plan from the tape to a server on loopback for this block.

        The variables by which clients find their providers name it meanwhile. `look` is shown each
        request that it gets.
        """
        before = {name: environ.get(name) for name in URL_VARIABLES}
        with FaultServer(self.plan, longest_s=longest_s, look=look) as server:
            self.tape.faults, self.server = None, server
            environ.update(zip(URL_VARIABLES, (server.url, server.root_url), strict=True))
            try:
                yield
            finally:
                self.tape.faults, self.server = self.plan, None
                for name, value in before.items():
                    if value is None:
                        environ.pop(name, None)
                    else:
                        environ[name] = value

    def spy(self, path: str) -> Spy:
        """Return a spy on a callable, by the clock of this test."""
        return Spy(path, lambda: self.elapsed_s)

    @property
    def elapsed_s(self) -> float:
        """Return how long the test has taken by its clock: real time where that was asked."""
        if self.real_start is not None:
            return time.monotonic() - self.real_start
        return self.clock.elapsed_s


class Drill:
    """One test under one fault."""

    def __init__(self, bench: FaultBench, spec: DrillSpec, test: str, fault: Fault) -> None:
        """Make the drill of `test`; raise FaultError where a callable cannot be found."""
        self.bench = bench
        self.spec = spec
        self.fault = fault
        self.elapsed_s = 0.0  # when the test has ended
        self._test = test
        self._asked_gates: list[str] = []
        self._log = LogWatch()
        paths = [spec.fallback, spec.degraded, *spec.once]
        self._spies = {path: bench.spy(path) for path in paths if path}
        rules = bench.tape.rules
        bench.tape.rules = replace(rules, repeats="last", unplayed="allow")
        bench.plan.begin(Always(fault))

    @property
    def _is_off(self) -> bool:
        """Say whether the fault is that the feature is switched off."""
        return self.fault.group == "gate"

    @contextmanager
    def running(self, environ: MutableMapping[str, str]) -> Iterator[None]:
        """Watch the application in this block, in virtual time unless real time was asked."""
        with ExitStack() as stack:
            gates = drilled_gates(self.fault.name, environ)
            self._asked_gates = stack.enter_context(gates)
            for spy in self._spies.values():
                stack.enter_context(spy.watching(self.bench.root))
            stack.enter_context(self._log.watching())
            if self.spec.is_virtual and self.bench.server is None:
                stack.enter_context(self.bench.in_virtual_time())
            else:
                self.bench.real_start = time.monotonic()
            yield
            self.elapsed_s = self.bench.elapsed_s

    def result(self, error: BaseException | None) -> DrillResult:
        """Return the verdict; `error` is what came out of the test."""
        plan = self.bench.plan
        fallback = self._spies.get(self.spec.fallback)
        runs = {path: spy.calls for path, spy in self._spies.items()}
        seen = Seen(
            met=self.fault if self._is_off and self._asked_gates else plan.met,
            ended_well=plan.ended_well,
            served=plan.served,
            elapsed_s=self.elapsed_s or self.bench.elapsed_s,
            error=error,
            is_own=error is not None and self._is_own(type(error)),
            place="" if error is None else place_of(self.bench.root, error),
            runs=runs,
            switch_s=None if fallback is None else fallback.first_at_s,
            logged=self._log.records,
            is_cut=self.bench.server is not None
            and any(each.waited_s >= self.spec.cut_after_s for each in plan.served),
        )
        return judge(self.spec, self._test, self.fault, seen)

    def _is_own(self, kind: type) -> bool:
        """Say whether a class is one of the application."""
        return is_own(self.bench.root, kind.__module__)


class DrillFault:
    """What a drilled test may ask of its fault: `llm_fault`."""

    def __init__(self, drill: Drill) -> None:
        """Show the fault of `drill`."""
        self._drill = drill

    @property
    def name(self) -> str:
        """Return the name of the fault."""
        return self._drill.fault.name

    @property
    def group(self) -> str:
        """Return the group of the fault."""
        return self._drill.fault.group

    @property
    def what(self) -> str:
        """Return what goes wrong, in a few words."""
        return self._drill.fault.what

    @property
    def facts(self) -> Fault:
        """Return all facts of the fault: silent, retryable, billable, partial, usable."""
        return self._drill.fault

    @property
    def requests(self) -> int:
        """Return how many requests the application has sent so far."""
        return len(self._drill.bench.plan.served)

    @property
    def elapsed_s(self) -> float:
        """Return how long the application has waited so far, in seconds of the clock."""
        return self._drill.bench.elapsed_s

    def __str__(self) -> str:
        """Return the name of the fault."""
        return self.name


class HandFaults:
    """Faults by hand: `llm_faults`."""

    def __init__(self, bench: FaultBench) -> None:
        """Inject into the requests of the test of `bench`."""
        self._bench = bench

    def inject(self, *names: str) -> None:
        """Let each of the requests that follow meet the fault; several names take turns, once each.

        `inject("rate-limit")` holds until the next call; `inject("rate-limit", "ok")` is over after
        the first request.
        """
        if not names:
            raise FaultError("inject() takes the name of a fault, or several; clear() ends them.")
        if len(names) == 1:
            self._bench.plan.begin(Always(CATALOGUE[expanded(names)[0]]))
        else:
            self.schedule(Schedule(names))

    def schedule(self, schedule: Schedule) -> None:
        """Let the requests that follow meet the steps of a schedule."""
        self._bench.plan.begin(InTurn(schedule))

    def sweep(
        self,
        call: Callable[[], Any],
        *,
        accept: Callable[[Any], bool] = lambda value: False,
        breaks: bool = False,
    ) -> Sweep:
        """Call the application once for each byte after which its good answer can be cut.

        `call` sends one request. With `breaks` the connection breaks at the cut, else the answer
        ends as if it were whole. `accept` says which values are no answers of the model, those of a
        fallback for instance. `check()` of what comes back fails where a part was taken for all.
        """
        return sweep(self._bench.plan, call, accept=accept, breaks="closed" if breaks else "")

    def clear(self) -> None:
        """Let nothing go wrong any more."""
        self._bench.plan.begin(None)

    def wait(self, seconds: float) -> None:
        """Let time pass, by the clock of the test."""
        time.sleep(seconds)

    @property
    def requests(self) -> int:
        """Return how many requests were sent so far."""
        return len(self._bench.plan.served)

    @property
    def met(self) -> Sequence[str]:
        """Return what each request met: the name of a fault, or ok."""
        return [each.fault.name if each.fault else "ok" for each in self._bench.plan.served]

    @property
    def elapsed_s(self) -> float:
        """Return how long was waited so far, in seconds of the clock."""
        return self._bench.elapsed_s
