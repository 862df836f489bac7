"""Changes: what a program would notice is told from mere words."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_llmprod.wire.comparing.changes import compare_bodies, compare_documents, compare_texts

TEXTS = st.sampled_from(["", "refund", "not so", "a b c", "\ud800", "$lines", "__x", "返品"])
SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.floats(allow_nan=False) | TEXTS
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


def told(changes: Any) -> list[tuple[str, str, str, str]]:
    return [(each.aspect, each.place, each.old, each.new) for each in changes]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"label": "refund"}, {"label": "other"}, [("value", ".label", '"refund"', '"other"')]),
        ({"n": 1}, {"n": 2.5}, [("value", ".n", "1", "2.5")]),
        ({"ok": True}, {"ok": False}, [("value", ".ok", "true", "false")]),
        ({"ok": True}, {"ok": 1}, [("structure", ".ok", "true", "1")]),
        ([False, 0], [False, False], [("structure", "[1]", "0", "false")]),
        ({"n": 1}, {"n": "1"}, [("structure", ".n", "1", '"1"')]),
        ({"n": 1}, {"n": None}, [("structure", ".n", "1", "null")]),
        (
            {"a": 1},
            {"b": 1},
            [("structure", ".a", "1", "absent"), ("structure", ".b", "absent", "1")],
        ),
        ({"__a": 1}, {"__a": 2}, [("value", ".__a", "1", "2")]),
        (["a", "b"], ["a"], [("value", "[1]", '"b"', "absent")]),
        (
            [{"a": 1}],
            [{"b": 1}],
            [("structure", "[0].a", "1", "absent"), ("structure", "[0].b", "absent", "1")],
        ),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 3]}}, [("value", ".a.b[1]", "2", "3")]),
        ([], {}, [("structure", "", "[]", "{}")]),
        ({"why": "it is late"}, {"why": ""}, [("value", ".why", '"it is late"', '""')]),
        (
            {"z": 1, "a": {"k": "x"}},
            {"z": "1", "a": {"k": "y"}},
            [("structure", ".z", "1", '"1"'), ("value", ".a.k", '"x"', '"y"')],
        ),
    ],
)
def test_structure_and_values_of_documents_are_behaviour(
    old: Any, new: Any, expected: list[tuple[str, str, str, str]]
) -> None:
    changes = list(compare_documents(old, new))

    assert told(changes) == expected
    assert all(change.is_behaviour for change in changes)


def test_prose_in_a_document_is_text() -> None:
    (change,) = compare_documents({"why": "it is late"}, {"why": "the parcel is late"})

    assert (change.aspect, change.place, change.is_behaviour) == ("text", ".why", False)
    assert (change.old, change.new) == ("it is late", "the parcel is late")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({"a": 1}, {"a": 1.0}),
        ([float("nan")], [float("nan")]),
        ({"a": 10**400}, {"a": 10**400}),
    ],
)
def test_equal_documents_do_not_differ(old: Any, new: Any) -> None:
    assert list(compare_documents(old, new)) == []


@given(DOCUMENTS)
def test_a_document_does_not_differ_from_itself(document: Any) -> None:
    again = json.loads(json.dumps(document))

    assert list(compare_documents(document, again)) == []
    assert list(compare_bodies(document, again)) == []


@given(DOCUMENTS, DOCUMENTS)
@example([[False, 0, 3], 3], [[False, False, 3], 3])
def test_what_differs_one_way_differs_the_other_way(old: Any, new: Any) -> None:
    there, back = list(compare_documents(old, new)), list(compare_documents(new, old))

    assert bool(there) == bool(back)
    assert bool(there) == (_canonical(old) != _canonical(new))


def _canonical(value: Any) -> Any:
    """A form that is equal where JSON values are: Python takes True for 1."""
    if isinstance(value, bool) or value is None:
        return repr(value)
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, list):
        return [_canonical(each) for each in value]
    if isinstance(value, dict):
        return {name: _canonical(each) for name, each in value.items()}
    return f"text {value}"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('{"a": 1}', "Sure, it is 1", [("form", "", "JSON", "text")]),
        ('{"a": 1}', '```json\n{"a": 1}\n```', [("form", "", "JSON", "JSON in a code fence")]),
        (
            '{"a": 1}',
            '```\n{"a": 2}\n```',
            [("form", "", "JSON", "JSON in a code fence"), ("value", ".a", "1", "2")],
        ),
        ('{"a": 1}', '{"a": 1', [("form", "", "JSON", "text")]),
        ('{"a": 1}', '{"a":NaN}', [("form", "", "JSON", "one word")]),
        ('{"a": 1}', "", [("form", "", "JSON", "nothing")]),
        ("I can help you", "", [("form", "", "text", "nothing")]),
        ("refund", "It is a refund", [("form", "", "one word", "text")]),
        ("refund", "shipping", [("value", "", '"refund"', '"shipping"')]),
        ("42", "43", [("value", "", '"42"', '"43"')]),
        ("[" * 99_999, "two words", [("form", "", "one word", "text")]),
    ],
)
def test_the_form_of_a_text_and_a_single_word_are_behaviour(
    old: str, new: str, expected: list[tuple[str, str, str, str]]
) -> None:
    changes = list(compare_texts(old, new))

    assert told(changes) == expected
    assert all(change.is_behaviour for change in changes)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("I can help you", "I can not help you"),
        ("I can help you", "I can  help you\n"),
        ("ご注文の返品を承りましたのでご安心ください", "返品はできませんのでご了承くださいませ"),
    ],
)
def test_other_words_are_text(old: str, new: str) -> None:
    (change,) = compare_texts(old, new)

    assert (change.aspect, change.is_behaviour) == ("text", False)
    assert (change.old, change.new) == (old, new)


def test_the_layout_of_json_does_not_count() -> None:
    assert list(compare_texts('{"a": 1, "b": [2]}', ' {"b":[2],\n"a":1}\n')) == []


def test_a_label_in_a_language_without_spaces_is_a_word() -> None:
    (change,) = compare_texts("返品", "配送")

    assert (change.aspect, change.is_behaviour) == ("value", True)


def test_of_an_unread_body_the_structure_is_behaviour_and_the_rest_text() -> None:
    (ids,) = compare_bodies({"id": "a", "n": [1, 2]}, {"id": "b", "n": [3, 4]})
    (longer,) = compare_bodies({"id": "a", "n": [1, 2]}, {"id": "b", "n": [1, 2, 3]})

    assert (ids.aspect, ids.is_behaviour) == ("text", False)
    assert (longer.aspect, longer.place, longer.old, longer.new) == (
        "structure",
        ".n",
        "2 numbers",
        "3 numbers",
    )
    assert longer.is_behaviour


def test_of_an_unread_text_the_words_are_text() -> None:
    (change,) = compare_bodies("<html>a", "<html>b")

    assert (change.aspect, change.old, change.is_behaviour) == ("text", "<html>a", False)
