"""Layout: what a reader sees in 80 columns."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_llmprod.core.text import width
from pytest_llmprod.report.layout import command_lines, short_name, wrapped


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


OLD, NEW = (f"cassettes/test_words/test_{name}.gpt-5-mini.json" for name in ("doubles", "twice"))
RECORD = ("pytest", "--llm-eval", "--llm-record=new_episodes")


@pytest.mark.parametrize(
    ("words", "lead", "lines"),
    [
        (RECORD, "record: ", ["record: pytest --llm-eval --llm-record=new_episodes"]),
        (("mv", OLD, NEW), "  ", [f"  mv {OLD} \\", f"    {NEW}"]),
        (
            (*RECORD, "-k", "one or two", "tests"),
            "record what is missing with: ",
            [
                "record what is missing with: pytest --llm-eval --llm-record=new_episodes \\",
                "    -k 'one or two' tests",
            ],
        ),
        (
            (*RECORD, "-k", "x" * 100),
            "record what is missing with: ",
            [
                "record what is missing with: pytest --llm-eval --llm-record=new_episodes \\",
                "    -k \\",
                "x" * 79 + "\\",
                "x" * 21,
            ],
        ),
    ],
)
def test_a_command_is_broken_between_its_words(
    words: tuple[str, ...], lead: str, lines: list[str]
) -> None:
    assert command_lines(words, lead) == lines


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=40), max_size=9),
    st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=300),
)
def test_a_broken_command_is_the_same_command(options: list[str], last: str) -> None:
    lines = command_lines(["pytest", *options, last])

    assert shlex.split("\n".join(lines).replace("\\\n", "")) == ["pytest", *options, last]


LONG = ["ticket-routing-for-region-0", "ticket-routing-for-region-1", "another-long-name-of-all"]


@pytest.mark.parametrize(
    ("columns", "shown"),
    [
        (40, LONG),
        (26, ["ticket-routi...or-region-0", "ticket-routi...or-region-1", LONG[2]]),
        (14, ["ticket...ion-0", "ticket...ion-1", "another-lon..."]),
        (4, ["t...", "t...", "a..."]),
    ],
)
def test_names_that_begin_alike_are_cut_in_the_middle(columns: int, shown: list[str]) -> None:
    assert [short_name(name, columns, LONG) for name in LONG] == shown


@given(st.text(max_size=60), st.text(max_size=60), st.integers(0, 40))
def test_a_short_name_is_no_wider_than_its_column(one: str, other: str, columns: int) -> None:
    names = [one + other, one + "x", one + "y"]

    assert max(width(short_name(name, columns, names)) for name in names) <= columns
