from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from dataset_files import JSON_VALUE, ROWS, WRITERS, Rows, write_rows
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_llmprod.core.errors import DatasetError
from pytest_llmprod.evals.dataset import Case, Dataset, load
from pytest_llmprod.evals.digests import canonical, row_digest, row_digests, whole_digest

CASE = Case(id="a", input={"text": "x"}, expected="y", tags=("t",), cluster="c")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS)
def test_all_formats_give_the_same_digests(tmp_path: Path, rows: Rows) -> None:
    found = [row_digests(load(write_rows(tmp_path, rows, name))) for name in WRITERS]

    assert all(digests == found[0] for digests in found)
    assert list(found[0]) == [row["id"] for row in rows]


@given(one=JSON_VALUE, other=JSON_VALUE)
def test_two_values_have_one_text_only_where_they_are_equal(one: Any, other: Any) -> None:
    assert (canonical(one) == canonical(other)) == is_same(one, other)


def is_same(one: Any, other: Any) -> bool:
    """Equality in which neither `1 == True` nor line ends count."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(is_same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(is_same, one, other))
    if isinstance(one, str):
        return one.replace("\r\n", "\n") == str(other).replace("\r\n", "\n")
    return bool(one == other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 1.0),
        (1, True),
        (1, "1"),
        (None, "null"),
        ([], {}),
        ({"a": 1}, [["a", 1]]),
        ({"a": 1}, {1: "a"}),
        ({"1": 0}, {1: 0}),
        ({}, None),
        ("a b", "a  b"),
    ],
)
def test_values_that_look_alike_differ(one: Any, other: Any) -> None:
    assert canonical(one) != canonical(other)


def test_names_of_several_types_have_an_order() -> None:
    assert canonical({1: "a", "b": 2, None: 3}) == canonical({None: 3, "b": 2, 1: "a"})


def test_the_order_of_names_and_line_ends_do_not_count() -> None:
    assert canonical({"a": "1\r\n2", "b": 0}) == canonical({"b": 0, "a": "1\n2"})


@pytest.mark.parametrize(
    "other",
    [
        replace(CASE, id="b"),
        replace(CASE, input={"text": "x", "lang": None}),
        replace(CASE, expected="Y"),
        replace(CASE, tags=()),
        replace(CASE, cluster=None),
    ],
)
def test_every_part_of_a_case_is_in_its_digest(other: Case) -> None:
    assert row_digest(CASE) != row_digest(other)


def test_a_digest_stays_the_same_from_version_to_version() -> None:
    """Else every lock in the world would be out of date."""
    digest = row_digest(CASE)

    row = b'{"cluster":"c","expected":"y","id":"a","input":{"text":"x"},"tags":["t"]}'
    assert digest == sha256(row).hexdigest()
    assert whole_digest({"a": digest}) == sha256(b'{"a":"%s"}' % digest.encode()).hexdigest()


@given(rows=st.dictionaries(st.text(max_size=5), st.text("01", min_size=4, max_size=4)))
def test_the_order_of_rows_does_not_count(rows: dict[str, str]) -> None:
    assert whole_digest(rows) == whole_digest(dict(reversed(rows.items())))


def test_a_row_that_is_nested_too_deeply_is_told() -> None:
    value: list[Any] = []
    for _ in range(5000):
        value = [value]
    dataset = Dataset(
        path=Path("a.jsonl"), cases=(Case(id="x", input=value, expected=1),), sha256=""
    )

    with pytest.raises(DatasetError, match=r"a\.jsonl: the row 'x' is nested too deeply"):
        row_digests(dataset)
