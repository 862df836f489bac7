"""What became of a suite between two runs, told apart by its numbers."""

from dataclasses import replace

import pytest

from pytest_llmprod.core.swap import Swap, without_model

SAME = Swap(
    feature="triage",
    test="t",
    metric="exact",
    tag="",
    model_a="a",
    model_b="b",
    table=(9, 1, 0, 0),
    difference=-0.1,
    interval=(-0.2, 0.0),
    margin=0.05,
    is_margin_declared=True,
    p_value=1.0,
    p_holm=1.0,
    verdict="NON-INFERIOR",
    more_cases=None,
    newly_broken=(),
    newly_fixed=(),
    missing=(),
    added=(),
    cost_ratio=None,
    tokens_ratio=None,
    p95_latency_ratio=None,
    slices=(),
)
INFERIOR = replace(SAME, verdict="INFERIOR", newly_broken=("c-1",))


@pytest.mark.parametrize(
    ("test", "model", "left"),
    [
        ("t.py::test_a[gpt]", "gpt", "t.py::test_a"),
        ("t.py::test_a[en-gpt]", "gpt", "t.py::test_a[en]"),
        ("t.py::test_a[gpt-en]", "gpt", "t.py::test_a[gpt-en]"),
        ("t.py::test_a[en-gpt]", "", "t.py::test_a[en-gpt]"),
        ("t.py::test_a[en-mygpt]", "gpt", "t.py::test_a[en-mygpt]"),
        ("t.py::test_a", "gpt", "t.py::test_a"),
    ],
)
def test_the_name_of_a_test_without_the_model_is_that_of_all_models(
    test: str, model: str, left: str
) -> None:
    assert without_model(test, model) == left


@pytest.mark.parametrize(
    ("swap", "is_regression", "is_worse", "outcome"),
    [
        (SAME, False, False, "NON-INFERIOR"),
        (replace(SAME, verdict="INCONCLUSIVE", newly_broken=("c",)), False, False, "INCONCLUSIVE"),
        (INFERIOR, True, True, "INFERIOR"),
        (replace(SAME, missing=("c-1",)), True, False, "LACKS CASES"),
        (replace(INFERIOR, missing=("c-1",)), True, False, "INFERIOR"),
        (replace(INFERIOR, missing=("c-1",), newly_broken=("c-1", "c-2")), True, True, "INFERIOR"),
        (replace(SAME, slices=(SAME,)), False, False, "NON-INFERIOR"),
        (replace(SAME, slices=(INFERIOR,)), True, False, "INFERIOR in a tag"),
        (
            replace(SAME, slices=(SAME, INFERIOR), newly_broken=("c-1",)),
            True,
            True,
            "INFERIOR in a tag",
        ),
    ],
)
def test_a_swap_is_a_regression_where_it_is_inferior_somewhere_or_lacks_cases(
    swap: Swap, is_regression: bool, is_worse: bool, outcome: str
) -> None:
    assert (swap.is_regression, swap.is_worse, swap.outcome) == (is_regression, is_worse, outcome)
