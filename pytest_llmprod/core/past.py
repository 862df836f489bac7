"""Past: the runs that were accepted before, as the history tells of them."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class PastSuite:
    """One suite of an accepted run, under one metric.

    `score` and `threshold` are shares in 0..1. `interval` and `threshold` are None where the line
    tells none, as lines of earlier versions do. `dataset` is the beginning of the digest of its
    rows, '' where the line had no room for it.
    """

    test: str
    metric: str
    score: float
    interval: tuple[float, float] | None = None
    threshold: float | None = None
    verdict: str = ""
    cases: int | None = None
    model: str = ""
    dataset: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRun:
    """One accepted run: `when` it was accepted, as ISO 8601, by whom, and why.

    `cost_usd` is what its suites cost without their judges, None where nobody knows; `unpriced`
    counts the requests that are not in it. `left_out` counts suites of which the line had no room
    to tell.
    """

    run_id: str
    when: str
    who: str
    why: str
    suites: tuple[PastSuite, ...]
    cost_usd: Decimal | None = None
    unpriced: int = 0
    left_out: int = 0
