"""Recipes: how each variant of personal data is made of a number, and how it is written.

Nothing here belongs to anybody: domains are those of RFC 2606, addresses on the net those of RFC
5737 and 3849, telephone numbers those that regulators keep for films and examples, cards begin as
the test cards of payment providers. `docs/design/strategies.md` names the source of each range.
Number zero makes the plainest value, which is the one that a failure is shrunk to.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count

from pytest_llmprod.strategies.checksums import (
    bsn_digit,
    french_digits,
    hetu_character,
    iban_digits,
    icao_digit,
    luhn_digit,
    nhs_digit,
    spanish_digits,
)
from pytest_llmprod.strategies.drawing import parts_of
from pytest_llmprod.strategies.example_keys import KEYS

#: Recipes are made of numbers below this.
NUMBERS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One variant of a kind. `make` gives the plain form, `forms` are ways to write that.

    `country` is that of the variant, "" where people of all countries have it.
    """

    kind: str
    variant: str
    make: Callable[[int], str]
    forms: tuple[Callable[[str], str], ...] = (str,)
    country: str = ""


def _grouped(*sizes: int, sign: str = " ") -> Callable[[str], str]:
    """Return a form that groups characters; what is left over is the last group."""

    def form(value: str) -> str:
        groups, start = [], 0
        for size in sizes:
            groups.append(value[start : start + size])
            start += size
        return sign.join(group for group in [*groups, value[start:]] if group)

    return form


def _fours(value: str) -> str:
    return " ".join(value[at : at + 4] for at in range(0, len(value), 4))


def _valid(prefix: str, width: int, number: int, digit: Callable[[str], str | None]) -> str:
    """Return the first number from `number` on for which there is a check digit."""
    for serial in count(number):
        body = f"{prefix}{serial % 10**width:0{width}d}"
        check = digit(body)
        if check is not None:
            return body + check
    raise AssertionError("every second number has a check digit")


def _day(number: int) -> date:
    """Return a day from 1970 to 2002."""
    return date(1970, 1, 1) + timedelta(days=number % 12_000)


_FIRST = ("ana", "bob", "chloe", "david", "emma", "finn", "greta", "hassan", "ines", "jonas")
_LAST = ("doe", "smith", "garcia", "meier", "dubois", "jansen", "lind", "okafor", "rossi", "tanaka")


def _mail(pattern: str) -> Callable[[int], str]:
    def make(number: int) -> str:
        first, last, digits = parts_of(number, len(_FIRST), len(_LAST), 100)
        return pattern.format(first=_FIRST[first], last=_LAST[last], digits=digits)

    return make


_MAILS = (
    ("plain", "{first}@example.com"),
    ("dotted", "{first}.{last}@example.org"),
    ("digits", "{first}{digits}@example.net"),
    ("tagged", "{first}+news@example.com"),
    ("underscore", "{first}_{last}{digits}@mail.example.com"),
    ("hyphen", "{first}-{last}@my-shop.test"),
    ("long", "{first}.{last}.{digits}@customers.support.example.co.test"),
    ("upper case", "{first}.{last}@EXAMPLE.COM"),
)


def _phone(prefix: str, width: int) -> Callable[[int], str]:
    return lambda number: f"{prefix}{number % 10**width:0{width}d}"


def _national(*sizes: int, code: int, sign: str = " ", trunk: str = "0") -> Callable[[str], str]:
    """Return a form without the country code, which has `code` digits behind the plus."""
    form = _grouped(*sizes, sign=sign)
    return lambda value: form(trunk + value[1 + code :])


def _american_brackets(value: str) -> str:
    return f"({value[2:5]}) {value[5:8]}-{value[8:]}"


_AMERICAN = (
    lambda value: f"{value[:2]} {_grouped(3, 3, sign='-')(value[2:])}",
    str,
    _american_brackets,
    _national(3, 3, code=1, sign="-", trunk=""),
    _national(3, 3, code=1, sign=".", trunk=""),
)
_PHONES = (
    ("US", "+120255501", 2, _AMERICAN),
    ("US", "+141555501", 2, _AMERICAN),
    ("GB", "+442079460", 3, (_grouped(3, 2, 4), str, _national(3, 4, code=2))),
    ("GB", "+447700900", 3, (_grouped(3, 4), str, _national(5, code=2))),
    (
        "DE",
        "+493023125",
        3,
        (_grouped(3, 2), str, _national(3, code=2), _national(3, code=2, sign="/")),
    ),
    ("FR", "+3319900", 4, (_grouped(3, 1, 2, 2, 2), str, _national(2, 2, 2, 2, code=2))),
    ("FR", "+3363998", 4, (_grouped(3, 1, 2, 2, 2), str, _national(2, 2, 2, 2, code=2, sign="."))),
    ("AU", "+6125550", 4, (_grouped(3, 1, 4), str, _national(2, 4, code=2))),
)


