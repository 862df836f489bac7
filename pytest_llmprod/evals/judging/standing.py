"""Standing: may a judge that scored a suite decide, and what share of hits is behind its score?"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pytest_llmprod.core.results import JudgeResult
from pytest_llmprod.evals.agreement import rogan_gladen, rogan_gladen_interval
from pytest_llmprod.evals.judging.calibration import Calibration, command, why_report_only


def judge_result(
    judge: Mapping[str, Any],
    scores: Sequence[float],
    calibration: Calibration | None,
    *,
    confidence: float,
    now: datetime,
    valid_days: int,
) -> JudgeResult:
    """Return what a judge is worth that gave `scores`, those of the cases without an error.

    `judge` tells its digest and whether it is pairwise.
    """
    digest = judge["digest"]
    is_of_this_judge = calibration is not None and calibration.digest == digest
    corrected = None
    if calibration is not None and is_of_this_judge and not judge["pairwise"]:
        corrected = _corrected(scores, calibration, confidence)
    report_only = why_report_only(calibration, digest, now=now, valid_days=valid_days)
    return JudgeResult(
        report_only=report_only,
        command=command(calibration),
        corrected=None if corrected is None else corrected[0],
        corrected_interval=None if corrected is None else corrected[1],
        calibration=calibration.to_json() if calibration is not None and is_of_this_judge else {},
    )


def _corrected(
    scores: Sequence[float], calibration: Calibration, confidence: float
) -> tuple[float, tuple[float, float]] | None:
    """Return the true share of hits with its interval, None where nothing can be said of it."""
    (right, good), (rejected, bad) = calibration.true_positives, calibration.true_negatives
    if not (scores and good and bad) or right / good + rejected / bad <= 1:
        return None
    hits = round(sum(scores))
    share = rogan_gladen(hits / len(scores), right / good, rejected / bad)
    interval = rogan_gladen_interval(
        (hits, len(scores)), (right, good), (rejected, bad), confidence
    )
    return share, interval
