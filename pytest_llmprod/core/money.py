"""Money: an amount in USD, as a file that somebody else may have written holds it."""

from decimal import Decimal, InvalidOperation
from typing import Any

_MOST_USD = 10**9
# An amount below that may still have an exponent that fills a page when it is written out.
_MOST_PLACES = 30


def usd_of(value: Any) -> Decimal | None:
    """Return an amount from 0 up that a text or a number tells, None where it tells none.

    >>> usd_of("0.00042"), usd_of("1e999999"), usd_of(-1)
    (Decimal('0.00042'), None, None)
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        amount = Decimal(str(value))
    except (InvalidOperation, ValueError):  # ValueError: a number too long for Python to write
        return None
    if not (amount.is_finite() and 0 <= amount < _MOST_USD):
        return None
    return amount if abs(int(amount.as_tuple().exponent)) <= _MOST_PLACES else None
