"""Cards: payment cards by brand, length and check digit."""

import re
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
_MOST_IN_A_ROW = 8  # longer digits are no list of cards
_ONE_BY_ONE = re.compile(rb"\x01++")


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
    found = _cards(run, first)
    for hit, count in found:
        is_last = first + count == len(run.sizes)
        if len(found) == 1 or is_last or _cards(run, first + count):
            return hit, count
    if found:
        return found[0]
    if first == 0 and 1 < len(run.sizes) <= _MOST_GROUPS:  # in groups of its own
        whole = _card(run, 0, len(run.sizes))
        return None if whole is None else (whole, len(run.sizes))
    return None


def cards_in_a_row(run: Run, first: int) -> tuple[list[Hit], int]:
    """Return the cards that a stretch of a run is, and of how many groups that is.

    Nothing says where one ends: the stretch is digits that stand one by one, or a single group. It
    is nothing but cards; there are none where the stretch is anything else, or began before.
    """
    if 1 < run.sizes[first] < 2 * _ANY[0]:  # as nearly all groups are
        return [], 0
    count = _length_of_stretch(run, first)
    if not 2 * _ANY[0] <= sum(run.sizes[first : first + count]) <= _MOST_IN_A_ROW * _ANY[-1]:
        return [], 0
    places = [at for start, end in run.groups[first : first + count] for at in range(start, end)]
    if is_attached(run.text, places[0], places[-1] + 1):
        return [], 0
    digits = run.digits(first, count)
    found = [
        Hit("card", places[start], places[end - 1] + 1, digits[start:end], _why(digits[start:end]))
        for start, end in _split(digits)
    ]
    return found, count


def _length_of_stretch(run: Run, first: int) -> int:
    """Return of how many groups the stretch is that begins with a group, 0 where none does."""
    if run.sizes[first] > 1:
        return 1
    if first and run.sizes[first - 1] == 1:
        return 0
    ones = _ONE_BY_ONE.match(run.sizes, first)
    return 0 if ones is None else ones.end() - first


def _split(digits: str) -> list[tuple[int, int]]:
    """Return where the cards begin and end that all these digits are, none where they are not."""
    starts = {len(digits): len(digits)}  # where all that follows is cards, and where the next ends
    for start in range(len(digits) - _ANY[0], -1, -1):
        for length in reversed(_ANY):
            if start + length in starts and _is_card(digits[start : start + length]):
                starts[start] = start + length
                break
    found = []
    start = 0
    while start in starts and start < len(digits):
        found.append((start, starts[start]))
        start = starts[start]
    return found


def _is_card(digits: str) -> bool:
    """Say whether digits have beginning, length and check digit of a card."""
    return bool(brand_of(digits)) and len(set(digits)) > 1 and luhn(digits)


def _why(digits: str) -> str:
    return f"{brand_of(digits)}, {len(digits)} digits, Luhn"


def _cards(run: Run, first: int) -> list[tuple[Hit, int]]:
    """Return what may be a card and begins with a group of a run, the longest first."""
    found = []
    for count in _counts(run.sizes[first : first + _LONGEST_GROUPING]):
        hit = _card(run, first, count)
        if hit is not None:
            found.append((hit, count))
    return found


def _card(run: Run, first: int, count: int) -> Hit | None:
    if not 12 <= sum(run.sizes[first : first + count]) <= 19:
        return None
    digits = run.digits(first, count)
    if not _is_card(digits):
        return None
    start, end = run.place(first, count)
    separators = run.separators(first, count)
    if separators == ["."]:  # a number with its decimals: `539.2234688708106`
        return None
    is_one_sign = len(set(separators)) < 2
    if not is_one_sign or is_attached(run.text, start, end) or _in_uuid(run.text, start, end):
        return None
    return Hit("card", start, end, digits, _why(digits))


def _in_uuid(text: str, start: int, end: int) -> bool:
    """Say whether letters follow or precede behind a dash, as in a UUID with few letters."""
    before, after = text[max(0, start - 2) : start], text[end : end + 2]
    is_behind = len(before) == 2 and before[1] == "-" and before[0] in "abcdefABCDEF"
    return is_behind or (len(after) == 2 and after[0] == "-" and after[1] in "abcdefABCDEF")
