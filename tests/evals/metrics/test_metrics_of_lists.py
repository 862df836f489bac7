from collections.abc import Sequence
from itertools import combinations
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_llmprod.evals.metrics import list_f1, set_f1
from pytest_llmprod.evals.metrics.lists import common_in_order, places_of


@pytest.mark.parametrize(
    ("output", "expected", "score"),
    [
        (["a", "b"], ["b", "a"], 1.0),
        (["a", "b", "c"], ["a", "d"], 2 / 5),
        (["A ", "a"], ["a"], 1.0),
        ("a, B\nc", ["a", "b", "c"], 1.0),
        ('["a", "b"]', "a,b", 1.0),
        ("[a, b]", ["[a", "b]"], 1.0),
        ("a", "a", 1.0),
        ([], [], 1.0),
        ("", [], 1.0),
        ([], ["a"], 0.0),
        (["a"], [], 0.0),
        ([1, 2.0], [1.0, 2], 1.0),
        ([True], [1], 0.0),
        ([{"x": 1, "y": 2}], [{"y": 2.0, "x": 1}], 1.0),
        ({"b", "a"}, ["a", "b"], 1.0),
        (("a", "b"), ["a", "b"], 1.0),
        (7, [7], 1.0),
        (None, ["a"], 0.0),
        (None, [], 0.0),
    ],
)
def test_set_f1_counts_items_that_both_have(output: object, expected: object, score: float) -> None:
    assert set_f1(output, expected) == pytest.approx(score)


def test_set_f1_names_what_is_lacking_and_what_is_too_much() -> None:
    assert set_f1(["c", "a"], ["a", "d", "b"]).why == "no 'b', 'd'; not expected: 'c'"


@pytest.mark.parametrize(
    ("output", "expected", "score"),
    [
        (["a", "b", "c"], ["a", "b", "c"], 1.0),
        (["c", "b", "a"], ["a", "b", "c"], 2 / 6),
        (["a", "x", "b"], ["a", "b"], 4 / 5),
        (["a", "a"], ["a"], 2 / 3),
        ("a\nb", ["a", "b"], 1.0),
        ([], [], 1.0),
        ([], ["a"], 0.0),
        (None, ["a"], 0.0),
        # ROUGE-L of Lin 2004, section 3.1: police killed the gunman / police kill the gunman
        ("police,kill,the,gunman", "police,killed,the,gunman", 3 / 4),
        ("the,gunman,kill,police", "police,killed,the,gunman", 2 / 4),
    ],
)
def test_list_f1_counts_the_longest_run_in_order(
    output: object, expected: object, score: float
) -> None:
    assert list_f1(output, expected) == pytest.approx(score)


def test_list_f1_says_when_only_the_order_is_wrong() -> None:
    assert list_f1(["b", "a"], ["a", "b"]).why == "in another order or number: ['b', 'a']"


def is_subsequence(part: Sequence[str], whole: Sequence[str]) -> bool:
    rest = iter(whole)
    return all(item in rest for item in part)


@given(st.lists(st.sampled_from("abc"), max_size=7), st.lists(st.sampled_from("abc"), max_size=7))
def test_the_longest_common_subsequence_is_that_of_trying_all(
    found: list[str], wanted: list[str]
) -> None:
    places = places_of(wanted)

    length = common_in_order((places.get(item, 0) for item in found), len(wanted))

    assert length == max(
        size
        for size in range(len(found) + 1)
        if any(is_subsequence(part, wanted) for part in combinations(found, size)) or size == 0
    )


def test_a_model_that_repeats_itself_takes_no_long_time() -> None:
    before_s = process_time()

    score = list_f1(["step"] * 200_000, [f"step {number}" for number in range(50)])

    assert score == 0
    assert process_time() - before_s < 5
