"""Phrases: what changed between two texts, in one line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_llmprod.core.text import width
from pytest_llmprod.report.phrases import word_diff


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("I can help you", "I cannot help you", "I [-can-]{+cannot+} help you"),
        ("a b", "a b c", "a b {+c+}"),
        ("a b c", "a c", "a [-b-] c"),
        ("a  b\n", "a b", "(white space only)"),
        ("1 2 3 4 5 x", "1 2 3 4 5 y", "... 3 4 5 [-x-]{+y+}"),
        ("x 1 2 3 4 5 6 7 8 x", "y 1 2 3 4 5 6 7 8 y", "[-x-]{+y+} 1 2 3 ... 6 7 8 [-x-]{+y+}"),
        ("a " + "b" * 90, "a " + "c" * 90, f"a [-{'b' * 17}...-]{{+{'c' * 17}...+}}"),
        ("red \x1b[31m", "red \u202e", "red [-\\x1b[31m-]{+\\u202e+}"),
    ],
)
def test_the_words_that_changed_are_marked(old: str, new: str, expected: str) -> None:
    assert word_diff(old, new, 60) == expected


def test_a_change_behind_thousands_of_words_is_shown() -> None:
    start = "word " * 9000

    assert word_diff(f"{start}yes", f"{start}no", 60) == "... word word word [-yes-]{+no+}"


@given(st.text(), st.text(), st.integers(20, 80))
def test_one_printable_line_of_the_columns_that_are_there(old: str, new: str, columns: int) -> None:
    line = word_diff(old, new, columns)

    assert width(line) <= columns
    assert line.isprintable()
