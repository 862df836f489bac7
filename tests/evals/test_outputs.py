import json
from pathlib import Path

import pytest

from pytest_llmprod.core.errors import DatasetError
from pytest_llmprod.core.exchange import Usage
from pytest_llmprod.evals.outputs import Output, load


def write(tmp_path: Path, *rows: object) -> Path:
    path = tmp_path / "outputs.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_outputs_are_read_by_id_with_what_they_took(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        {"id": "b", "output": {"label": "refund"}},
        {
            "id": 7,
            "output": None,
            "model": "local-7b",
            "latency_s": 0.25,
            "usage": {"input_tokens": 9, "output_tokens": 3},
        },
    )

    outputs = load(path, ["7", "b"])

    assert outputs == {
        ("b", 1): Output(value={"label": "refund"}, model=None, latency_s=None, usage=None),
        ("7", 1): Output(
            value=None,
            model="local-7b",
            latency_s=0.25,
            usage=Usage(input_tokens=9, output_tokens=3),
        ),
    }


def test_only_what_is_known_goes_into_an_exchange_row(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        {"id": "a", "output": "x"},
        {"id": "b", "output": "x", "model": "m", "latency_s": 2, "usage": {"output_tokens": 3}},
    )

    outputs = load(path, ["a", "b"])

    assert outputs["a", 1].to_json() == {}
    assert outputs["b", 1].to_json() == {
        "model": "m",
        "latency_s": 2,
        "usage": {
            "input_tokens": 0,
            "output_tokens": 3,
            "cache_read_tokens": 0,
            "reasoning_tokens": 0,
        },
    }


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (["a", "x"], "is no object with the keys id and output"),
        ("text", "is no object with the keys id and output"),
        ({"id": "a"}, "is no object with the keys id and output"),
        ({"output": "x"}, "is no object with the keys id and output"),
        ({"id": "a", "output": "x"}, "a second output for 'a'. Keep one for each case"),
        ({"id": "zz", "output": "x"}, "the id 'zz' is in no row of the data set. Remove the line"),
        ({"id": "b", "output": 1, "latency_s": -1}, "latency_s must be a number of seconds"),
        ({"id": "b", "output": 1, "latency_s": "1"}, "latency_s must be a number of seconds"),
        ({"id": "b", "output": 1, "latency_s": float("nan")}, "latency_s must be a number"),
        ({"id": "b", "output": 1, "usage": [1, 2]}, "usage must be an object"),
        ({"id": "b", "output": 1, "usage": {"input_tokens": "many"}}, "usage must be an object"),
        ({"id": "b", "output": 1, "usage": {"input_tokens": None}}, "usage must be an object"),
        ({"id": "b", "output": 1, "usage": {"input_tokens": 1e999}}, "usage must be an object"),
        ({"id": "b", "output": 1, "usage": {"input_tokens": -5}}, "usage must be an object"),
        ({"id": "b", "output": 1, "model": 5}, "model must be a name, not 5"),
        ({"id": "b", "output": 1, "model": ["m"]}, "model must be a name"),
    ],
)
def test_a_bad_row_is_told_with_its_line_and_the_cure(
    tmp_path: Path, row: object, problem: str
) -> None:
    path = write(tmp_path, {"id": "a", "output": "x"}, row)

    with pytest.raises(DatasetError) as caught:
        load(path, ["a", "b"])

    assert str(caught.value).startswith(f"{path}, line 2: ")
    assert problem in str(caught.value)


def test_cases_without_output_are_counted_and_the_first_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, {"id": "b", "output": "x"})

    with pytest.raises(DatasetError, match=r"no output for 2 of 3 cases, the first is 'a'. Add"):
        load(path, ["c", "b", "a"])


def test_a_missing_file_is_told_by_name(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"nowhere.jsonl: there is no such file"):
        load(tmp_path / "nowhere.jsonl", ["a"])


def test_each_repeat_of_a_case_has_an_output_of_its_own(tmp_path: Path) -> None:
    rows = [{"id": "a", "repeat": 2, "output": "y"}, {"id": "a", "output": "x"}]

    outputs = load(write(tmp_path, *rows), ["a"], repeats=2)

    assert {asked: each.value for asked, each in outputs.items()} == {("a", 1): "x", ("a", 2): "y"}


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"id": "a", "output": 1}, 'Number the outputs of a case with "repeat": 1 to 3'),
        ({"id": "a", "repeat": 1, "output": 1}, "a second output for repeat 1 of 'a'"),
        ({"id": "a", "repeat": 4, "output": 1}, "the marker says repeats=3. Write repeats=4"),
        ({"id": "a", "repeat": 0, "output": 1}, "repeat must be a whole number from 1 up, not 0"),
        ({"id": "a", "repeat": "2", "output": 1}, "must be a whole number from 1 up, not '2'"),
        ({"id": "a", "repeat": True, "output": 1}, "a whole number from 1 up, not True"),
    ],
)
def test_a_wrong_repeat_is_told_with_its_line_and_the_cure(
    tmp_path: Path, row: object, problem: str
) -> None:
    path = write(tmp_path, {"id": "a", "output": "x"}, row)

    with pytest.raises(DatasetError) as caught:
        load(path, ["a"], repeats=3)

    assert str(caught.value).startswith(f"{path}, line 2: ")
    assert problem in str(caught.value)


def test_one_output_is_not_counted_several_times(tmp_path: Path) -> None:
    path = write(tmp_path, {"id": "b", "output": "x"}, {"id": "a", "output": "x"})

    with pytest.raises(DatasetError) as caught:
        load(path, ["a", "b"], repeats=3)

    assert str(caught.value) == (
        f"{path}: has no output for 4 of 6 askings (repeats=3), the first is repeat 2 of 'a'. Add "
        f"a line with id, repeat and output for each: one answer counted 3 times would show no "
        f"variance."
    )
