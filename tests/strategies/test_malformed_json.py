import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shrinking import SAME, seen, simplest

from pytest_llmprod.strategies.malformed_json import (
    MALFORMED_JSON_KINDS,
    MalformedJson,
    malformed_json,
)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


def strict(text: str) -> Any:
    """Read JSON as RFC 8259 has it; Python's own reader takes more."""

    def refuse(name: str) -> None:
        raise ValueError(name)

    return json.loads(text, parse_constant=refuse)


@SAME
@given(malformed_json(VALUES))
def test_what_was_written_says_the_value(damaged: MalformedJson) -> None:
    assert strict(damaged.written) == damaged.value
    assert damaged.text != damaged.written


@SAME
@given(malformed_json(VALUES))
def test_a_strict_reader_takes_exactly_what_says_so(damaged: MalformedJson) -> None:
    try:
        strict(damaged.text)
        is_json = True
    except RecursionError:
        is_json = True  # JSON, but deeper than this reader goes
    except ValueError:
        is_json = False

    assert is_json == damaged.is_json


def test_every_kind_comes() -> None:
    assert {each.kind for each in seen(malformed_json())} == set(MALFORMED_JSON_KINDS)


@pytest.mark.parametrize("kind", MALFORMED_JSON_KINDS)
def test_only_the_kinds_that_are_asked_for_come(kind: str) -> None:
    assert {each.kind for each in seen(malformed_json(kinds=kind), 30)} == {kind}


def test_a_value_of_ones_own_is_damaged() -> None:
    damaged = seen(malformed_json({"label": "spam"}), 100)

    assert {each.written for each in damaged} == {'{"label": "spam"}'}
    assert "{'label': 'spam'}" in {each.text for each in damaged}


def test_a_kind_that_cannot_damage_the_value_is_left_out() -> None:
    kinds = {each.kind for each in seen(malformed_json(7), 300)}

    assert {"trailing comma", "single quotes", "cut", "duplicate key"}.isdisjoint(kinds)
    assert {"fence", "NaN", "nested"} <= kinds


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("cut", "{"),
        ("trailing comma", '{"a": 0,}'),
        ("single quotes", "{'a': 0}"),
        ("NaN", '{"a": NaN}'),
        ("duplicate key", '{"a": 0, "a": null}'),
        ("leading zero", '{"a": 00}'),
    ],
)
def test_the_simplest_of_a_kind_can_be_read(kind: str, text: str) -> None:
    assert simplest(malformed_json(), lambda each: each.kind == kind).text == text
