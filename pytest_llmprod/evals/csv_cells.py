"""CSV cells: a row as the columns of a CSV file have it, where each cell is a text."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_llmprod.core.errors import DatasetError
from pytest_llmprod.core.text import printable, shorten
from pytest_llmprod.evals.dataset import unfold

Row = Mapping[str, Any]


def line(path: Path, content: bytes, row: Row, *, end: bytes) -> bytes:
    """Return the line that holds `row` in the CSV file at `path`, with its `end`.

    Raises DatasetError where the columns and the row do not fit.
    """
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=end.decode()).writerow(_cells(path, content, row).values())
    try:
        return text.getvalue().encode()
    except UnicodeEncodeError as error:
        raise DatasetError(
            f"{path}: half a surrogate pair cannot stand in a CSV file. Take it out of the row."
        ) from error


def as_read(path: Path, content: bytes, row: Row) -> dict[str, Any]:
    """Return `row` as it is read again: with texts in place of numbers."""
    return unfold(_cells(path, content, row))


def left_out(path: Path, content: bytes, row: Row) -> list[str]:
    """Return the names of what a row has and the file has no column for."""
    names = {column.strip().partition(".")[0] for column in _columns(path, content)}
    return [name for name in row if name not in names]


def _cells(path: Path, content: bytes, row: Row) -> dict[str, str]:
    columns = _columns(path, content)
    _refuse_lack(path, [column.strip() for column in columns], row)
    cells: dict[str, str] = {}
    for column in columns:
        name, _, inner = column.strip().partition(".")
        value = row.get(name)
        if inner and value is not None:
            if not isinstance(value, dict) or inner not in value:
                raise DatasetError(
                    f"{path}: the row has no value for the column {column.strip()}. Give {name} as "
                    f"an object with {inner!r} in it."
                )
            value = value[inner]
        cells[column] = _cell(path, column.strip(), value)
    return cells


def _refuse_lack(path: Path, columns: Sequence[str], row: Row) -> None:
    """Raise DatasetError where a part of a case has no column."""
    for name in ("input", "expected"):
        value = row.get(name)
        parts = [f"{name}.{inner}" for inner in value] if isinstance(value, dict) else [name]
        lacking = [part for part in parts if value is not None and part not in columns]
        if lacking:
            raise DatasetError(
                f"{path}: has no column {lacking[0]}, only {', '.join(columns)}. Give {name} as "
                f"the columns have it, or add the column."
            )
    for name in ("tags", "cluster"):
        if row.get(name) and name not in columns:
            raise DatasetError(f"{path}: has no column {name}. Add it, or leave {name} out.")


def _columns(path: Path, content: bytes) -> list[str]:
    text = content.decode("utf-8-sig")
    columns = next(csv.reader(io.StringIO(text, newline="")), None)
    if not columns:
        raise DatasetError(
            f"{path}: has no columns yet. Write the first line, such as id,input,expected or "
            f"id,input.text,expected.label."
        )
    return columns


def _cell(path: Path, column: str, value: Any) -> str:
    if column == "tags" and isinstance(value, list):
        for tag in value:
            if "," in tag or not tag.strip() == tag != "":
                raise DatasetError(
                    f"{path}: commas part the tags in a cell, so {tag!r} cannot be one. Give "
                    f"another tag."
                )
        return ",".join(value)
    if value is None or isinstance(value, str):
        return value or ""
    text = json.dumps(value)
    if isinstance(value, dict | list):
        raise DatasetError(
            f"{path}: a cell holds a text, and {column} is {shorten(printable(text), 60)}. Give a "
            f"text, or keep such rows in a data set in JSONL."
        )
    return text
