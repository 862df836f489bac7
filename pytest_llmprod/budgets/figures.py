"""Figures: what does one call contribute to a budget, and how is a figure told?"""

from collections.abc import Callable, Mapping
from decimal import Decimal

from pytest_llmprod.budgets.expression import Quantity, bound_text
from pytest_llmprod.budgets.measured import Measured
from pytest_llmprod.budgets.prices import usd_text

_NEVER = Decimal("Infinity")


def _seconds(value: float | None, call: Measured) -> Decimal | None:
    if call.is_timeout:
        return _NEVER
    return None if value is None else Decimal(repr(value))


def _latency(call: Measured) -> Decimal | None:
    return _seconds(call.latency_s, call)


def _ttft(call: Measured) -> Decimal | None:
    # A stream that began and never ended did begin.
    return _seconds(None, call) if call.ttft_s is None else Decimal(repr(call.ttft_s))


def _tokens(name: str) -> Callable[[Measured], Decimal | None]:
    def count(call: Measured) -> Decimal | None:
        return None if call.usage is None else Decimal(getattr(call.usage, name))

    return count


#: The figure of a call in USD, seconds or pieces; None where nobody knows it, and infinite where no
#: answer came.
FIGURES: Mapping[Quantity, Callable[[Measured], Decimal | None]] = {
    "cost": lambda call: call.cost_usd,
    "latency": _latency,
    "ttft": _ttft,
    "tokens.input": _tokens("input_tokens"),
    "tokens.output": _tokens("output_tokens"),
    "tokens.cached": _tokens("cache_read_tokens"),
    "retries": lambda call: Decimal(call.retries),
}


def figure_text(quantity: Quantity, figure: Decimal) -> str:
    """Return a figure for a reader, in three digits or so, with its unit."""
    if not figure.is_finite():
        return "no answer"
    if quantity == "cost":
        return f"{usd_text(figure)} USD"
    if quantity in ("latency", "ttft"):
        return bound_text(quantity, round(figure, 3 if figure < 1 else 2))
    if figure == int(figure):
        return f"{figure:,.0f}"
    return f"{figure:,.2f}" if figure >= 1 else f"{figure:.3g}"
