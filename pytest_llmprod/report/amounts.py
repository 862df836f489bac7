"""Amounts: costs, durations, counts and names of models as the short texts that reports print."""

from collections.abc import Iterable
from decimal import Decimal

from pytest_llmprod.core.text import printable, shorten

_LONGEST_MODEL = 30
_LEAST_USD = Decimal("0.0001")


def seconds_text(seconds: float | None) -> str:
    """Return a duration in ms below one second and in s from there on; `-` for none."""
    if seconds is None:
        return "-"
    return f"{seconds * 1000:.0f} ms" if seconds < 0.9995 else f"{seconds:.2f} s"


def cost_text(cost_usd: Decimal, unpriced: int, requests: int, without_usage: int = 0) -> str:
    """Return a cost in USD; a sum that leaves requests out ends in `+?`, and never reads as 0.

    `unpriced` requests have no price, `without_usage` ones do not tell what they used.
    """
    if not requests:
        return "-"
    if (unpriced or without_usage) and not cost_usd:
        return "unpriced" if unpriced else "no usage"
    rest = "+?" if unpriced or without_usage else ""
    if 0 < cost_usd < _LEAST_USD:
        return f"<${_LEAST_USD}{rest}"
    digits = 2 if cost_usd >= 1 - _LEAST_USD else 4
    return f"${cost_usd:.{digits}f}{rest}"


def money_text(cost_usd: Decimal) -> str:
    """Return a cost in USD of which nothing is missing."""
    return cost_text(cost_usd, 0, 1)


def listed(names: Iterable[str]) -> str:
    """Return the first two of `names`, and how many more there are."""
    first, *others = [shorten(printable(name), _LONGEST_MODEL) for name in names]
    if len(others) > 1:
        return f"{first}, {others[0]} and {len(others) - 1} more"
    return " and ".join([first, *others])


def plural(number: int, one: str, many: str) -> str:
    """Return a number and its noun, which is `one` of 1 and `many` of any other number."""
    return f"{number:,} {one if number == 1 else many}"


def unpriced_text(models: Iterable[str]) -> str:
    """Return that `models` have no price, and what gives them one."""
    cure = "run llmprod prices lock, or add prices to llmprod.prices.toml by hand"
    return f"unpriced: {listed(models)}; {cure}"
