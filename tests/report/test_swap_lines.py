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
        "is_margin_declared": False,
        "p_value": 0.0123,
        "p_holm": 0.0456,
        "verdict": "INCONCLUSIVE",
        "more_cases": 123_456,
        "newly_broken": tuple(f"b-{number}" for number in range(20)),
        "newly_fixed": tuple(f"f-{number}" for number in range(15)),
        "missing": (),
        "added": (),
        "cost_ratio": 0.5,
        "tokens_ratio": None,
        "p95_latency_ratio": 1.2,
        "slices": (),
    }
    return Swap(**{**values, **changes})


@pytest.mark.parametrize(
    ("more_cases", "advice"),
    [(1, "(need 1 more case)"), (6, "(need 6 more cases)"), (123_456, "(need 123,456 more cases)")],
)
def test_the_advice_says_of_what_more_is_needed(more_cases: int, advice: str) -> None:
    assert render([swap_of(feature="triage", more_cases=more_cases)])[0].endswith(advice)


@pytest.mark.parametrize("name", ["triage-of-tickets-and-of-complaints", "分類" * 20])
def test_a_long_name_is_cut_and_no_figure(name: str) -> None:
    lines = render([swap_of(feature=name)])

    assert lines[0].endswith("-12.5 points (-20.3 to +11.1)  INCONCLUSIVE (need 123,456 more)")
    assert all(width(line) <= 80 for line in lines)


def test_figures_that_fill_a_line_go_on_in_the_next_one() -> None:
    lines = render([swap_of()])

    assert lines[1:4] == [
        "  a -> b",
        "  20 broken, 15 fixed of 200 cases, p 0.0123, 0.0456 corrected",
        "  cost x0.50, p95 x1.20",
    ]


def test_a_slice_that_got_worse_has_its_own_figures_and_cases() -> None:
    german = swap_of(
        tag="de",
        table=(30.0, 15.0, 2.0, 2.0),
        p_value=0.0023,
        p_holm=0.0376,
        verdict="INFERIOR",
        newly_broken=("b-1", "b-2", "gone"),
        newly_fixed=("f-1",),
        missing=("gone",),
    )
    fine = swap_of(tag="en", verdict="INCONCLUSIVE")

    lines = render([swap_of(slices=(german, fine))])

    assert lines[4:8] == [
        "  tag de: -12.5 points (-20.3 to +11.1)  INFERIOR",
        "    3 broken, 1 fixed of 49 cases, p 0.0023, 0.0376 corrected",
        "    newly broken: b-1, b-2",
        "  newly broken: b-0, b-1, b-2, b-3, b-4 and 15 more",
    ]


def test_a_slice_with_long_names_and_large_figures_fits_a_terminal() -> None:
    part = swap_of(
        tag="\x1b[2J" + "long " * 30,
        table=(123_456.0, 20.0, 15.0, 5.0),
        p_value=1.23e-12,
        p_holm=1.23e-11,
        verdict="INFERIOR",
        newly_broken=tuple("\u202e" + "case " * 20 for _ in range(9)),
    )

    lines = render([swap_of(slices=(part,))])

    assert all(width(line) <= 80 and line.isprintable() for line in lines)
