"""Labels by people, as they stand in a file."""

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_llmprod.core.errors import DatasetError, JudgeError
from pytest_llmprod.evals.judging.labels import load


def written(tmp_path: Path, *rows: dict[str, Any]) -> Path:
    path = tmp_path / "labels.jsonl"
    path.write_text("".join(json.dumps({"input": "q", **row}) + "\n" for row in rows))
    return path


@pytest.mark.parametrize(
    ("label", "verdict"),
    [("yes", "yes"), (True, "yes"), (1, "yes"), (" Yes ", "yes"), ("false", "no"), (0, "no")],
)
def test_a_label_says_yes_or_no(tmp_path: Path, label: Any, verdict: str) -> None:
    path = written(tmp_path, {"id": 1, "output": "a", "label": label})

    (row,) = load(path, pairwise=False).rows

    assert (row.case.id, row.output, row.verdict) == ("1", "a", verdict)


def test_a_pairwise_label_names_the_better_answer(tmp_path: Path) -> None:
    labels = ("output", "expected", "tie")
    path = written(
        tmp_path, *({"id": each, "output": "a", "expected": "b", "label": each} for each in labels)
    )

    rows = load(path, pairwise=True).rows

    assert [row.verdict for row in rows] == ["win", "loss", "tie"]


def test_labels_may_stand_in_a_table(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("id,input,output,label\na,q,an output,no\n")

    (row,) = load(path, pairwise=False).rows

    assert (row.output, row.verdict) == ("an output", "no")


@pytest.mark.parametrize(
    ("row", "pairwise", "what"),
    [
        ({"output": "a", "label": "good"}, False, "label must be yes or no, not 'good'"),
        ({"output": "a"}, False, "label must be yes or no, not None"),
        ({"output": "a", "label": "yes"}, True, "label must be output, expected or tie, not 'yes'"),
        ({"label": "yes"}, False, "has no output"),
    ],
)
def test_a_row_that_says_nothing_names_its_line(
    tmp_path: Path, row: dict[str, Any], pairwise: bool, what: str
) -> None:
    with pytest.raises(JudgeError, match=f"labels.jsonl, line 1: {what}"):
        load(written(tmp_path, {"id": "a", **row}), pairwise=pairwise)


def test_no_row_and_no_id_of_its_own_are_refused(tmp_path: Path) -> None:
    row = {"id": "a", "output": "a", "label": "yes"}

    with pytest.raises(JudgeError, match=r"line 2: the id 'a' was used before"):
        load(written(tmp_path, row, row), pairwise=False)
    with pytest.raises(JudgeError, match="has no rows"):
        load(written(tmp_path), pairwise=False)
    with pytest.raises(DatasetError, match="no such file"):
        load(tmp_path / "other.jsonl", pairwise=False)
