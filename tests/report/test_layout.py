"""Layout: what a reader sees in 80 columns."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_llmprod.core.text import width
from pytest_llmprod.report.layout import wrapped


@pytest.mark.parametrize(
    ("sentence", "lines"),
    [
        ("short", ["short"]),
        ("a " * 39 + "end", ["a " * 38 + "a", "  end"]),
        ("x" * 90, ["x" * 77 + "..."]),
        ("a " * 90 + "end", ["a " * 39 + "a", "  " + "a " * 37 + "a..."]),
    ],
)
def test_a_sentence_is_broken_at_spaces_and_the_rest_indented(
    sentence: str, lines: list[str]
) -> None:
    assert wrapped(sentence) == lines


@given(st.text(st.characters(exclude_characters="\n\r"), max_size=300), st.integers(1, 3))
def test_no_line_is_wider_than_80_columns(sentence: str, most: int) -> None:
    lines = wrapped(sentence, most)

    assert len(lines) <= most
    assert max(map(width, lines)) <= 80