def _card(prefix: str, length: int) -> Callable[[int], str]:
    def make(number: int) -> str:
        digits = f"{prefix}{number % 100_000:0{length - 1 - len(prefix)}d}"
        return digits + luhn_digit(digits)

    return make


_CARD_FORMS = (_fours, str, lambda value: _fours(value).replace(" ", "-"))
_CARDS = (
    ("visa", "400000", 16),
    ("visa", "411111", 16),
    ("visa 13", "422222", 13),
    ("visa 19", "400000", 19),
    ("mastercard", "555555", 16),
    ("mastercard", "510510", 16),
    ("mastercard 2", "222300", 16),
    ("amex", "378282", 15),
    ("amex", "371449", 15),
    ("discover", "601111", 16),
    ("discover", "650000", 16),
    ("diners", "305693", 14),
    ("jcb", "353011", 16),
    ("jcb", "356600", 16),
    ("unionpay", "620000", 16),
    ("unionpay 19", "620550", 19),
    ("maestro", "675964", 16),
    ("maestro 12", "501800", 12),
)


def _iban(country: str, account: Callable[[int], str]) -> Callable[[int], str]:
    def make(number: int) -> str:
        basic = account(number)
        return f"{country}{iban_digits(country, basic)}{basic}"

    return make


def _spanish(number: int) -> str:
    account = f"{number:010d}"
    return f"00000000{spanish_digits('00000000', account)}{account}"


def _french(number: int) -> str:
    account = f"{number:011d}"
    return f"0000000000{account}{french_digits('00000', '00000', account)}"


_IBANS: tuple[tuple[str, Callable[[int], str]], ...] = (
    ("DE", lambda number: f"{number:018d}"),
    ("GB", lambda number: f"TEST{number:014d}"),
    ("FR", _french),
    ("ES", _spanish),
    ("NL", lambda number: f"TEST{number:010d}"),
    ("IE", lambda number: f"TEST{number:014d}"),
    ("CH", lambda number: f"{number:017d}"),
    ("AT", lambda number: f"{number:016d}"),
    ("SE", lambda number: f"{number:020d}"),
)


def _social_security(number: int) -> str:
    return f"00101{1 + number % 9_999:04d}"


def _swedish(number: int) -> str:
    day, serial = parts_of(number, 12_000, 20)
    digits = f"{_day(day):%y%m%d}{980 + serial}"
    return digits + luhn_digit(digits)


def _finnish(number: int) -> str:
    day, serial = parts_of(number, 10_000, 100)
    of_day, of_serial = f"{_day(day):%d%m%y}", str(900 + serial)
    return f"{of_day}-{of_serial}{hetu_character(of_day, of_serial)}"


_NATIONAL = (
    Recipe(
        kind="national_id",
        variant="us_ssn",
        country="US",
        make=_social_security,
        forms=(_grouped(3, 2, sign="-"), _grouped(3, 2)),
    ),
    Recipe(
        kind="national_id",
        variant="gb_nhs",
        country="GB",
        make=lambda number: _valid("999", 6, number, nhs_digit),
        forms=(_grouped(3, 3), _grouped(3, 3, sign="-"), str),
    ),
    Recipe(
        kind="national_id",
        variant="nl_bsn",
        country="NL",
        make=lambda number: _valid("9999", 4, number, bsn_digit),
    ),
    Recipe(
        kind="national_id",
        variant="se_personnummer",
        country="SE",
        make=_swedish,
        forms=(_grouped(6, sign="-"), str),
    ),
    Recipe(kind="national_id", variant="fi_hetu", country="FI", make=_finnish),
)


def _specimen(number: int) -> str:
    digits = f"C01X{number % 100_000:05d}"
    return digits + icao_digit(digits)


