"""Sampling: a list of values of a strategy, to score a guardrail on."""

from typing import TypeVar

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

Value = TypeVar("Value")
_TRIES = 10  # many draws repeat an earlier one


class _Enough(BaseException):
    """Stops Hypothesis, which takes every Exception for a failure."""


def sample(values: st.SearchStrategy[Value], count: int) -> list[Value]:
    """Return `count` different values of a strategy.

    They are the same in each run, as long as the versions of Hypothesis and of this package are and
    the project's own modules, whose constants Hypothesis tries, too. Raises ValueError where the
    strategy does not have as many.
    """
    found: dict[Value, None] = {}

    @settings(
        derandomize=True,
        database=None,
        deadline=None,
        max_examples=_TRIES * count,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(values)
    def collect(value: Value) -> None:
        found[value] = None
        if len(found) == count:
            raise _Enough

    try:
        collect()
    except _Enough:
        return list(found)
    raise ValueError(
        f"sample() found {len(found):,} different values in {_TRIES * count:,} draws, and "
        f"{count:,} were asked for. Ask for fewer, or for more kinds."
    )
