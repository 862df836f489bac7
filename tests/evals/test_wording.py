from typing import Any

import pytest
from dataset_files import JSON_VALUE, TEXT
from hypothesis import given
from hypothesis import strategies as st

from pytest_llmprod.evals.wording import all_words, contains, leaf_text, leaves, normal_form


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("Where's my  Parcel?!", "where s my parcel"),
        ("  ", ""),
        ("", ""),
        ("???", "???"),
        ("1+1", "1 + 1"),
        ("1/1", "1 / 1"),
        ("1-1", "1 - 1"),
        ("costs 1.50, or 1,500.", "costs 1.50 or 1,500"),
        ("\uff26\uff35\uff2c\uff2c width", "full width"),
        ("Straße", "strasse"),
        ("„Grüße“ \u2013 «ja»", "grüsse ja"),
        ("good 👍", "good 👍"),
        ("退款 please", "退 款 please"),
        ("a_b", "a _ b"),
        ("line\nbreak\u2028here", "line break here"),
    ],
)
def test_what_a_text_reads_like(text: str, form: str) -> None:
    assert normal_form(text) == form


@given(text=st.text(max_size=40))
def test_the_normal_form_of_a_normal_form_is_itself(text: str) -> None:
    once = normal_form(text)

    assert normal_form(once) == once or not once.strip()


@pytest.mark.parametrize(
    ("text", "part", "is_there"),
    [
        ("i want a refund", "refund", True),
        ("refunds are late", "refund", False),
        ("a refund please", "a refund", True),
        ("anything", "", False),
        ("", "", False),
        ("北 京 很 好", "北 京", True),
    ],
)
def test_whole_words_are_looked_for(text: str, part: str, is_there: bool) -> None:
    assert contains(text, part) is is_there


def test_every_leaf_is_found_with_its_path() -> None:
    value = {"a": "x", "b": [{"c": 1}, {"c": None}], "d": {}, "e": []}

    assert list(leaves(value)) == [(".a", "x"), (".b[].c", 1), (".b[].c", None)]
    assert list(leaves("x", "expected")) == [("expected", "x")]


@pytest.mark.parametrize(
    ("value", "text"),
    [("x", "x"), (1, "1"), (1.5, "1.5"), (True, "true"), (None, "null"), ("", "")],
)
def test_a_leaf_that_is_no_text_is_written_as_in_json(value: Any, text: str) -> None:
    assert leaf_text(value) == text


@given(value=JSON_VALUE, text=TEXT)
def test_the_words_of_a_value_hold_those_of_each_text_in_it(value: Any, text: str) -> None:
    words = all_words({"a": [value], "b": text})

    assert contains(words, normal_form(text)) or not normal_form(text)
