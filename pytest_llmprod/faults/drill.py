"""Drill: what did the application do about the fault, and may it?

The verdict is about the application and not about its client: which of its callables ran, what it
raised, how long it took, how often it asked, what it logged.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pytest_llmprod.core.drilling import NOT_MET, WEAKNESSES, DrillResult, Survival, Weakness
from pytest_llmprod.core.text import counted, error_text, printable, shorten
from pytest_llmprod.faults.fault import Fault
from pytest_llmprod.faults.log_watch import Logged
from pytest_llmprod.faults.plan import Served

#: A user who waits longer than this is told that the application hangs.
HANGS_AFTER_S = 300.0
_LONGEST_ERROR = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillSpec:
    """What the marker of a drill declares.

    `fallback` and `degraded` name callables, `once` those that must not run twice, and `raises` the
    errors that the application may raise of its own. `within_s` bounds the time by the clock, and
    `requests`, where it is given, the requests. `log` says that a record has to name the fault.
    """

    feature: str
    fallback: str = ""
    degraded: str = ""
    once: tuple[str, ...] = ()
    raises: tuple[type[BaseException], ...] = ()
    within_s: float = 60.0
    requests: int | None = None
    log: bool = True
    is_virtual: bool = True

    @property
    def cut_after_s(self) -> float:
        """Return when a server on sockets hangs up: no feature may wait so long."""
        return self.within_s * 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was seen of the application in one drill.

    `error` is what came out of the test, and `is_own` says that its class is one of the
    application. `runs` counts the calls of each callable that is watched. `is_cut` says that a
    client waited until the server hung up: on sockets time is real, and a drill comes to an end.
    `place` is where the application was when the error came, as "app/triage.py:18".
    """

    met: Fault | None
    ended_well: bool
    served: Sequence[Served]
    elapsed_s: float
    error: BaseException | None
    is_own: bool
    runs: Mapping[str, int]
    switch_s: float | None
    logged: Sequence[Logged]
    is_cut: bool = False
    place: str = ""


def judge(spec: DrillSpec, test: str, fault: Fault, seen: Seen) -> DrillResult:
    """Return what the application did, and each weakness that it showed, the worst first."""
    found: list[tuple[Weakness, str]] = []
    outcome: str = NOT_MET
    if seen.met is None and not seen.served and fault.group != "gate":
        found = [("asked nothing", _asked_nothing(seen))]
        outcome = found[0][0]
    elif seen.met is not None:
        reaction = _reaction(spec, seen, seen.met)
        found = sorted(_weaknesses(spec, seen, seen.met, reaction), key=_rank)
        outcome = found[0][0] if found else str(reaction)
    return DrillResult(
        feature=spec.feature,
        test=test,
        fault=fault.name,
        group=fault.group,
        outcome=outcome,
        findings=tuple(found),
        requests=len(seen.served),
        elapsed_s=round(seen.elapsed_s, 3),
        switch_s=None if seen.switch_s is None else round(seen.switch_s, 3),
        fallback=spec.fallback,
    )


def _asked_nothing(seen: Seen) -> str:
    """Say that no request was sent: it may well be the test that is wrong."""
    if seen.error is not None:
        return f"no request was sent, so the fault met none: {_named(seen.error, seen.place)}"
    return (
        "no request was sent, so the fault met none. Call the feature in the test, with its own "
        "gate and its cache open, and with its own client, not one that a fixture replaced by a "
        "fake; one in another process finds its provider by llm_server, "
        "and with --llm-record a client may want its key"
    )


def _rank(finding: tuple[Weakness, str]) -> int:
    return WEAKNESSES.index(finding[0])


def _reaction(spec: DrillSpec, seen: Seen, fault: Fault) -> Survival | None:
    """Return what the application did about the fault, None where it did nothing."""
    if seen.error is not None and not isinstance(seen.error, AssertionError):
        return "own error" if _is_declared(spec, seen) else None
    if spec.fallback and seen.runs.get(spec.fallback):
        return "fell back"
    if spec.degraded and seen.runs.get(spec.degraded):
        return "degraded"
    if fault.group == "gate":
        return None if spec.fallback or seen.served else "answered"
    if seen.ended_well:
        return "retried and answered"
    return "answered" if fault.usable else None


def _is_declared(spec: DrillSpec, seen: Seen) -> bool:
    return seen.is_own or isinstance(seen.error, spec.raises)


