"""Rows of data sets, written in each format."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st

Rows = list[dict[str, Any]]


def to_jsonl(rows: Rows, *, ascii_only: bool = False) -> str:
    return "".join(json.dumps(row, ensure_ascii=ascii_only) + "\n" for row in rows)


def to_json(rows: Rows) -> str:
    return json.dumps(rows, ensure_ascii=False, indent=2)


def to_yaml(rows: Rows) -> str:
    # Not allow_unicode: PyYAML then writes U+0085 as a line end that it reads as another one.
    text: str = yaml.safe_dump(rows, sort_keys=False)
    return text


def to_csv(rows: Rows) -> str:
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(["id", "input.text", "input.lang", "expected", "tags", "cluster"])
    for row in rows:
        writer.writerow(
            [
                row["id"],
                row["input"]["text"],
                row["input"]["lang"],
                row["expected"],
                ",".join(row.get("tags", [])),
                row.get("cluster", ""),
            ]
        )
    return file.getvalue()


WRITERS: dict[str, Callable[[Rows], str]] = {
    "cases.jsonl": to_jsonl,
    "cases.json": to_json,
    "cases.yaml": to_yaml,
    "cases.yml": to_yaml,
    "cases.csv": to_csv,
}

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
NAME = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
TAG = st.text("abc-_ü北", min_size=1, max_size=6)
ROW = st.fixed_dictionaries(
    {
        "id": NAME,
        "input": st.fixed_dictionaries({"text": TEXT, "lang": TEXT}),
        "expected": TEXT,
    },
    optional={"tags": st.lists(TAG, max_size=3), "cluster": NAME},
)
ROWS = st.lists(ROW, min_size=1, max_size=5, unique_by=lambda row: row["id"])

JSON_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


def write_rows(folder: Path, rows: Rows, name: str = "cases.jsonl") -> Path:
    path = folder / name
    path.write_bytes(WRITERS[name](rows).encode())
    return path
