import unicodedata

import pytest
from hypothesis import given
from hypothesis.errors import InvalidArgument
from shrinking import SAME, seen, simplest

from pytest_llmprod.strategies.malformed import (
    MALFORMED_TEXT_KINDS,
    MalformedText,
    malformed_text,
)


@SAME
@given(malformed_text())
def test_a_text_is_its_parts(value: MalformedText) -> None:
    assert value.text == value.before + value.odd * value.times + value.after


@SAME
@given(malformed_text())
def test_its_repr_makes_it_again_and_is_short(value: MalformedText) -> None:
    assert eval(repr(value), {"MalformedText": MalformedText}) == value
    assert len(repr(value)) < 250


def test_every_kind_comes() -> None:
    kinds = {value.kind for value in seen(malformed_text())}

    assert kinds == set(MALFORMED_TEXT_KINDS)


ODDITY = {
    "empty": lambda text: text == "",
    "blank": lambda text: text.isspace(),
    "nul": lambda text: "\0" in text,
    "control": lambda text: any(unicodedata.category(c) == "Cc" for c in text),
    "lone surrogate": lambda text: any("\ud800" <= c <= "\udfff" for c in text),
    "ansi": lambda text: "\x1b" in text or "\x9b" in text,
    "bidi": lambda text: any(unicodedata.bidirectional(c) in BIDI for c in text),
    "tags": lambda text: any(0xE0000 <= ord(c) < 0xE0080 for c in text),
    "zero width": lambda text: any(unicodedata.category(c) in ("Cf", "Mn") for c in text),
    "noncharacter": lambda text: any(
        unicodedata.category(c) in ("Cn", "Co") or c == "\ufffd" for c in text
    ),
    "decomposed": lambda text: not unicodedata.is_normalized("NFC", text),
    "both forms": lambda text: (
        not unicodedata.is_normalized("NFC", text) and not unicodedata.is_normalized("NFD", text)
    ),
    "mixed digits": lambda text: any(c.isdecimal() and not c.isascii() for c in text),
    "mojibake": lambda text: not text.isascii(),
    "line ends": lambda text: len(text.splitlines()) > 1 or text.splitlines()[0] != text,
    "role token": lambda text: any(c in text for c in "<[#:"),
    "nested": lambda text: len(text) >= 90,
    "huge": lambda text: len(text) >= 9_000,
}
BIDI = {"RLO", "LRO", "LRE", "RLE", "LRI", "RLI", "FSI", "R"}


@pytest.mark.parametrize("kind", MALFORMED_TEXT_KINDS)
def test_a_text_is_odd_in_the_way_that_it_says(kind: str) -> None:
    values = seen(malformed_text(kind), 100)

    assert all(value.kind == kind and ODDITY[kind](value.text) for value in values)


def test_lone_surrogates_cannot_be_encoded() -> None:
    for value in seen(malformed_text("lone surrogate"), 50):
        with pytest.raises(UnicodeEncodeError):
            value.text.encode()


def test_the_longest_text_has_a_million_characters() -> None:
    lengths = {len(value.text) for value in seen(malformed_text(["huge", "nested"]), 200)}

    assert 990_000 < max(lengths) <= 1_000_100


def test_the_simplest_text_that_cannot_be_encoded_is_one_character() -> None:
    def cannot_be_encoded(value: MalformedText) -> bool:
        return value.text != value.text.encode(errors="replace").decode()

    assert simplest(malformed_text(), cannot_be_encoded).text == "\ud800"


def test_the_simplest_huge_text_can_be_read() -> None:
    found = simplest(malformed_text(), lambda value: len(value.text) > 50_000)

    assert repr(found) in (
        "MalformedText(kind='nested', odd='[', times=100000)",
        "MalformedText(kind='huge', odd='a', times=100000)",
    )


def test_an_unknown_kind_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InvalidArgument, match=r"kinds='hug' names 'hug'\. Known are empty, blank"):
        malformed_text("hug")
