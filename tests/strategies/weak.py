"""A redactor and a detector as people write them: sound ones, and what may be wrong with them."""

import re
import unicodedata
from collections.abc import Callable, Iterator
from itertools import permutations

from stdnum import iban, luhn

from pytest_llmprod.strategies.encoders import ENCODERS

Redact = Callable[[str], str]
Flags = Callable[[str], bool]

MAIL = r"[A-Za-z0-9._+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}"
CARD = r"(?<![\w-])\d(?:[ -]?\d){11,18}(?![\w-])"
IBAN = r"\b[A-Z]{2}\d\d(?: ?[A-Z0-9]){11,30}\b"
PLACEHOLDER = "[REDACTED]"


def is_card(digits: str) -> bool:
    return digits[0] in "23456" and luhn.is_valid(digits)


def redactor(
    *,
    drops_invisible: bool = True,
    folds_width: bool = True,
    mail: str = MAIL,
    card: str = CARD,
    account: str = IBAN,
    is_card: Callable[[str], bool] = is_card,
    most: int = 0,
    keeps: int = 0,
) -> Redact:
    """Return a redactor of addresses, cards and IBANs; each argument takes something from it.

    `most` is how many matches it replaces (0 for all), `keeps` how many last characters it leaves.
    """

    def redact(text: str) -> str:
        read, places = _read(text, drops_invisible, folds_width)
        spans = [found.span() for found in re.finditer(mail, read)]
        spans += [span for span in _matches(card, read) if is_card(_digits(read, span))]
        spans += [span for span in _matches(account, read) if iban.is_valid(_digits(read, span))]
        ordered = sorted(spans)[: most or None]
        for start, end in reversed(ordered):
            last = places[end - keeps - 1] + 1
            text = text[: places[start]] + PLACEHOLDER + text[last:]
        return text

    return redact


def _matches(pattern: str, text: str) -> Iterator[tuple[int, int]]:
    return (found.span() for found in re.finditer(pattern, text))


def _digits(text: str, span: tuple[int, int]) -> str:
    return re.sub("[ -]", "", text[slice(*span)])


def _read(text: str, drops_invisible: bool, folds_width: bool) -> tuple[str, list[int]]:
    """Return what is read of a text, and where each of its characters stands in it."""
    read: list[str] = []
    places: list[int] = []
    for place, char in enumerate(text):
        if drops_invisible and unicodedata.category(char) == "Cf":
            continue
        for each in unicodedata.normalize("NFKC", char) if folds_width else char:
            read.append(each)
            places.append(place)
    return "".join(read), places


PATTERNS = (
    r"\b(?:ignore|disregard) (?:all|every)",
    r"these are your new instructions",
    r"^the text ends here",
    r"^ignoriere alle",
    r"^ignore toutes",
    r"^ignora todas",
)


def detector(
    *,
    patterns: tuple[str, ...] = PATTERNS,
    undoes: tuple[str, ...] = ("leet", "homoglyphs", "tags"),
) -> Flags:
    """Return a detector of overrides in four languages that undoes some encodings first."""

    def flags(text: str) -> bool:
        return any(
            re.search(pattern, each, re.IGNORECASE)
            for each in _undone(text, undoes)
            for pattern in patterns
        )

    return flags


def _undone(text: str, names: tuple[str, ...]) -> Iterator[str]:
    for count in range(3):
        for chain in permutations(names, count):
            undone = text
            for name in chain:
                undone = ENCODERS[name].decode(undone)
            yield undone
