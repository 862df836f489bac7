"""Mixed words: what is made of letters and digits: IBANs, and national ids with letters."""

import re
from collections.abc import Iterator

from pytest_llmprod.guardrails.check_digits import mod_97
from pytest_llmprod.guardrails.hits import Hit
from pytest_llmprod.guardrails.national_ids import id_of_word

#: How long the IBAN of each country is: the IBAN registry of SWIFT, release 99.
_LENGTHS = {
    country: length
    for length, countries in {
        15: "NO",
        16: "BE",
        18: "DK FI FK FO GL NL SD",
        19: "MK SI",
        20: "AT BA EE KZ LT LU MN XK",
        21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA",
        23: "AE GI IL IQ OM SO TL",
        24: "AD CZ ES MD PK RO SA SE SK TN VG",
        25: "LY PT ST",
        26: "IS TR",
        27: "BI DJ FR GR IT MC MR SM",
        28: "AL AZ BY CY DO GT HU LB NI PL SV",
        29: "BR EG PS QA UA",
        30: "JO KW MU YE",
        31: "MT SC",
        32: "LC",
        33: "RU",
    }.items()
    for country in countries.split()
}
_MIXED = re.compile(r"(?<![^\W_])(?:[A-Za-z]++\d|\d++[A-Za-z])[A-Za-z0-9]*+(?![^\W_])")
# Where there is none: most texts hold no such word, and this looks at digits only.
_BESIDE = re.compile(r"\d(?:(?=[A-Za-z])|(?<=[A-Za-z]\d))")
_BEGINNING = re.compile(r"[A-Za-z]{2}\d{2}")
_SHORTEST_ID = 9
_MOST_SIGNS = 12
_WRITTEN = re.compile(r"[A-Za-z0-9]++(?:(?: [A-Za-z0-9]++)++|(?:-[A-Za-z0-9]++)*+)")


def find_in_mixed_words(text: str) -> Iterator[Hit]:
    """Find IBANs and national ids with letters in them."""
    if _BESIDE.search(text) is None:
        return
    end = 0
    for match in _MIXED.finditer(text):
        if match.start() < end:
            continue
        word = match[0]
        hit = _iban(text, match.start()) if _BEGINNING.match(word) else None
        if hit is None and len(word) >= _SHORTEST_ID:
            name = id_of_word(word.upper())
            hit = Hit("national_id", *match.span(), word.upper(), name) if name else None
        if hit is not None:
            end = hit.end
            yield hit


def _iban(text: str, start: int) -> Hit | None:
    """Return the IBAN that begins here, written at once or in groups with one sign between them."""
    country = text[start : start + 2].upper()
    length = _LENGTHS.get(country, 0)
    if not length:
        return None
    written = _WRITTEN.match(text, start, start + length + _MOST_SIGNS)
    if written is None:
        return None
    number = written[0].replace(" ", "").replace("-", "")[:length].upper()
    if len(number) < length or not mod_97(number[4:] + number[:4]):
        return None
    end = start + _end_of(written[0], length)
    if text[end : end + 1].isalnum():
        return None
    return Hit("iban", start, end, number, f"{country}, {length} characters, mod 97")


def _end_of(written: str, length: int) -> int:
    """Return behind which character so many letters and digits have been read."""
    for at, char in enumerate(written):
        length -= char.isalnum()
        if not length:
            return at + 1
    return len(written)
