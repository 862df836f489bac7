"""Lookalikes: what a careless pattern takes for personal data, and is none."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from hypothesis import strategies as st

from pytest_llmprod.strategies.checksums import iban_digits, isbn_digit, luhn_digit
from pytest_llmprod.strategies.drawing import below, chosen, parts_of, pick
from pytest_llmprod.strategies.recipes import NUMBERS


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookalike:
    """A text without personal data; `value` in it, of this kind, looks like some.

    `resembles` is the kind of personal data that it may be taken for.
    """

    kind: str
    resembles: str
    value: str
    text: str

    @property
    def facets(self) -> dict[str, str]:
        """Return what rates are told apart by."""
        return {"kind": self.kind, "resembles": self.resembles}


def _wrong_card(number: int) -> str:
    digits = f"400000{number:09d}"
    return digits + str((int(luhn_digit(digits)) + 1) % 10)


def _wrong_iban(number: int) -> str:
    account = f"{number:018d}"
    right = int(iban_digits("DE", account))
    return f"DE{(right - 2 + 1) % 97 + 2:02d}{account}"


def _order(number: int) -> str:
    digits = f"999999{number:09d}"  # no card begins so, and none has this check digit
    return digits + str((int(luhn_digit(digits)) + 5) % 10)


def _version(number: int) -> str:
    major, minor, patch = parts_of(number, 30, 40, 50)
    return f"10.{major}.{minor}.{patch}-rc{1 + number % 3}"


def _uuid(number: int) -> str:
    digest = hashlib.sha256(str(number).encode()).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-8{digest[17:20]}-{digest[20:32]}"


def _never_issued(number: int) -> str:
    area = ("000", "666", "900", "999")[number % 4]
    return f"{area}-{1 + number // 4 % 49:02d}-{1 + number % 9_999:04d}"


def _isbn(number: int) -> str:
    digits = f"978316{number:06d}"
    return digits + isbn_digit(digits)


def _out_of_range(number: int) -> str:
    first, second = parts_of(number, 700, 256)
    return f"{256 + first}.{second}.0.1"


def _timestamp(number: int) -> str:
    day, hour, minute = parts_of(number, 28, 24, 60)
    return f"2026-02-{1 + day:02d}T{hour:02d}:{minute:02d}:00Z"


#: kind: what it resembles, how it is made of a number, and sentences about it.
_RECIPES: Mapping[str, tuple[str, Callable[[int], str], tuple[str, ...]]] = {
    "wrong card": ("card", _wrong_card, ("Card {} is no valid number.",)),
    "wrong iban": ("iban", _wrong_iban, ("The bank refuses IBAN {}.",)),
    "order": ("card", _order, ("Order {} has shipped.", "Where is parcel {}?")),
    "invoice": ("national_id", lambda number: f"INV-{number:09d}", ("Invoice {} is paid.",)),
    "version": ("ip", _version, ("Upgrade to {}.", "It works since version {}.")),
    "out of range": ("ip", _out_of_range, ("Section {} of the manual",)),
    "uuid": ("card", _uuid, ("Request {} failed.",)),
    "commit": (
        "api_key",
        lambda number: hashlib.sha1(str(number).encode(), usedforsecurity=False).hexdigest(),
        ("Fixed in {}.",),
    ),
    "never issued": ("national_id", _never_issued, ("Form field 7 shows {} as a pattern.",)),
    "isbn": ("card", _isbn, ("The book is ISBN {}.",)),
    "decorator": ("email", lambda number: f"@app.route_{number}", ("Add {} above the function.",)),
    "timestamp": ("date_of_birth", _timestamp, ("The error came at {}.",)),
    "masked card": ("card", lambda number: f"**** **** **** {number % 10_000:04d}", ("Card {}",)),
    "masked email": ("email", lambda number: f"a***{number % 10}@...", ("We wrote to {}.",)),
    "measure": ("phone", lambda number: f"{number % 1000}-{number // 1000:03d} mm", ("Width {}",)),
}
#: The kinds of `pii_lookalikes()`.
LOOKALIKE_KINDS = tuple(_RECIPES)


@st.composite
def _lookalikes(draw: st.DrawFn, kinds: tuple[str, ...]) -> Lookalike:
    kind = pick(draw, kinds)
    resembles, make, sentences = _RECIPES[kind]
    value = make(draw(below(NUMBERS)))
    text = pick(draw, ("{}", *sentences)).replace("{}", value)
    return Lookalike(kind=kind, resembles=resembles, value=value, text=text)


def pii_lookalikes(kinds: Iterable[str] | str | None = None) -> st.SearchStrategy[Lookalike]:
    """Return a strategy of texts that look as if they held personal data, and hold none.

    Numbers fail the check that makes them what they look like; `kinds` are LOOKALIKE_KINDS.
    """
    return _lookalikes(chosen("kinds", kinds, LOOKALIKE_KINDS))
