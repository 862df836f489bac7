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
        "b": Output(value={"label": "refund"}, model=None, latency_s=None, usage=None),
        "7": Output(
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

    assert outputs["a"].to_json() == {}
    assert outputs["b"].to_json() == {
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
