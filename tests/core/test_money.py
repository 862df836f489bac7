from decimal import Decimal
from typing import Any

import pytest

from pytest_llmprod.core.money import amount_of


@pytest.mark.parametrize("value", ["0.00042", 0.00042, "4.2e-4", " 0.00042 "])
def test_an_amount_may_be_a_text_or_a_number(value: Any) -> None:
    assert amount_of(value) == Decimal("0.00042")


@pytest.mark.parametrize("value", [0, "0", "0.00", 0.0])
def test_nothing_is_an_amount_too(value: Any) -> None:
    assert amount_of(value) == 0


@pytest.mark.parametrize(
    "value",
    [
        *("", "x", "-0.01", -1, "NaN", "sNaN", "Infinity", float("inf"), True, None, [], {}),
        *("1e999999", "1e-999999", "0e999999", 1e300, pytest.param(10**5000, id="long")),
    ],
)
def test_what_nobody_can_have_paid_is_none(value: Any) -> None:
    assert amount_of(value) is None
