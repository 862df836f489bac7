"""Whole runs on answers that hang together: how often does a verdict come that is wrong?

Simulations with fixed seeds, through the same `Run` that decides in pytest. The true share is the
threshold, so each PASS and each FAIL is a wrong one, and 5 % of them are allowed for.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evals.test_statistics_clusters import drawn
from test_run import make_run, meta, row

from pytest_llmprod.evals.statistics import wilson

SHARE, TOGETHER = 0.7, 0.71
CASES, REPEATS = 80, 6


def answers(scores: list[float]) -> list[tuple[int, int, str]]:
    """Case, repeat from 1, and outcome of each answer."""
    return [
        (number // REPEATS, number % REPEATS + 1, "hit" if score else "miss")
        for number, score in enumerate(scores)
    ]


def repeats(scores: list[float]) -> list[dict[str, Any]]:
    return [row(f"c{case}", outcome, repeat=k) for case, k, outcome in answers(scores)]


def conversations(scores: list[float]) -> list[dict[str, Any]]:
    return [row(f"c{case}-{k}", outcome, cluster=case) for case, k, outcome in answers(scores)]


@pytest.mark.parametrize("rows_of", [repeats, conversations])
def test_a_run_decides_wrongly_at_the_nominal_rate_where_the_naive_interval_does_not(
    tmp_path: Path, rows_of: Any
) -> None:
    generator = np.random.default_rng(8)
    runs = 800
    is_repeated = rows_of is repeats
    facts = meta(
        cases=CASES if is_repeated else CASES * REPEATS,
        repeats=REPEATS if is_repeated else 1,
        threshold={"passed": SHARE},
    )
    naive = clustered = 0
    for _ in range(runs):
        scores = drawn(generator, [REPEATS] * CASES, SHARE, TOGETHER)
        run = make_run(tmp_path)
        first, *rest = rows_of(scores)
        for each in ({**first, "meta": facts}, *rest):
            run.add(each)
        (suite,) = run.decide()
        assert suite.verdict is not None
        clustered += suite.verdict.name != "INCONCLUSIVE"
        low, high = wilson(sum(scores), len(scores))
        naive += not low <= SHARE <= high

    assert naive / runs > 0.25
    assert 0.04 <= clustered / runs <= 0.07
