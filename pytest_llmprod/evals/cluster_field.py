"""Cluster field: which field of a data set says what cases hang together with?"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pytest_llmprod.core.errors import DatasetError
from pytest_llmprod.evals.dataset import Case, Dataset, read_bytes, read_rows


def clustered_by(dataset: Dataset, field: str) -> Dataset:
    """Return the data set with the value of `field` as the cluster of each case.

    A field is a key of the rows, such as `customer`, or one inside of another: `input.customer`.
    A row without it, or with nothing in it, is a case of its own. Raises DatasetError where no row
    has it, and where a value is neither a text nor a whole number.
    """
    rows = read_rows(dataset.path, read_bytes(dataset.path))
    cases = [
        _clustered(dataset, line, case, _value(row, field))
        for case, (line, row) in zip(dataset.cases, rows, strict=True)
    ]
    if all(case.cluster is None for case in cases):
        raise DatasetError(
            f"{dataset.path}: no row has the field {field!r}, which cluster= of the marker names. "
            f"Correct the name, or leave cluster= out: the field `cluster` is used by itself."
        )
    return replace(dataset, cases=tuple(cases))


def _value(row: Any, field: str) -> Any:
    """Return what a row has under a field; the columns of CSV are unfolded already."""
    if isinstance(row, Mapping) and field in row:
        return row[field]
    name, _, rest = field.partition(".")
    if rest and isinstance(row, Mapping):
        return _value(row.get(name), rest)
    return None


def _clustered(dataset: Dataset, line: int, case: Case, value: Any) -> Case:
    if value is None or value == "":
        return replace(case, cluster=None)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise DatasetError(
            f"{dataset.path}, line {line}: {value!r} cannot name a cluster. Let cluster= of the "
            f"marker name a field that holds a text or a whole number."
        )
    return replace(case, cluster=str(value))
