"""Metrics: functions of an output and what was expected, which return a score in 0..1.

`threshold=` of the marker takes those in BUILT_IN by name, and any of them as a function, with
options by `functools.partial`. Others come in through `@metric` or the hook
`pytest_llmprod_metrics`. None raises on what a model wrote; one raises MetricError on what a row
expects where it cannot read that.
"""

import difflib
from collections.abc import Iterable, Mapping

from pytest_llmprod.core.errors import MarkerError
from pytest_llmprod.evals.metrics.documents import json_model, json_similarity, json_valid
from pytest_llmprod.evals.metrics.lists import list_f1, set_f1
from pytest_llmprod.evals.metrics.numeric import numeric
from pytest_llmprod.evals.metrics.own import PASSED, metric
from pytest_llmprod.evals.metrics.refusing import refusal
from pytest_llmprod.evals.metrics.scorer import Scorer, make_scorer, name_of
from pytest_llmprod.evals.metrics.scoring import Metric, Score, checked_score
from pytest_llmprod.evals.metrics.tools import tool_calls
from pytest_llmprod.evals.metrics.words import (
    contains,
    exact,
    length,
    normalised,
    not_contains,
    regex,
    similarity,
)

__all__ = [
    "BUILT_IN",
    "PASSED",
    "Metric",
    "Score",
    "Scorer",
    "checked_score",
    "contains",
    "exact",
    "json_model",
    "json_similarity",
    "json_valid",
    "length",
    "list_f1",
    "make_scorer",
    "metric",
    "name_of",
    "normalised",
    "not_contains",
    "numeric",
    "refusal",
    "regex",
    "set_f1",
    "similarity",
    "tool_calls",
    "unknown_metric",
]

BUILT_IN: Mapping[str, Metric] = {
    function.__name__: function
    for function in (
        contains,
        exact,
        json_model,
        json_similarity,
        json_valid,
        length,
        list_f1,
        normalised,
        not_contains,
        numeric,
        refusal,
        regex,
        set_f1,
        similarity,
        tool_calls,
    )
}


def unknown_metric(name: str, known: Iterable[str]) -> MarkerError:
    """Return the error for a metric that a threshold names and nobody supplies."""
    names = [PASSED, *sorted(known)]
    close = difflib.get_close_matches(name, names, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return MarkerError(
        f"threshold= names the metric {name!r}, which is not known.{hint} Known are "
        f"{', '.join(names)}. To supply it, write a function of (output, expected) with @metric "
        f"above it into this file or a conftest.py. To score it yourself, request the fixture "
        f"llm_score in the test and call llm_score({name!r}, value)."
    )