def _machine_readable(number: int) -> str:
    """Return the second line of a passport of Utopia, which ICAO made up for its examples."""
    passport = f"L{number % 100_000_000:08d}"
    born, until = f"{_day(number):%y%m%d}", "301231"
    first = passport + icao_digit(passport)
    second = born + icao_digit(born)
    third = until + icao_digit(until)
    personal = "<" * 14 + "0"
    whole = icao_digit(first + second + third + personal)
    return f"{first}UTO{second}F{third}{personal}{whole}"


_STREETS = (
    ("US", "{number} Example Street, Anytown, CA 90000"),
    ("GB", "{number} Example Road, Sampleton ZZ99 3WZ"),
    ("DE", "Musterstra\u00dfe {number}, 00000 Musterstadt"),
    ("FR", "{number} rue de l'Exemple, 00000 Exempleville"),
    ("NL", "Voorbeeldstraat {number}, 0000 AA Voorbeeldstad"),
)
_NAMES = (
    ("US", ("Jane", "John", "Mary", "Ana", "Omar"), ("Doe", "Roe", "Public", "Smith", "O'Neill")),
    ("GB", ("Joe", "Fred", "Olive", "Priya"), ("Bloggs", "Nokes", "Smith-Jones", "Patel")),
    ("DE", ("Erika", "Max", "J\u00fcrgen", "Ay\u015fe"), ("Mustermann", "Musterfrau", "Gro\u00df")),
    ("FR", ("Jeanne", "Jean", "Chlo\u00e9"), ("Dupont", "Durand", "de la Tour")),
    ("NL", ("Jan", "Sanne"), ("Modaal", "van den Berg")),
)
_MONTHS = "January February March April May June July August September October November December"


def _name(first: tuple[str, ...], last: tuple[str, ...]) -> Callable[[int], str]:
    def make(number: int) -> str:
        at_first, at_last = parts_of(number, len(first), len(last))
        return f"{first[at_first]} {last[at_last]}"

    return make


def _street(pattern: str) -> Callable[[int], str]:
    return lambda number: pattern.format(number=1 + number % 999)


def _spoken_date(value: str) -> str:
    year, month, day = value.split("-")
    return f"{int(day)} {_MONTHS.split()[int(month) - 1]} {year}"


def _slashed(value: str) -> str:
    year, month, day = value.split("-")
    return f"{month}/{day}/{year}"


def _dotted(value: str) -> str:
    return ".".join(reversed(value.split("-")))


RECIPES: tuple[Recipe, ...] = (
    *(Recipe(kind="email", variant=name, make=_mail(pattern)) for name, pattern in _MAILS),
    *(
        Recipe(
            kind="phone", variant=country, country=country, make=_phone(prefix, width), forms=forms
        )
        for country, prefix, width, forms in _PHONES
    ),
    *(
        Recipe(kind="card", variant=brand, make=_card(prefix, length), forms=_CARD_FORMS)
        for brand, prefix, length in _CARDS
    ),
    *(
        Recipe(
            kind="iban", variant=code, country=code, make=_iban(code, account), forms=(_fours, str)
        )
        for code, account in _IBANS
    ),
    *_NATIONAL,
    Recipe(kind="passport", variant="specimen", make=_specimen),
    Recipe(kind="passport", variant="machine readable", make=_machine_readable),
    Recipe(kind="ip", variant="v4", make=lambda number: f"192.0.2.{number % 256}"),
    Recipe(kind="ip", variant="v4", make=lambda number: f"198.51.100.{number % 256}"),
    Recipe(kind="ip", variant="v4", make=lambda number: f"203.0.113.{number % 256}"),
    Recipe(kind="ip", variant="v6", make=lambda number: f"2001:db8::{1 + number % 65_535:x}"),
    *(
        Recipe(kind="address", variant=country, country=country, make=_street(pattern))
        for country, pattern in _STREETS
    ),
    *(
        Recipe(kind="name", variant=country, country=country, make=_name(first, last))
        for country, first, last in _NAMES
    ),
    Recipe(
        kind="date_of_birth",
        variant="day",
        make=lambda number: _day(number).isoformat(),
        forms=(str, _slashed, _dotted, _spoken_date),
    ),
    *(Recipe(kind="api_key", variant=issuer, make=make) for issuer, make in KEYS),
)
#: The kinds of personal data that can be planted.
PII_KINDS = tuple(dict.fromkeys(recipe.kind for recipe in RECIPES))
