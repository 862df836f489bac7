import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_llmprod.core.text import (
    counted,
    escaped,
    natural,
    printable,
    shorten,
    squeezed,
    width,
)

ANY_TEXT = st.text(st.characters(), max_size=80)
INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("red\x1b[31m alert", "red\\x1b[31m alert"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("two\nlines\r\nand\ta tab", "two lines and a tab"),
        ("nul\x00 delete\x7f", "nul\\x00 delete\\x7f"),
        ("csi\x9b31m", "csi\\x9b31m"),
        ("user\u202egpj.exe", "user\\u202egpj.exe"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("line\u2028separator", "line separator"),
        ("half\ud800 a pair", "half\\ud800 a pair"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("Grüße, 北京 🎉", "Grüße, 北京 🎉"),
        ("  ends  and   middles  ", "ends and middles"),
        ("", ""),
    ],
)
def test_hostile_text_is_shown_and_not_obeyed(hostile: str, shown: str) -> None:
    assert printable(hostile) == shown


@given(ANY_TEXT)
def test_printable_text_can_be_encoded_and_moves_no_cursor(text: str) -> None:
    shown = printable(text)

    shown.encode("utf-8")
    assert not {unicodedata.category(char) for char in shown} & INVISIBLE
    assert len(shown.splitlines()) <= 1


@given(ANY_TEXT)
def test_making_printable_twice_is_making_printable_once(text: str) -> None:
    assert printable(printable(text)) == printable(text)


def test_an_escaped_text_keeps_its_spaces() -> None:
    assert escaped("  a \t b\n\x1b[1m ü  ") == "  a \\x09 b\\x0a\\x1b[1m ü  "


@given(ANY_TEXT)
def test_escaped_text_moves_no_cursor(text: str) -> None:
    shown = escaped(text)

    shown.encode("utf-8")
    assert not {unicodedata.category(char) for char in shown} & INVISIBLE
    assert escaped(shown) == shown


@pytest.mark.parametrize(
    ("text", "columns"),
    [("", 0), ("plain", 5), ("北京", 4), ("\uff21", 2), ("e\u0301", 1), ("ü", 1), ("\uff76", 1)],
)
def test_width_counts_terminal_columns(text: str, columns: int) -> None:
    assert width(text) == columns


@pytest.mark.parametrize(
    ("text", "columns", "cut"),
    [
        ("exactly10!", 10, "exactly10!"),
        ("eleven chars", 10, "eleven ..."),
        ("北京北京北京", 10, "北京北..."),
        ("北京北京北京", 12, "北京北京北京"),
        ("abcd", 3, "..."),
        ("abcd", 2, ".."),
        ("abcd", 0, ""),
    ],
)
def test_long_text_is_cut_to_columns_and_says_so(text: str, columns: int, cut: str) -> None:
    assert shorten(text, columns) == cut


@given(ANY_TEXT, st.integers(0, 100))
def test_shortened_text_fits_and_text_that_fits_stays(text: str, columns: int) -> None:
    short = shorten(text, columns)

    assert width(short) <= columns
    assert short == text or width(text) > columns


@pytest.mark.parametrize(
    ("number", "expected"), [(0, "0 files"), (1, "1 file"), (2, "2 files"), (5000, "5,000 files")]
)
def test_a_count_takes_its_noun_along(number: int, expected: str) -> None:
    assert counted(number, "file") == expected


@pytest.mark.parametrize(
    "ordered",
    [
        ["m-1", "m-2", "m-10"],
        ["1.9", "1.10", "2.0"],
        ["a", "a0", "a1", "a1b", "aa", "b"],
        ["7", "a", "a-7"],
        ["m-1", "m-01-b", "m-1-c"],
        ["m-01", "m-1"],
        ["", "9" * 5000, "1" * 5001],
        ["x-1", "x-²"],
    ],
)
def test_numbers_in_texts_sort_by_their_value(ordered: list[str]) -> None:
    turned = ordered[::-1]
    turned.sort(key=natural)

    assert turned == ordered


@given(st.data())
def test_texts_in_any_order_are_sorted_to_the_same(data: st.DataObject) -> None:
    texts = data.draw(st.lists(st.text("a-01 29", max_size=6), unique=True))
    turned = data.draw(st.permutations(texts))

    assert sorted(texts, key=natural) == sorted(turned, key=natural)


@given(st.text(st.characters(codec="ascii")))
def test_plain_text_is_squeezed_as_any_other_is(text: str) -> None:
    invisible = "\N{ZERO WIDTH SPACE}"

    assert squeezed(text) == squeezed(text + invisible)
    assert squeezed(text) == "".join(c for c in text.lower() if c.isalnum() or c == "@")
