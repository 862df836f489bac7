"""A budget of which some calls did not come: only a figure that grows with them can be decided."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pytest_llmprod import settings
from pytest_llmprod.budgets.measured import Measured
from pytest_llmprod.composition.budgeting import Budgeting

NOW = datetime(2026, 11, 26, tzinfo=UTC)


def verdict(tmp_path: Path, budget: str, *, lacks: bool, is_complete: bool) -> str:
    call = Measured(recording="r", model="m", cost_usd=Decimal(2), latency_s=2.0)
    row: dict[str, Any] = {
        "model": "",
        "test": "t.py::test_a",
        "feature": "f",
        "case": "1",
        "request": 1,
        "budgets": [budget],
        "calls": [call.to_row()],
        "lacks": lacks,
    }
    budgeting = Budgeting(settings.of_project(tmp_path), now=NOW)
    budgeting.add("t.py::test_a[1]", row)
    (found,) = budgeting.decide(is_complete=is_complete).budgets
    return found.verdict


@pytest.mark.parametrize(("lacks", "is_complete"), [(True, True), (False, False)])
@pytest.mark.parametrize(
    ("budget", "expected"),
    [
        ("mean(cost) < 1", "INCONCLUSIVE"),
        ("sum(cost) < 1", "FAIL"),
        ("max(cost) < 1", "FAIL"),
        ("cost < 1", "FAIL"),
        ("count(requests) < 1", "FAIL"),
        ("sum(cost) < 3", "INCONCLUSIVE"),
    ],
)
def test_what_did_not_come_leaves_open_what_it_may_change(
    tmp_path: Path, budget: str, expected: str, lacks: bool, is_complete: bool
) -> None:
    assert verdict(tmp_path, budget, lacks=lacks, is_complete=is_complete) == expected


@pytest.mark.parametrize("budget", ["mean(cost) < 1", "sum(cost) < 1"])
def test_a_whole_run_is_decided(tmp_path: Path, budget: str) -> None:
    assert verdict(tmp_path, budget, lacks=False, is_complete=True) == "FAIL"
