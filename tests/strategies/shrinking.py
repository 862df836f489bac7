"""How the tests of the strategies look for the simplest value with a property."""

from collections.abc import Callable
from typing import TypeVar

from hypothesis import HealthCheck, Phase, find, settings
from hypothesis import strategies as st

Value = TypeVar("Value")

#: The same values in each run, and nothing remembered.
SAME = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=100,
    suppress_health_check=list(HealthCheck),
)
_SEARCH = settings(SAME, max_examples=1_000)
_WITHOUT_SHRINKING = settings(SAME, phases=[Phase.generate])


def simplest(values: st.SearchStrategy[Value], has: Callable[[Value], bool]) -> Value:
    """Return the simplest value with a property, of those found in 1,000."""
    return find(values, has, settings=_SEARCH)


def seen(values: st.SearchStrategy[Value], count: int = 1_000) -> list[Value]:
    """Return `count` values, the same ones in each run."""
    from hypothesis import given

    found: list[Value] = []

    @settings(_WITHOUT_SHRINKING, max_examples=count)
    @given(values)
    def collect(value: Value) -> None:
        found.append(value)

    collect()
    return found
