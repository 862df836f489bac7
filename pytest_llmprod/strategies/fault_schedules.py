"""Fault schedules: which request of a test meets which fault, drawn by Hypothesis."""

from typing import Any

from hypothesis import strategies as st

from pytest_llmprod.core.fault_names import expanded
from pytest_llmprod.core.schedule import OK, Schedule


def fault_schedules(
    faults: Any = "all", *, max_steps: int = 5, ends: bool = False
) -> st.SearchStrategy[Schedule]:
    """Draw schedules: a fault, or "ok", for each of the first requests of a test.

    `faults` is "all", a group, a name, or a list of these, the plainest first. After the last step
    all is well, or the last fault stays; with `ends` all is well always. A failing schedule shrinks
    to the shortest one, with as few faults in it as it takes. Raises FaultError where there is no
    such fault.
    """
    step = st.sampled_from((OK, *expanded(faults)))
    return _schedules(st.lists(step, max_size=max_steps), st.just(False) if ends else st.booleans())


@st.composite
def _schedules(
    draw: st.DrawFn, steps: st.SearchStrategy[list[str]], stays: st.SearchStrategy[bool]
) -> Schedule:
    """Draw a schedule; a composite, for a failing test prints its value and not how it was made."""
    drawn = tuple(draw(steps))
    is_fault = bool(drawn) and drawn[-1] != OK
    return Schedule(drawn, then="last" if is_fault and draw(stays) else "ok")
