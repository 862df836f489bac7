"""Text diff: changed words in a few narrow lines, wherever they stand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_llmprod.core.text import width
from pytest_llmprod.wire.misses.text_diff import changed_lines, first_changed_line

FILL = "lorem ipsum dolor sit amet " * 400
ANY_TEXT = st.text(st.characters(), max_size=200)


def diff(old: str, new: str, columns: int = 66) -> list[str]:
    return list(changed_lines(old, new, columns=columns))


def test_unchanged_lines_are_left_out() -> None:
    assert diff("one\ntwo\nthree", "one\n2\nthree") == ["- two", "+ 2"]


def test_lines_that_came_or_went_stand_alone() -> None:
    assert diff("one\ntwo", "one\ntwo\nthree") == ["+ three"]
    assert diff("one\ntwo\nthree", "one\nthree") == ["- two"]


def test_a_line_that_fits_is_shown_whole() -> None:
    assert diff("Where is my parcel?", "Where is my purse?") == [
        "- Where is my parcel?",
        "+ Where is my purse?",
    ]


def test_both_sides_are_cut_at_one_place() -> None:
    old, new = diff("I need to solve an equation. Can you help me?", "x" * 9 + FILL, 40)
    same = diff("one two three four five six seven", "one two three four five six 7 " + FILL, 40)

    assert (old[:3], new[:11]) == ("- I", "+ xxxxxxxxx")
    assert same == ["- ...three four five six seven", "+ ...three four five six 7 lorem ipsu..."]


@pytest.mark.parametrize("before", [0, 1, 30, 100, 9_000, 10_000])
def test_a_changed_word_is_seen_wherever_it_stands(before: int) -> None:
    start = (FILL * 2)[:before].rstrip() + " "

    old, new = diff(f"{start}apples {FILL}", f"{start}pears {FILL}")

    assert "apples" in old
    assert "pears" in new
    assert old.startswith("- ...") == (before > 1)
    assert old.endswith("...")
    assert max(len(old), len(new)) <= 66


def test_a_word_that_was_put_in_is_seen_beside_what_stood_there() -> None:
    assert diff(f"{FILL}the end", f"{FILL}the bitter end") == [
        "- ...dolor sit amet the end",
        "+ ...dolor sit amet the bitter end",
    ]


def test_each_neighbourhood_of_a_long_line_is_shown_once() -> None:
    old = f"{FILL}one two three {FILL}four"
    new = f"{FILL}1 two 3 {FILL}4"

    lines = diff(old, new)

    assert len(lines) == 4
    assert "one two three" in lines[0]
    assert "1 two 3" in lines[1]
    assert lines[2].endswith(" four")
    assert lines[3].endswith(" 4")


def test_a_change_in_the_middle_of_a_very_long_word_is_seen() -> None:
    payload = "QUJD" * 1_000

    old, new = diff(f"{payload}xyz{payload}", f"{payload}XYZ{payload}")

    assert "xyz" in old
    assert "XYZ" in new


def test_a_change_in_a_text_without_spaces_is_seen() -> None:
    sentence = "今天天气很好我们去公园散步" * 100

    old, new = diff(f"{sentence}苹果{sentence}", f"{sentence}梨子{sentence}")

    assert "苹果" in old
    assert "梨子" in new
    assert max(width(old), width(new)) <= 66


def test_another_text_altogether_is_shown_from_its_start() -> None:
    old, new = diff("abc " * 10_000, "xyz " * 10_000)

    assert old.startswith("- abc abc")
    assert new.startswith("+ xyz xyz")


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        ("a b", "a  b", ["- 'a b'", "+ 'a  b'"]),
        ("a ", "a", ["- 'a '", "+ 'a'"]),
        ("a\n", "a", ["- ''"]),
        ("a\r\nb", "a\nb", ["- 'a\\r'", "+ 'a'"]),
        ("a\tb", "a b", ["- 'a\\tb'", "+ 'a b'"]),
        ("a\xa0b", "a b", ["- 'a\\xa0b'", "+ 'a b'"]),
        ("caf\xe9", "cafe\u0301", ["- 'caf\\xe9'", "+ 'cafe\\u0301'"]),
    ],
)
def test_what_looks_alike_is_spelled_out(old: str, new: str, lines: list[str]) -> None:
    assert diff(old, new) == lines


def test_an_empty_line_is_named() -> None:
    assert diff("a\nb", "a\n\nb") == ["+ ''"]
    assert diff("", "text") == ["- (an empty line)", "+ text"]
    assert diff("a\nb\nc", "a\nb\n\nC") == ["- c", "+ C", "+ (an empty line)"] or diff(
        "a\nb\nc", "a\nb\n\nC"
    ) == ["- c", "+ (an empty line)", "+ C"]


def test_control_sequences_are_shown_and_not_obeyed() -> None:
    assert diff("\x1b[31mred", "\x1b[32m\u202egreen") == [
        "- \\x1b[31mred",
        "+ \\x1b[32m\\u202egreen",
    ]


@pytest.mark.parametrize(
    ("old", "new", "number"), [("a", "b", 1), ("a\nb", "a\nc", 2), ("a\nb", "a\nb\nc", 3)]
)
def test_the_first_changed_line_is_counted_from_one(old: str, new: str, number: int) -> None:
    assert first_changed_line(old, new) == number


@given(ANY_TEXT, ANY_TEXT, st.integers(20, 80))
def test_a_diff_is_narrow_printable_and_there(old: str, new: str, columns: int) -> None:
    lines = diff(old, new, columns)

    assert bool(lines) == (old != new)
    assert all(width(line) <= columns for line in lines)
    assert all(line[:2] in ("- ", "+ ") for line in lines)
    assert all(line.isprintable() or line.encode() for line in lines)


@given(st.lists(st.sampled_from(["one", "two", "three"]), min_size=60, max_size=400), st.data())
def test_a_word_changed_at_random_is_always_seen(words: list[str], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(words) - 1))
    changed = [*words[:at], "CHANGED", *words[at + 1 :]]

    old, new = diff(" ".join(words), " ".join(changed))

    assert "CHANGED" in new
    assert "CHANGED" not in old
    assert words[at] in old
