"""By context: personal data that no shape gives away, found by the words before it.

Names, addresses, days of birth and passports are found where a text says that it is one: `My name
is`, `Address:`, `born on`. Who needs every name in running text needs a model; see `Detector`.
"""

import re
from collections.abc import Iterator

from pytest_llmprod.guardrails.check_digits import icao, is_day
from pytest_llmprod.guardrails.hits import Hit

_PASSPORT = re.compile(
    r"(?i:\b(?:passport|reisepass|passeport|pasaporte|passaporto|paspoort)\b)[^\n0-9]{0,24}?"
    r"(?<![^\W_])([A-Z0-9]{6,10})(?![^\W_])"
)
_MACHINE_READABLE = re.compile(
    r"(?<![A-Z0-9<])[A-Z0-9<]{9}[0-9][A-Z<]{3}\d{6}\d[MFX<]\d{6}\d[A-Z0-9<]{14}[0-9<]\d(?![A-Z0-9<])"
)
_LEAST_DIGITS_OF_PASSPORT = 4


_PASSPORT_HINTS = ("passport", "reisepass", "passeport", "pasaporte", "passaporto", "paspoort")


def _mentions(lower: str, hints: tuple[str, ...]) -> bool:
    """Say whether a text in small letters holds a word without which a pattern matches nowhere.

    That costs a tenth of the pattern, and most texts hold none of the words.
    """
    return any(hint in lower for hint in hints)


def find_passports(text: str, lower: str) -> Iterator[Hit]:
    """Find numbers of passports behind the word, and the second line that machines read."""
    behind_words = _PASSPORT.finditer(text) if _mentions(lower, _PASSPORT_HINTS) else ()
    for match in behind_words:
        number = match[1]
        if sum(char.isdigit() for char in number) >= _LEAST_DIGITS_OF_PASSPORT:
            yield Hit("passport", *match.span(1), number, "behind the word")
    if "<" in text:
        for match in _MACHINE_READABLE.finditer(text):
            line = match[0]
            fields = ((line[:9], line[9]), (line[13:19], line[19]), (line[21:27], line[27]))
            if all(icao(field, check) for field, check in fields):
                yield Hit("passport", *match.span(), line, "machine-readable line, check digits")


_MONTH = (
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|januar|februar|m\u00e4rz|mai|juni|juli"
    r"|oktober|dezember|janvier|f\u00e9vrier|mars|avril|juin|juillet|ao\u00fbt|d\u00e9cembre"
    r"|enero|febrero|marzo|abril|mayo|junio|julio|agosto|diciembre)[a-z]{0,6}\.?"
)
_DAY = (
    r"(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](?:\d{4}|\d{2})"
    rf"|\d{{1,2}}(?:st|nd|rd|th|\.)? (?:of |de )?{_MONTH},?(?: de)? \d{{4}}"
    rf"|{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}})(?!\d)"
)
_BORN = re.compile(
    r"(?i)(?<![^\W_])(?:born|birth(?:day|date)?|dob|d\.o\.b\.?|geboren|geburtsdatum|geburtstag"
    r"|n\u00e9e?|naissance|nacid[oa]|nacimiento|nat[oa]|geboortedatum|fecha de nac\.?)"
    rf"[^\n0-9]{{0,24}}?(?<![^\W_])({_DAY})"
)
_NUMBERS = re.compile(r"\d+")


_BORN_HINTS = ("born", "birth", "dob", "d.o.b", "gebor", "geburt", "n\u00e9", "naiss", "nac", "nat")


def find_days_of_birth(text: str, lower: str) -> Iterator[Hit]:
    """Find days behind a word that says that somebody was born."""
    if not _mentions(lower, _BORN_HINTS):
        return
    for match in _BORN.finditer(text):
        if _may_be_a_day(match[1]):
            yield Hit("date_of_birth", *match.span(1), match[1], "behind the word")


def _may_be_a_day(text: str) -> bool:
    numbers = [int(each) for each in _NUMBERS.findall(text)]
    if len(numbers) < 3:  # the month is a word
        return 0 < min(numbers) <= 31
    if numbers[0] > 31:
        return is_day(*numbers)
    first, second, year = numbers
    year += 1900 if year < 100 else 0
    return is_day(year, second, first) or is_day(year, first, second)


