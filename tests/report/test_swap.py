from typing import Any

import pytest

from pytest_llmprod.core.swap import Swap
from pytest_llmprod.core.text import width
from pytest_llmprod.report.swap import render


def swap_of(**changes: Any) -> Swap:
    values: dict[str, Any] = {
        "feature": "triage",
        "test": "test_a",
        "metric": "passed",
        "tag": "",
        "model_a": "a",
        "model_b": "b",
        "table": (160.0, 20.0, 15.0, 5.0),
        "difference": -0.125,
        "interval": (-0.203, 0.111),
        "margin": 0.02,
        "p_value": 0.0123,
        "p_holm": 0.0456,
        "verdict": "INCONCLUSIVE",
        "more_cases": 123_456,
        "newly_broken": tuple(f"b-{number}" for number in range(20)),
        "newly_fixed": tuple(f"f-{number}" for number in range(15)),
        "missing": (),
        "added": (),
        "cost_ratio": 0.5,
        "p95_latency_ratio": 1.2,
        "slices": (),
    }
    return Swap(**{**values, **changes})


@pytest.mark.parametrize("name", ["triage", "triage-of-tickets-and-of-complaints", "分類" * 20])
def test_a_long_name_is_cut_and_no_figure(name: str) -> None:
    lines = render([swap_of(feature=name)])

    assert lines[0].endswith("-12.5 points (-20.3 to +11.1)  INCONCLUSIVE (need 123,456 more)")
    assert all(width(line) <= 80 for line in lines)


def test_figures_that_fill_a_line_go_on_in_the_next_one() -> None:
    lines = render([swap_of()])

    assert lines[1:3] == [
        "  20 broken, 15 fixed of 200 cases, p 0.0123, 0.0456 corrected",
        "  cost x0.50, p95 x1.20",
    ]
