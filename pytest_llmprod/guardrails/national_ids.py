"""National ids: by shape, range and check digit, and by a word near them where these say little.

A number that is written as only this id is needs no word. One that many numbers could be is an id
only behind the id's name: one order number in eleven passes the check of a BSN.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import pytest_llmprod.guardrails.check_digits as check_digits
from pytest_llmprod.guardrails.digit_groups import Run
from pytest_llmprod.guardrails.hits import Hit, is_attached, label_before


@dataclass(frozen=True, slots=True, kw_only=True)
class _Form:
    """One way to write an id: the sizes of its groups, and what may stand between them.

    `words` are names of which one must stand before it, in small letters; none for no names.
    """

    name: str
    sizes: bytes
    is_right: Callable[[str], bool]
    separators: tuple[tuple[str, ...], ...] = ((),)
    words: tuple[str, ...] = ()


def _forms(
    name: str,
    is_right: Callable[[str], bool],
    *sizes: int,
    signs: str = " -",
    words: tuple[str, ...] = (),
) -> _Form:
    alike = tuple((sign,) * (len(sizes) - 1) for sign in signs)
    return _Form(
        name=name,
        sizes=bytes(sizes),
        is_right=is_right,
        separators=alike if len(sizes) > 1 else ((),),
        words=words,
    )


_SSN = ("ssn", "social security")
_NHS = ("nhs", "patient")
_TAX = ("steuer", "idnr", "tax id", "tin")
_BSN = ("bsn", "burgerservice", "sofi")
_PERSON = ("personnummer", "pnr", "personal identity")
_INSURANCE = ("sin", "social insurance", "nas")
_REGISTER = ("rijksregister", "registre national")
_FORMS = (
    _forms("us_ssn", check_digits.us_ssn, 3, 2, 4, signs=" -."),
    _forms("us_ssn", check_digits.us_ssn, 9, words=_SSN),
    _forms("gb_nhs", check_digits.gb_nhs, 3, 3, 4),
    _forms("gb_nhs", check_digits.gb_nhs, 10, words=_NHS),
    _forms("de_tax_id", check_digits.de_tax_id, 2, 3, 3, 3, signs=" "),
    _forms("de_tax_id", check_digits.de_tax_id, 11, words=_TAX),
    _forms("fr_insee", check_digits.fr_insee, 15),
    _forms("fr_insee", check_digits.fr_insee, 13, 2),
    _forms("fr_insee", check_digits.fr_insee, 1, 2, 2, 2, 3, 3, 2, signs=" -."),
    _forms("nl_bsn", check_digits.nl_bsn, 9, words=_BSN),
    _forms("nl_bsn", check_digits.nl_bsn, 4, 2, 3, signs=" .", words=_BSN),
    _forms("pl_pesel", check_digits.pl_pesel, 11, words=("pesel",)),
    _forms("se_personnummer", check_digits.se_personnummer, 6, 4, signs="-"),
    _forms("se_personnummer", check_digits.se_personnummer, 10, words=_PERSON),
    _Form(
        name="be_national",
        sizes=bytes((2, 2, 2, 3, 2)),
        is_right=check_digits.be_national,
        separators=((".", ".", "-", "."),),
    ),
    _forms("be_national", check_digits.be_national, 11, words=_REGISTER),
    _Form(
        name="br_cpf",
        sizes=bytes((3, 3, 3, 2)),
        is_right=check_digits.br_cpf,
        separators=((".", ".", "-"),),
    ),
    _forms("br_cpf", check_digits.br_cpf, 11, words=("cpf",)),
    _forms("ch_ahv", check_digits.ch_ahv, 3, 4, 4, 2, signs="."),
    _forms("ch_ahv", check_digits.ch_ahv, 13),
    _forms("in_aadhaar", check_digits.in_aadhaar, 4, 4, 4),
    _forms("in_aadhaar", check_digits.in_aadhaar, 12, words=("aadhaar", "aadhar", "uidai")),
    _forms("ca_sin", check_digits.luhn, 3, 3, 3, words=_INSURANCE),
    _forms("ca_sin", check_digits.luhn, 9, words=_INSURANCE),
)
_WORDS = sorted({word for form in _FORMS for word in form.words})
_MOST_GROUPS = max(len(form.sizes) for form in _FORMS)


def words_in(text: str) -> frozenset[str]:
    """Return the names of ids that a text holds: without its name, many an id cannot be found."""
    lower = text.lower()
    return frozenset(word for word in _WORDS if word in lower)


@lru_cache(maxsize=4096)
def _forms_of(sizes: bytes, words: frozenset[str]) -> tuple[_Form, ...]:
    """Return which ids may be written in these groups."""
    return tuple(
        form
        for form in _FORMS
        if sizes.startswith(form.sizes) and not (form.words and words.isdisjoint(form.words))
    )


@lru_cache(maxsize=64)
def _named(words: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"(?i)(?<![^\W_])(?P<yes>{'|'.join(words)})")


def national_id_at(run: Run, first: int, words: frozenset[str]) -> tuple[Hit, int] | None:
    """Return the id that begins with a group of a run, and of how many groups it is.

    `words` are the `words_in` the text.
    """
    for form in _forms_of(run.sizes[first : first + _MOST_GROUPS], words):
        hit = _written_so(run, first, form, words)
        if hit is not None:
            return hit, len(form.sizes)
    return None


def _written_so(run: Run, first: int, form: _Form, words: frozenset[str]) -> Hit | None:
    count = len(form.sizes)
    start, end = run.place(first, count)
    if form.words and label_before(run.text, start, _named(form.words)) is None:
        return None
    digits = run.digits(first, count)
    if form.name == "gb_nhs" and count > 1 and _is_american(digits):
        is_named = not words.isdisjoint(_NHS)
        if not is_named or label_before(run.text, start, _named(_NHS)) is None:
            return None
    if not form.is_right(digits) or is_attached(run.text, start, end):
        return None
    if tuple(run.separators(first, count)) not in form.separators:
        return None
    return Hit("national_id", start, end, digits, form.name)


def _is_american(digits: str) -> bool:
    """Say whether three groups may be a telephone number of North America.

    One of these in eleven passes the check of an NHS number, and far more of them are written.
    """
    return digits[0] not in "01" and digits[3] not in "01"


# With letters in it: how it looks, and where letters and digits stand in it.
_NINO = re.compile(r"(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]\d{6}[A-D]")
_DNI = re.compile(r"(?:\d{8}|[XYZ]\d{7})[A-HJ-NP-TV-Z]")
_MONTHS_OF_ITALY = "ABCDEHLMPRST"
_CODICE = re.compile(
    rf"[A-Z]{{6}}[0-9L-V]{{2}}[{_MONTHS_OF_ITALY}][0-9L-V]{{2}}[A-Z][0-9L-V]{{3}}[A-Z]"
)
_CORSICAN = re.compile(r"[12]\d{4}2[AB]\d{8}")
_WITH_LETTERS: tuple[tuple[str, re.Pattern[str], Callable[[str], bool]], ...] = (
    ("gb_nino", _NINO, lambda _: True),
    ("es_dni", _DNI, check_digits.es_dni),
    ("it_codice_fiscale", _CODICE, check_digits.it_codice_fiscale),
    ("fr_insee", _CORSICAN, check_digits.fr_insee),
)


def id_of_word(word: str) -> str:
    """Return the name of the id that a word of letters and digits is, "" where it is none."""
    for name, shape, is_right in _WITH_LETTERS:
        if shape.fullmatch(word) and is_right(word):
            return name
    return ""


_HETU = re.compile(r"(?<![^\W_])\d{6}[-+A-FU-Y]\d{3}[0-9A-FHJ-NPR-Y](?![^\W_])")
_SPACED_NINO = re.compile(r"(?<![^\W_])[A-Z]{2}(?: \d\d){3} [A-D](?![^\W_])")
_DASHED_DNI = re.compile(r"(?<![^\W_])(?:\d{8}|[XYZ]-?\d{7})-[A-HJ-NP-TV-Z](?![^\W_])")
# Without which the patterns match nowhere; few texts hold them, and they take less time.
_SIX_DIGITS = re.compile(r"\d{6}")
_PAIRS = re.compile(r"\d\d \d\d")


def find_ids_with_signs(text: str) -> Iterator[Hit]:
    """Find ids of letters, digits and signs."""
    has_six = _SIX_DIGITS.search(text) is not None
    for match in _HETU.finditer(text) if has_six else ():
        if check_digits.fi_hetu(match[0]):
            yield Hit("national_id", *match.span(), match[0], "fi_hetu")
    has_pairs = _PAIRS.search(text) is not None
    for pattern, is_possible in ((_SPACED_NINO, has_pairs), (_DASHED_DNI, has_six)):
        for match in pattern.finditer(text) if is_possible else ():
            plain = match[0].replace(" ", "").replace("-", "")
            name = id_of_word(plain)
            if name:
                yield Hit("national_id", *match.span(), plain, name)
