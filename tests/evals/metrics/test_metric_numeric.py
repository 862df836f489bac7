import math
from decimal import Decimal
from typing import Any

import pytest

from pytest_llmprod.core.errors import MetricError
from pytest_llmprod.evals.metrics import numeric


@pytest.mark.parametrize(
    ("output", "expected", "score"),
    [
        (42, 42.0, 1.0),
        (42, "42", 1.0),
        (Decimal("12.50"), 12.5, 1.0),
        ("The total is $1,234.50.", 1234.5, 1.0),
        ("12 boxes of 3 make 36 apples", 36, 1.0),
        ("36 apples in 12 boxes", 36, 0.0),
        ("about 50%", 50, 1.0),
        ("-3 degrees", -3, 1.0),
        ("\N{MINUS SIGN}3", -3, 1.0),
        ("\uff14\uff12", 42, 1.0),
        ("from 10-20", 20, 1.0),
        ("1e-3", 0.001, 1.0),
        (".5", 0.5, 1.0),
        ("No.5", 5, 1.0),
        ("5kg", 5, 1.0),
        ("GPT4", 4, 0.0),
        ("1.2.3", 3, 0.0),
        ("1,234,567", 1234567, 1.0),
        ("none at all", 0, 0.0),
        ("", 0, 0.0),
        (None, 0, 0.0),
        (True, 1, 0.0),
        (math.nan, 1, 0.0),
        (math.inf, 1, 0.0),
        (10**400, 1, 0.0),
        ([1, 2, 3], 3, 1.0),
        (1e-9, 0, 0.0),
        (0, 0, 1.0),
    ],
)
def test_the_last_number_of_the_output_counts(
    output: object, expected: object, score: float
) -> None:
    assert numeric(output, expected) == score


@pytest.mark.parametrize(
    ("output", "options", "score"),
    [
        (100.00009, {}, 1.0),
        (100.0002, {}, 0.0),
        (104, {"rel": 0.05}, 1.0),
        (106, {"rel": 0.05}, 0.0),
        (102, {"abs": 2}, 1.0),
        (102.5, {"abs": 2}, 0.0),
        (104, {"abs": 2, "rel": 0.05}, 1.0),
        ("100 of 200", {"pick": "first"}, 1.0),
        ("100 of 200", {"pick": "only"}, 0.0),
        ("it is 100.", {"pick": "only"}, 1.0),
    ],
)
def test_the_tolerance_is_the_larger_of_two(
    output: object, options: dict[str, Any], score: float
) -> None:
    assert numeric(output, 100, **options) == score


def test_numeric_says_what_was_lacking() -> None:
    assert numeric("41", 42, abs=0.5).why == "41 is not within 0.5 of 42"
    assert numeric("no idea", 42).why == "no number in 'no idea'"
    assert numeric("1 or 2", 1, pick="only").why == "2 numbers in '1 or 2'"


@pytest.mark.parametrize("expected", [None, "many", True, math.nan, "inf", [1], {"total": 1}])
def test_an_expectation_that_is_no_number_is_told(expected: object) -> None:
    with pytest.raises(MetricError, match="needs a finite number in `expected` of the row, not"):
        numeric("1", expected)


def test_an_unknown_pick_is_told() -> None:
    with pytest.raises(MetricError, match="no pick 'best'"):
        numeric("1", 1, pick="best")  # type: ignore[arg-type]  # what is refused
