"""Fallback scores: a run with the provider down, beside what the gates file says of the model."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_llmprod.core.fallback_score import FallbackScore
from pytest_llmprod.core.results import SuiteResult
from pytest_llmprod.evals import gates_file
from pytest_llmprod.gates import FILE_NAME

#: Why a run with this option judges nothing.
OBJECTION = "--llm-fallback-only scores what is answered without a model"


def fallback_scores(rootpath: Path, suites: Sequence[SuiteResult]) -> tuple[FallbackScore, ...]:
    """Return the scores of a run with the provider down; raise GatesFileError.

    Suites of `outputs=` are left out: their answers are given, and nobody was asked for one.
    """
    known = {
        (entry["test"], entry["metric"], entry["dataset_sha256"]): entry
        for entry in gates_file.suite_entries(rootpath / FILE_NAME)
    }
    return tuple(
        _beside(suite, known.get((suite.test, suite.metric, suite.dataset_sha256)))
        for suite in suites
        if suite.source != "outputs file"
    )


def _beside(suite: SuiteResult, entry: Mapping[str, Any] | None) -> FallbackScore:
    of_model: dict[str, Any] = {}
    if entry is not None:
        low, high = entry["interval"]
        of_model = {
            "model": str(entry["model"]),
            "model_score": float(entry["score"]),
            "model_interval": (float(low), float(high)),
        }
    return FallbackScore(
        feature=suite.feature,
        test=suite.test,
        metric=suite.metric,
        cases=suite.cases,
        score=suite.score,
        interval=suite.interval,
        **of_model,
    )
