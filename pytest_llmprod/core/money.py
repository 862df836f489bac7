"""Money: an amount of USD, or of what a budget counts, in a file that anybody may have written."""

from decimal import Decimal, InvalidOperation
from typing import Any

_MOST = 10**9
# An amount below that may still have an exponent that fills a page when it is written out.
_MOST_PLACES = 30


def amount_of(value: Any) -> Decimal | None:
    """Return an amount from 0 up that a text or a number tells, None where it tells none.

    >>> amount_of("0.00042"), amount_of("1e999999"), amount_of(-1)
    (Decimal('0.00042'), None, None)
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        amount = Decimal(str(value))
    except (InvalidOperation, ValueError):  # ValueError: a number too long for Python to write
        return None
    if not (amount.is_finite() and 0 <= amount < _MOST):
        return None
    return amount if abs(int(amount.as_tuple().exponent)) <= _MOST_PLACES else None