def _weaknesses(
    spec: DrillSpec, seen: Seen, fault: Fault, reaction: Survival | None
) -> Iterator[tuple[Weakness, str]]:
    error = seen.error
    is_off = fault.group == "gate"
    if is_off and seen.served:
        yield "asked behind a closed gate", f"sent {counted(len(seen.served), 'request')}"
    elif reaction is None and (error is None or isinstance(error, AssertionError)):
        yield _accepted(spec, fault)
    elif isinstance(error, AssertionError):
        yield "failed its own assertions", _named(error)
    if reaction is None and error is not None and not isinstance(error, AssertionError):
        yield "crashed with a foreign exception", _named(error, seen.place)
    if reaction == "own error" and spec.fallback and not isinstance(error, spec.raises):
        text = f"raised {_named(error)} in place of {spec.fallback}" if error else ""
        yield "no fallback", text
    yield from _in_time(spec, seen)
    yield from _requests(spec, seen, fault)
    for path in spec.once:
        if seen.runs.get(path, 0) > 1:
            yield "side effect twice", f"{path} ran {counted(seen.runs[path], 'time')}"
    # Who closes a gate knows it.
    if spec.log and not is_off and reaction in ("fell back", "degraded"):
        yield from _logged(seen, fault)


def _accepted(spec: DrillSpec, fault: Fault) -> tuple[Weakness, str]:
    expected = f"{spec.fallback} did not run" if spec.fallback else "it raised no error of its own"
    if fault.partial:
        return "partial answer shown as whole", f"{fault.what}; {expected}"
    return "accepted the fault as success", f"{fault.what}; {expected}"


def _in_time(spec: DrillSpec, seen: Seen) -> Iterator[tuple[Weakness, str]]:
    if seen.elapsed_s <= spec.within_s:
        return
    if seen.is_cut:
        yield "hung", f"waited until the server hung up{_waits(seen)}"
    elif seen.elapsed_s >= HANGS_AFTER_S:
        yield "hung", f"would hang for {_duration(seen.elapsed_s)}{_waits(seen)}"
    else:
        told = f"took {_duration(seen.elapsed_s)}, and may take {_duration(spec.within_s)}"
        yield "too late", f"{told}{_waits(seen)}"


def _waits(seen: Seen) -> str:
    """Return of how many requests, and of which length, a wait was made of."""
    waits = Counter(round(each.waited_s, 1) for each in seen.served if each.waited_s >= 1)
    if not waits:
        return ""
    parts = [f"{counted(number, 'request')} of {seconds:g} s" for seconds, number in waits.items()]
    return f": {', '.join(parts)}"


def _requests(spec: DrillSpec, seen: Seen, fault: Fault) -> Iterator[tuple[Weakness, str]]:
    same = Counter(each.body for each in seen.served if each.fault is not None)
    most = max(same.values(), default=0)
    if not fault.retryable and most > 1:
        text = f"{fault.name} will not go away, and the same request was sent {most} times"
        yield "retried what must not be retried", text
    if spec.requests is not None and len(seen.served) > spec.requests:
        text = f"sent {counted(len(seen.served), 'request')}, and may send {spec.requests}"
        yield "too many requests", text


def _logged(seen: Seen, fault: Fault) -> Iterator[tuple[Weakness, str]]:
    if not seen.logged:
        yield "no log record", "nothing was logged at WARNING or above"
    elif not any(each.names(fault) for each in seen.logged):
        text = shorten(printable(seen.logged[0].text), _LONGEST_ERROR)
        names = ", ".join(filter(None, (fault.raises, *fault.words[:2])))
        yield "no log record", f"no record names the fault ({names}); the first says: {text}"


def _named(error: BaseException | None, place: str = "") -> str:
    if error is None:
        return ""
    kind = type(error)
    text = shorten(printable(error_text(error)), _LONGEST_ERROR)
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    where = f" in {printable(place)}" if place else ""
    return f"{module}{kind.__qualname__}{where}: {text}"


def _duration(seconds: float) -> str:
    """Return a time as a user says it: 40 s, 30 minutes, 2 days.

    >>> _duration(1801.4)
    '30 minutes'
    """
    for unit, size in (("day", 86400.0), ("hour", 3600.0), ("minute", 60.0)):
        if seconds >= 2 * size or (unit == "day" and seconds >= size):
            return counted(round(seconds / size), unit)
    return f"{seconds:.3g} s"
