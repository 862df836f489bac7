"""What one call contributes to a budget, and how a figure is told."""

from decimal import Decimal
from typing import Any

import pytest

from pytest_llmprod.budgets.expression import Quantity
from pytest_llmprod.budgets.figures import FIGURES, figure_text
from pytest_llmprod.budgets.measured import Measured
from pytest_llmprod.core.exchange import Usage

USAGE = Usage(input_tokens=373, output_tokens=14, cache_read_tokens=128)


def call(**values: Any) -> Measured:
    known: dict[str, Any] = {"cost_usd": Decimal("0.02"), "latency_s": 1.1, "usage": USAGE}
    return Measured(recording="r", model="mini", **known | values)


@pytest.mark.parametrize(
    ("quantity", "figure"),
    [
        ("cost", "0.02"),
        ("latency", "1.1"),
        ("ttft", "0.3"),
        ("tokens.input", "373"),
        ("tokens.output", "14"),
        ("tokens.cached", "128"),
        ("retries", "2"),
    ],
)
def test_each_quantity_has_its_figure_of_a_call(quantity: Quantity, figure: str) -> None:
    assert FIGURES[quantity](call(ttft_s=0.3, retries=2)) == Decimal(figure)


@pytest.mark.parametrize("quantity", ["latency", "ttft", "tokens.input", "cost"])
def test_what_nobody_measured_is_unknown(quantity: Quantity) -> None:
    unknown = call(cost_usd=None, latency_s=None, usage=None)

    assert FIGURES[quantity](unknown) is None


def test_a_call_without_an_answer_is_slower_than_any_bound() -> None:
    silent = call(is_timeout=True, latency_s=2.0)

    assert FIGURES["latency"](silent) == Decimal("Infinity")
    assert FIGURES["ttft"](silent) == Decimal("Infinity")


def test_a_stream_that_never_ended_did_begin() -> None:
    assert FIGURES["ttft"](call(is_timeout=True, ttft_s=0.3)) == Decimal("0.3")


@pytest.mark.parametrize(
    ("quantity", "figure", "shown"),
    [
        ("latency", "Infinity", "no answer"),
        ("cost", "0.0042", "0.0042 USD"),
        ("tokens.input", "12345", "12,345"),
        ("tokens.output", "1234.567", "1,234.57"),
        ("retries", "1.25", "1.25"),
        ("retries", "0.12345", "0.123"),
        ("retries", "1", "1"),
    ],
)
def test_a_figure_is_told_in_few_digits(quantity: Quantity, figure: str, shown: str) -> None:
    assert figure_text(quantity, Decimal(figure)) == shown


def test_a_time_is_rounded_to_the_millisecond_below_a_second_and_else_to_ten() -> None:
    times = ("0.12345", "0.9996", "1", "12.3456")

    shown = [figure_text("latency", Decimal(each)) for each in times]

    assert shown == ["123ms", "1s", "1s", "12.35s"]
