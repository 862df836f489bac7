"""Alignment: pairs of what was changed, and what came or went."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_llmprod.wire.misses.alignment import aligned, changes, common_ends

TEXTS = st.lists(st.sampled_from(["a b", "a c", "x", "y z", "long text of words"]), max_size=12)


@pytest.mark.parametrize(
    ("old", "new", "pairs"),
    [
        ([], [], []),
        (["a"], ["a"], []),
        (["a", "b", "c"], ["a", "x", "c"], [(1, 1)]),
        (["a", "c"], ["a", "b", "c"], [(None, 1)]),
        (["a", "b", "c"], ["a", "c"], [(1, None)]),
        (["a", "b"], ["x", "y"], [(0, 0), (1, 1)]),
        (["a", "b", "c"], ["b", "c", "d"], [(0, None), (None, 2)]),
    ],
)
def test_what_differs_is_paired(
    old: list[str], new: list[str], pairs: list[tuple[int | None, int | None]]
) -> None:
    assert list(aligned(old, new)) == pairs


def test_a_changed_item_finds_its_like_among_new_ones() -> None:
    old = ["keep", "where is my parcel", "keep"]
    new = ["keep", "the weather is fine", "where is my purse", "and more", "keep"]

    assert list(aligned(old, new)) == [(None, 1), (1, 2), (None, 3)]


def test_items_that_have_nothing_in_common_are_no_pair() -> None:
    assert list(aligned(["one two"], ["three four", "five six"])) == [
        (0, None),
        (None, 0),
        (None, 1),
    ]


def test_a_line_put_before_thousands_is_found() -> None:
    lines = [f"line {number}" for number in range(5_000)]

    assert list(aligned(lines, ["first", *lines[:-1], "last"])) == [(None, 0), (4_999, 5_000)]


def test_the_example_of_the_paper_takes_five_edits() -> None:
    found = changes("ABCABBA", "CBABAC")  # Myers 1986, figure 1

    assert sum(b - a + d - c for a, b, c, d in found) == 5


def test_where_all_differs_there_is_one_change() -> None:
    old, new = [f"old {n}" for n in range(400)], [f"new {n}" for n in range(500)]

    assert changes(["same", *old], ["same", *new]) == [(1, 401, 1, 501)]


@given(TEXTS, TEXTS)
def test_changes_turn_one_sequence_into_the_other(old: list[str], new: list[str]) -> None:
    built, at = [], 0
    for a, b, c, d in changes(old, new):
        assert b > a or d > c
        built += old[at:a] + new[c:d]
        at = b

    assert built + old[at:] == new


@given(TEXTS, TEXTS)
def test_no_fewer_edits_would_do(old: list[str], new: list[str]) -> None:
    longest = [[0] * (len(new) + 1) for _ in range(len(old) + 1)]
    for i, one in enumerate(old):
        for j, two in enumerate(new):
            longest[i + 1][j + 1] = (
                longest[i][j] + 1 if one == two else max(longest[i][j + 1], longest[i + 1][j])
            )
    fewest = len(old) + len(new) - 2 * longest[-1][-1]

    assert sum(b - a + d - c for a, b, c, d in changes(old, new)) == fewest


@given(TEXTS, TEXTS)
def test_positions_come_in_order_and_cover_all_that_differs(old: list[str], new: list[str]) -> None:
    pairs = list(aligned(old, new))

    left = [i for i, _ in pairs if i is not None]
    right = [j for _, j in pairs if j is not None]
    assert left == sorted(set(left))
    assert right == sorted(set(right))
    rest = [text for i, text in enumerate(old) if i not in left]
    assert rest == [text for j, text in enumerate(new) if j not in right]


@given(TEXTS, TEXTS)
def test_common_ends_do_not_overlap(old: list[str], new: list[str]) -> None:
    start, end = common_ends(old, new)

    assert old[:start] == new[:start]
    assert old[len(old) - end :] == new[len(new) - end :]
    assert start + end <= min(len(old), len(new))
