"""Judges: what a summary says of the judge that scored a suite."""

from typing import Any

from pytest_llmprod.core.results import JudgeResult
from pytest_llmprod.core.text import printable


def judge_text(judge: JudgeResult) -> str:
    """Return what stands beside the score of a suite: why it may not decide, or what it is worth.

    The latter is the share of hits corrected for the judge's mistakes, kappa, and for a pairwise
    judge how often the order of the answers decides.
    """
    if judge.report_only:
        return f"report-only: its judge {printable(judge.report_only)}; calibrate it with:"
    figures, parts = judge.calibration, []
    if judge.corrected is not None and judge.corrected_interval is not None:
        low, high = (f"{bound * 100:.1f}" for bound in judge.corrected_interval)
        parts.append(f"{judge.corrected:.1%} [{low}, {high}] corrected")
    parts.append(f"kappa {_kappa(figures['kappa'])} on {figures['n']} labels")
    if figures["flips"] is not None:
        parts.append(f"order decides {figures['flips']['rate']:.1%}")
    return ", ".join(parts)


def _kappa(value: Any) -> str:
    return "unknown" if value is None else f"{value:.2f}"
