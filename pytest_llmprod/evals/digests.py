"""Digests: by what a row is known again, whatever the format of its file and the order of its keys.

Columns that a case does not have, a comment for instance, count for nothing.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from pytest_llmprod.core.errors import DatasetError
from pytest_llmprod.evals.dataset import Case, Dataset


def canonical(value: Any) -> str:
    """Return a JSON value as one text: equal texts for equal values, and for no others.

    `1`, `1.0`, `true` and `"1"` differ. Line ends in a text count as LF, as a checkout on Windows
    may change those in a CSV file. Names that are no text, which YAML allows, stay what they are.
    """
    if isinstance(value, dict):
        members = sorted((canonical(name), canonical(item)) for name, item in value.items())
        return "{" + ",".join(f"{name}:{item}" for name, item in members) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(canonical, value)) + "]"
    return json.dumps(value.replace("\r\n", "\n") if isinstance(value, str) else value)


def row_digest(case: Case) -> str:
    """Return the SHA-256 of a case, its id included."""
    return _sha256(
        {
            "id": case.id,
            "input": case.input,
            "expected": case.expected,
            "tags": case.tags,
            "cluster": case.cluster,
        }
    )


def row_digests(dataset: Dataset) -> dict[str, str]:
    """Return id -> digest of all rows; raise DatasetError where one is nested too deeply."""
    digests: dict[str, str] = {}
    for case in dataset.cases:
        try:
            digests[case.id] = row_digest(case)
        except RecursionError:
            raise DatasetError(
                f"{dataset.path}: the row {case.id!r} is nested too deeply to be digested. Store "
                f"deep values as a text with JSON in it."
            ) from None
    return digests


def whole_digest(rows: Mapping[str, str]) -> str:
    """Return the SHA-256 of all rows, given as id -> digest; their order does not count."""
    return _sha256(dict(rows))


def _sha256(value: Any) -> str:
    return hashlib.sha256(canonical(value).encode()).hexdigest()
