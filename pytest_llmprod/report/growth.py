"""Growth: how it is told that a suite asks more, or less, than in the accepted run."""

import math
from typing import Any

from pytest_llmprod.core.growth import Growth, Moved


def text(growth: Growth) -> str:
    """Return what has moved, in a few words, '' where nothing has."""
    tokens, calls = growth.input_tokens, growth.calls
    parts = []
    if tokens.changed:
        # What had nothing before has no percent.
        share = "new" if math.isinf(tokens.share) else f"{tokens.share:+.1%}"
        parts.append(f"{share} input tokens in {_cases(tokens)}")
    if calls.changed:
        more = round(calls.now - calls.before, 2)
        parts.append(f"{more:+,g} {'call' if abs(more) == 1 else 'calls'} in {_cases(calls)}")
    return ", ".join(parts)


def _cases(moved: Moved) -> str:
    return f"{moved.changed:,} of {moved.cases:,} cases"


def failure_text(growth: Growth, most: float) -> str:
    """Return what the report of a suite says that asks too much, '' where it does not."""
    if not growth.is_too_much:
        return ""
    return f"{text(growth)}; input tokens and calls may grow by {most:.0%} each"


def to_json(growth: Growth) -> dict[str, Any]:
    """Return the growth of a suite as `--llm-json` writes it."""
    return {
        "feature": growth.feature,
        "test": growth.test,
        "input_tokens": _moved(growth.input_tokens),
        "calls": _moved(growth.calls),
        "too_much": growth.is_too_much,
    }


def _moved(moved: Moved) -> dict[str, Any]:
    return {
        "before": moved.before,
        "now": moved.now,
        "share": None if math.isinf(moved.share) else moved.share,
        "cases": moved.cases,
        "changed": moved.changed,
    }