_CAPITAL = r"[^\W\d_a-z][\w'-]{1,30}"
_FULL_NAME = rf"({_CAPITAL}(?: (?:(?:de|da|van|von|der|la|bin|al) ){{0,2}}{_CAPITAL}){{0,3}})"
_NAMES = (
    re.compile(
        r"(?i:(?<![^\W_])(?:my name is|my name's|i am called|ich hei\u00dfe|mein name ist"
        r"|je m'appelle|me llamo|mi nombre es|mi chiamo|mijn naam is"
        rf"|(?:full |first |last |customer |sur|nach)?name ?:|kunde ?:|client ?:) ?){_FULL_NAME}"
    ),
    re.compile(rf"(?<![^\W_])(?:Mr|Mrs|Ms|Dr|Prof|Herr|Frau|Mme|Sr|Sra)\.? {_FULL_NAME}"),
)


_NAME_HINTS = (
    (
        "name",
        "called",
        "hei\u00df",
        "appelle",
        "llamo",
        "nombre",
        "chiamo",
        "naam",
        "kunde",
        "client",
    ),
    ("mr", "ms", "dr", "prof", "herr", "frau", "mme", "sr"),
)


def find_names(text: str, lower: str) -> Iterator[Hit]:
    """Find names of people behind a title, a label, or where somebody tells theirs."""
    for pattern, hints in zip(_NAMES, _NAME_HINTS, strict=True):
        if not _mentions(lower, hints):
            continue
        for match in pattern.finditer(text):
            if match[1][0].isupper():
                yield Hit("name", *match.span(1), match[1], "behind a title or label")


_ROAD = (
    r"(?:street|st|road|rd|avenue|ave|lane|ln|drive|dr|boulevard|blvd|court|ct|way|place|pl|square"
    r"|terrace|close|crescent|parkway|highway|hwy)"
)
_LINE = r"[^\n;<>\"]{0,60}"
# A digit comes before what may not precede it: a search for a digit is quick.
_ADDRESSES = (
    (
        "number and road",
        re.compile(
            rf"(\d(?<![\w.-]\d)\d{{0,4}}[A-Za-z]?(?: {_CAPITAL}){{1,4}} (?i:{_ROAD})\b\.?"
            r"(?:, [^\W\d_][\w ]{1,30}){0,2}(?:,? [A-Z]{2} \d{5})?)"
        ),
    ),
    (
        "road and number",
        re.compile(
            r"(?<![\w.-])((?:[^\W\d_]{2,30}(?:stra(?:\u00dfe|sse)|str\.|weg|gasse|platz|allee|laan"
            r"|straat)"
            r"|(?:Rua|Via|Calle|Avenida|Rue|rue) (?:[^\W\d_][\w']{0,20} ){0,3}"
            r"[^\W\d_][\w']{1,20}),?"
            r" \d{1,4}[a-z]?(?:, \d{4,5}(?: [A-Z]{2})? [^\W\d_]{2,30})?)(?![^\W_])"
        ),
    ),
    (
        "number and road",
        re.compile(
            r"(\d(?<![\w.-]\d)\d{0,3},? (?:bis |ter )?"
            r"(?:rue|avenue|boulevard|place|chemin|all\u00e9e) "
            r"[\w' -]{2,40}(?:, \d{5} [^\W\d_][\w-]{1,30})?)"
        ),
    ),
    (
        "behind a label",
        re.compile(
            r"(?i:(?<![^\W_])(?:(?:shipping |billing |home |postal )?address(?: is|:)|lives? at"
            rf"|living at|deliver(?:ed)? to|ship(?:ped)? to|adresse ?:|wohnhaft in)) ?"
            rf"({_LINE}\d{_LINE})"
        ),
    ),
)


_NUMBER = re.compile(r"\d")
_ADDRESS_HINTS = (
    (
        *("street", " st", "road", " rd", "avenue", " ave", "lane", " ln", "drive", " dr", "blvd"),
        *("boulevard", "court", " ct", " way", "place", " pl", "square", "terrace", "close"),
        *("crescent", "parkway", "highway", "hwy"),
    ),
    (
        *("stra\u00dfe", "strasse", "str.", "weg", "gasse", "platz", "allee", "laan", "straat"),
        *("rua", "via", "calle", "avenida", "rue"),
    ),
    ("rue", "avenue", "boulevard", "place", "chemin", "all\u00e9e"),
    ("address", "live", "living", "deliver", "ship", "adresse", "wohnhaft"),
)


def find_postal_addresses(text: str, lower: str) -> Iterator[Hit]:
    """Find postal addresses by a number beside a word for a road, and behind a label."""
    if _NUMBER.search(text) is None:
        return
    for (why, pattern), hints in zip(_ADDRESSES, _ADDRESS_HINTS, strict=True):
        for match in pattern.finditer(text) if _mentions(lower, hints) else ():
            yield Hit("address", *match.span(1), match[1], why)
