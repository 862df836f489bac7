"""Standing: may a judge that scored a suite decide, and what share of hits is behind its score?"""

from collections.abc import Hashable, Mapping, Sequence
from datetime import datetime
from typing import Any

from pytest_llmprod.core.distributions import normal_quantile
from pytest_llmprod.core.results import JudgeResult
from pytest_llmprod.evals.agreement import rogan_gladen, rogan_gladen_interval
from pytest_llmprod.evals.clusters import design_of
from pytest_llmprod.evals.judging.calibration import Calibration, command, why_report_only


def judge_result(
    judge: Mapping[str, Any],
    scores: Sequence[float],
    clusters: Sequence[Hashable],
    calibration: Calibration | None,
    *,
    confidence: float,
    now: datetime,
    valid_days: int,
) -> JudgeResult:
    """Return what a judge is worth that gave `scores`, those of the cases without an error.

    `judge` tells its digest and whether it is pairwise, `clusters` with what each score hangs
    together.
    """
    digest = judge["digest"]
    is_of_this_judge = calibration is not None and calibration.digest == digest
    corrected = None
    if calibration is not None and is_of_this_judge and not judge["pairwise"]:
        corrected = _corrected(scores, clusters, calibration, confidence)
    report_only = why_report_only(calibration, digest, now=now, valid_days=valid_days)
    return JudgeResult(
        report_only=report_only,
        command=command(calibration),
        corrected=None if corrected is None else corrected[0],
        corrected_interval=None if corrected is None else corrected[1],
        calibration=calibration.to_json() if calibration is not None and is_of_this_judge else {},
    )


def _corrected(
    scores: Sequence[float],
    clusters: Sequence[Hashable],
    calibration: Calibration,
    confidence: float,
) -> tuple[float, tuple[float, float]] | None:
    """Return the true share of hits with its interval, None where nothing can be said of it."""
    (right, good), (rejected, bad) = calibration.true_positives, calibration.true_negatives
    if not (scores and good and bad) or right / good + rejected / bad <= 1:
        return None
    observed = sum(scores) / len(scores)
    worth = _independent_cases(scores, clusters, confidence)
    share = rogan_gladen(observed, right / good, rejected / bad)
    interval = rogan_gladen_interval(
        (observed * worth, worth), (right, good), (rejected, bad), confidence
    )
    return share, interval


def _independent_cases(
    scores: Sequence[float], clusters: Sequence[Hashable], confidence: float
) -> float:
    """Return as many independent cases as say as much, few clusters counting less (Student)."""
    design = design_of(scores, clusters)
    student = normal_quantile(confidence) / design.quantile(confidence)
    return len(scores) / design.effect * student**2
