import json
from pathlib import Path
from typing import Any

import pytest

from pytest_llmprod.core.errors import DatasetError
from pytest_llmprod.evals.constant import Constant, find_constant, read_outputs
from pytest_llmprod.evals.dataset import Case


def cases(*expected: Any) -> list[Case]:
    return [Case(id=str(n), input=n, expected=each) for n, each in enumerate(expected)]


def outputs(*values: Any) -> dict[str, Any]:
    return {str(n): each for n, each in enumerate(values)}


def test_one_output_for_everything_is_constant() -> None:
    found = find_constant("s", outputs("x", "x", "x"), cases("x", "y", "y"))

    assert found == Constant(
        suite="s", output="x", same=3, outputs=3, expected=pytest.approx(2 / 3)
    )
    assert found.is_everything


def test_equal_objects_are_one_output() -> None:
    found = find_constant("", outputs({"a": 1, "b": 2}, {"b": 2, "a": 1}), cases("x", "y"))

    assert found is not None
    assert found.output == {"a": 1, "b": 2}


@pytest.mark.parametrize("given", [outputs("x", "y"), outputs("x"), {}, {"other": "x"}])
def test_different_or_single_outputs_are_not_constant(given: dict[str, Any]) -> None:
    assert find_constant("", given, cases("x", "y")) is None


def test_where_all_cases_expect_the_same_a_constant_output_is_right() -> None:
    assert find_constant("", outputs("x", "x"), cases("x", "x")) is None
    assert find_constant("", outputs("x", "x"), cases(None, None)) is not None


def test_nearly_one_output_is_told_where_the_cases_expect_many() -> None:
    nearly = outputs(*["x"] * 19, "y")

    found = find_constant("", nearly, cases(*"xy" * 10))

    assert found is not None
    assert (found.same, found.outputs, found.expected) == (19, 20, 0.5)
    assert not found.is_everything
    assert find_constant("", nearly, cases(*["x"] * 18, "y", "y")) is None
    assert find_constant("", outputs(*["x"] * 8, "y"), cases(*"xyxyxyxyx")) is None


def test_a_file_of_outputs_is_one_suite_for_each_model(tmp_path: Path) -> None:
    path = tmp_path / "o.jsonl"
    rows = [
        {"id": 1, "output": "x"},
        {"id": "1", "output": "y", "model": "m", "repeat": 1},
        {"id": "1", "output": "z", "model": "m", "repeat": 2},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))

    assert read_outputs(path) == {"": {"1": "x"}, "m": {"1": "z"}}


def test_the_results_of_a_run_are_read_by_suite(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    rows = [
        {"suite": "a", "id": "1", "output": "x"},
        {"suite": "b", "id": "1", "output": {"y": 1}},
        {"suite": "b", "id": "2", "output": None},
    ]
    path.write_text(json.dumps({"schema": 1, "cases": rows}))

    assert read_outputs(path) == {"a": {"1": "x"}, "b": {"1": {"y": 1}}}


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("o.jsonl", '{"id": 1}\n', "a row is no object with the keys id and output"),
        ("o.jsonl", "[1]\n", "a row is no object with the keys id and output"),
        ("o.json", '{"suites": []}', "holds no list"),
        ("o.json", "{", "is not valid JSON"),
        ("o.txt", "", "the ending '.txt' is not known"),
    ],
)
def test_what_holds_no_outputs_is_told(tmp_path: Path, name: str, content: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(content)

    with pytest.raises(DatasetError) as caught:
        read_outputs(path)

    assert text in str(caught.value)
