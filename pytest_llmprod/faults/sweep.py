"""Sweep: a good answer cut after every byte, and what the application makes of each cut.

Whatever is cut, the application has its whole answer, or notices. A silent partial answer is what a
sweep looks for.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from pytest_llmprod.core.errors import FaultError
from pytest_llmprod.core.faulting import Asked, Break, WireAnswer
from pytest_llmprod.core.text import counted, printable, shorten
from pytest_llmprod.faults.fault import Build, Fault
from pytest_llmprod.faults.good import Good
from pytest_llmprod.faults.good_answer import answer_of
from pytest_llmprod.faults.plan import InjectedFaults
from pytest_llmprod.faults.schedule import Always

_SHOWN = 5
_LONGEST = 100


@dataclass(slots=True)
class Sweep:
    """What came of each cut: the whole answer, an error, or something in between.

    `whole` counts the cuts after which the application gave its whole answer, `noticed` those after
    which it raised or gave an answer that the test accepts. `partial` holds (bytes that came, what
    the application returned) of all others.
    """

    size: int
    whole: int = 0
    noticed: int = 0
    partial: list[tuple[int, Any]] = field(default_factory=list)

    @property
    def cuts(self) -> int:
        """Return how many cuts were made."""
        return self.whole + self.noticed + len(self.partial)

    def check(self) -> None:
        """Raise AssertionError where a part of an answer was taken for all of it."""
        __tracebackhide__ = True  # the application failed, not this function
        if not self.partial:
            return
        lines = [
            f"{counted(len(self.partial), 'partial answer')} shown as whole, of "
            f"{counted(self.cuts, 'cut')} of {self.size:,} bytes:"
        ]
        for at, value in self.partial[:_SHOWN]:
            lines.append(f"  after {at} bytes: {shorten(printable(repr(value)), _LONGEST)}")
        if len(self.partial) > _SHOWN:
            lines.append(f"  and {len(self.partial) - _SHOWN} more")
        raise AssertionError("\n".join(lines))


def sweep(
    plan: InjectedFaults,
    call: Callable[[], Any],
    *,
    accept: Callable[[Any], bool] = lambda value: False,
    breaks: Break = "",
) -> Sweep:
    """Call the application once for each byte after which its answer can be cut.

    `call` has to send one request. With `breaks` the connection breaks at the cut, by default it
    ends as if all had come. Values for which `accept` is true are no answers of the model: those of
    a fallback, for instance.
    """
    size, complete = _measured(plan, call)
    found = Sweep(size)
    turns = plan.turns
    try:
        for at in range(size):
            plan.begin(Always(cut_fault(at, breaks)))
            _note(found, at, call, complete, accept)
    finally:
        plan.begin(turns)
    return found


def _measured(plan: InjectedFaults, call: Callable[[], Any]) -> tuple[int, Any]:
    """Return the number of bytes of a whole answer, and what the application makes of it."""
    sizes: list[int] = []

    def measure(asked: Asked, good: Good) -> WireAnswer:
        answer = answer_of(asked, good)
        sizes.append(len(answer.body))
        return answer

    turns = plan.turns
    plan.begin(Always(_fault("measured", measure)))
    try:
        complete = call()
    finally:
        plan.begin(turns)
    if len(sizes) != 1:
        raise FaultError(
            f"a sweep needs a call that sends one request; this one sent {len(sizes)}. Call the "
            f"part of the application that asks once, without retries."
        )
    return sizes[0], complete


def _note(
    found: Sweep, at: int, call: Callable[[], Any], complete: Any, accept: Callable[[Any], bool]
) -> None:
    try:
        value = call()
    except Exception:
        found.noticed += 1
        return
    if value == complete:
        found.whole += 1
    elif accept(value):
        found.noticed += 1
    else:
        found.partial.append((at, value))


def cut_fault(at: int, breaks: Break = "") -> Fault:
    """Return the fault that an answer ends after `at` bytes."""

    def build(asked: Asked, good: Good) -> WireAnswer:
        answer = answer_of(asked, good)
        return WireAnswer(
            headers=answer.headers,
            pieces=tuple(_first_bytes(answer, at)),
            breaks=breaks,
            length=len(answer.body) if breaks and not asked.stream else None,
        )

    return _fault(f"cut-after-{at}-bytes", build)


def _first_bytes(answer: WireAnswer, count: int) -> Iterator[tuple[float, bytes]]:
    for at_s, piece in answer.pieces:
        if count <= 0:
            return
        yield at_s, piece[:count]
        count -= len(piece)


def _fault(name: str, build: Build) -> Fault:
    return Fault(
        name=name,
        group="stream",
        what="an answer that ends too early",
        build=build,
        retryable=True,
        billable=True,
        partial=True,
    )
