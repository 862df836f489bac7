"""Cards: payment cards by brand, length and check digit."""

from collections.abc import Iterator
from functools import lru_cache

from pytest_llmprod.guardrails.check_digits import luhn
from pytest_llmprod.guardrails.digit_groups import Run
from pytest_llmprod.guardrails.hits import Hit, is_attached

_LONG = tuple(range(16, 20))
_ANY = tuple(range(12, 20))
#: Brand, first and last beginning of its numbers, and their lengths.
#: https://en.wikipedia.org/wiki/Payment_card_number, ISO/IEC 7812.
_BRANDS: tuple[tuple[str, int, int, tuple[int, ...]], ...] = (
    ("visa", 4, 4, (13, 16, 19)),
    ("mastercard", 51, 55, (16,)),
    ("mastercard", 2221, 2720, (16,)),
    ("amex", 34, 34, (15,)),
    ("amex", 37, 37, (15,)),
    ("discover", 6011, 6011, _LONG),
    ("discover", 644, 649, _LONG),
    ("discover", 65, 65, _LONG),
    ("diners", 300, 305, (14, *_LONG)),
    ("diners", 3095, 3095, (14, *_LONG)),
    ("diners", 36, 36, (14, *_LONG)),
    ("diners", 38, 39, (14, *_LONG)),
    ("jcb", 35, 35, _LONG),  # 3528 to 3589, but what makes up cards takes all that begin so
    ("jcb", 1800, 1800, (15,)),
    ("jcb", 2131, 2131, (15,)),
    ("unionpay", 62, 62, _LONG),
    ("unionpay", 81, 81, _LONG),
    ("mir", 2200, 2204, _LONG),
    ("maestro", 604, 604, _ANY),  # it begins with 0604
    ("maestro", 5018, 5018, _ANY),
    ("maestro", 5020, 5020, _ANY),
    ("maestro", 5038, 5038, _ANY),
    ("maestro", 56, 58, _ANY),
    ("maestro", 6304, 6304, _ANY),
    ("maestro", 6390, 6390, _ANY),
    ("maestro", 6759, 6763, _ANY),
)
_PREFIXES: dict[str, tuple[str, tuple[int, ...]]] = {
    ("0604" if number == 604 else str(number)): (brand, lengths)
    for brand, first, last, lengths in _BRANDS
    for number in range(first, last + 1)
}
#: The sizes of groups in which cards are written, the longest first.
_GROUPINGS = tuple(
    bytes(sizes)
    for sizes in (
        (4, 4, 4, 4, 3),
        (4, 4, 4, 4, 2),
        (4, 4, 4, 4, 1),
        (4, 4, 4, 4),
        (4, 4, 4, 3),
        (4, 4, 4, 2),
        (4, 4, 4, 1),
        (4, 6, 5),
        (4, 6, 4),
        (4, 4, 4),
        (6, 13),
        *((size,) for size in _ANY),
    )
)
_LONGEST_GROUPING = 5
_MOST_GROUPS = 19


def brand_of(digits: str) -> str:
    """Return the brand of a number of a card, "" where no brand has such a beginning and length."""
    for length in (1, 2, 3, 4):
        brand, lengths = _PREFIXES.get(digits[:length], ("", ()))
        if len(digits) in lengths:
            return brand
    return ""


@lru_cache(maxsize=4096)
def _counts(sizes: bytes) -> tuple[int, ...]:
    """Return how many of these groups may be a card."""
    return tuple(len(grouping) for grouping in _GROUPINGS if sizes.startswith(grouping))


def card_at(run: Run, first: int) -> tuple[Hit, int] | None:
    """Return the card that begins with a group of a run, and of how many groups it is.

    One in ten numbers has a right check digit by chance: of several, the longest one counts behind
    which the run ends or another card begins, for two cards may stand side by side.
    """
    found = list(_cards(run, first))
    for hit, count in found:
        is_last = first + count == len(run.sizes)
        if len(found) == 1 or is_last or any(_cards(run, first + count)):
            return hit, count
    if found:
        return found[0]
    if first == 0 and 1 < len(run.sizes) <= _MOST_GROUPS:  # in groups of its own
        whole = _card(run, 0, len(run.sizes))
        return None if whole is None else (whole, len(run.sizes))
    return None


def _cards(run: Run, first: int) -> Iterator[tuple[Hit, int]]:
    """Yield what may be a card and begins with a group of a run, the longest first."""
    for count in _counts(run.sizes[first : first + _LONGEST_GROUPING]):
        hit = _card(run, first, count)
        if hit is not None:
            yield hit, count


def _card(run: Run, first: int, count: int) -> Hit | None:
    if not 12 <= sum(run.sizes[first : first + count]) <= 19:
        return None
    digits = run.digits(first, count)
    brand = brand_of(digits)
    if not brand or len(set(digits)) == 1 or not luhn(digits):
        return None
    start, end = run.place(first, count)
    separators = run.separators(first, count)
    if separators == ["."]:  # a number with its decimals: `539.2234688708106`
        return None
    is_one_sign = len(set(separators)) < 2
    if not is_one_sign or is_attached(run.text, start, end) or _in_uuid(run.text, start, end):
        return None
    return Hit("card", start, end, digits, f"{brand}, {len(digits)} digits, Luhn")


def _in_uuid(text: str, start: int, end: int) -> bool:
    """Say whether letters follow or precede behind a dash, as in a UUID with few letters."""
    before, after = text[max(0, start - 2) : start], text[end : end + 2]
    is_behind = len(before) == 2 and before[1] == "-" and before[0] in "abcdefABCDEF"
    return is_behind or (len(after) == 2 and after[0] == "-" and after[1] in "abcdefABCDEF")
