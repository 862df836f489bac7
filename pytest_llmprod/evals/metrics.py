"""Metrics: functions of an output and what was expected, which return a score in 0..1.

Others come in through the hook `pytest_llmprod_metrics`.
"""

import difflib
import json
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

from pytest_llmprod.core.errors import MarkerError, ScoreError

Metric = Callable[[Any, Any], float]

PASSED = "passed"


def exact(output: Any, expected: Any) -> float:
    """Return 1 where output and expectation are equal, type included, and 0 elsewhere."""
    return float(type(output) is type(expected) and output == expected)


def normalised(output: Any, expected: Any) -> float:
    """Return 1 where both read the same: in Unicode form NFKC, case and white space folded."""
    return float(_normal_form(output) == _normal_form(expected))


def contains(output: Any, expected: Any) -> float:
    """Return 1 where the expectation, read as by `normalised`, occurs in the output."""
    return float(_normal_form(expected) in _normal_form(output))


def _normal_form(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


BUILT_IN: Mapping[str, Metric] = {
    "exact": exact,
    "normalised": normalised,
    "contains": contains,
}


def checked_score(metric: str, value: Any) -> float:
    """Return `value` as a score; raise ScoreError where it is no number in 0..1."""
    if isinstance(value, bool | int | float) and 0 <= value <= 1:
        return float(value)
    raise ScoreError(f"the score of metric {metric!r} must be a number in 0..1, not {value!r}")


def unknown_metric(name: str, known: Mapping[str, Metric]) -> MarkerError:
    """Return the error for a metric that a threshold names and nobody supplies."""
    names = [PASSED, *sorted(known)]
    close = difflib.get_close_matches(name, names, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return MarkerError(
        f"threshold= names the metric {name!r}, which is not known.{hint} Known are "
        f"{', '.join(names)}. To score it yourself, request the fixture llm_score in the test and "
        f"call llm_score({name!r}, value)."
    )
