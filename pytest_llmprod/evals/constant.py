"""Constant: did a suite get the same output for everything that it asked?

A model that always says the same, or a broken harness, can pass where one class is large, and wins
pairwise comparisons under some judges.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_llmprod.core.errors import DatasetError
from pytest_llmprod.evals.dataset import Case, read_bytes, read_rows
from pytest_llmprod.evals.digests import canonical

_LEAST_SHARE = 0.9
_LEAST_MARGIN = 0.1
_LEAST_OUTPUTS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """The output that a suite got for `same` of `outputs` cases.

    `expected` is the largest share of cases that have one expectation, 0 where none has any.
    """

    suite: str
    output: Any
    same: int
    outputs: int
    expected: float

    @property
    def is_everything(self) -> bool:
        """Say whether there was no other output."""
        return self.same == self.outputs


def read_outputs(path: Path) -> Mapping[str, Mapping[str, Any]]:
    """Return suite -> case -> output from a file of outputs, or from what `--llm-json` wrote.

    In a file of outputs each model is a suite, without a name where none is given. Of several
    outputs for one case the last one counts. Raises DatasetError where the file cannot be read.
    """
    content = read_bytes(path)
    suites: dict[str, dict[str, Any]] = defaultdict(dict)
    for row in _run_cases(path, content) or [row for _, row in read_rows(path, content)]:
        if not isinstance(row, dict) or not {"id", "output"} <= row.keys():
            raise DatasetError(
                f"{path}: a row is no object with the keys id and output. Name a file of outputs, "
                f"or one that `pytest --llm-eval --llm-json={path.name}` wrote."
            )
        suite = row.get("suite") or row.get("model") or ""
        suites[str(suite)][str(row["id"])] = row["output"]
    return suites


def _run_cases(path: Path, content: bytes) -> Sequence[Any] | None:
    """Return the cases of a run with their outputs, None where the file is no run."""
    if path.suffix.lower() != ".json":
        return None
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return None  # read_rows() tells what is wrong
    if not isinstance(document, dict) or not isinstance(document.get("cases"), list):
        return None
    rows = [row for row in document["cases"] if isinstance(row, dict)]
    return [row for row in rows if row.get("output") is not None]


def find_constant(suite: str, outputs: Mapping[str, Any], cases: Sequence[Case]) -> Constant | None:
    """Return the output that a suite got for at least 90 % of `cases`, None where there is none.

    Nor is there one where nearly as many cases expect the same as got it.
    """
    asked = [case for case in cases if case.id in outputs]
    if len(asked) < 2:
        return None
    answers = {case.id: canonical(outputs[case.id]) for case in asked}
    answer, same = Counter(answers.values()).most_common(1)[0]
    wanted = Counter(canonical(case.expected) for case in asked if case.expected is not None)
    expected = max(wanted.values(), default=0) / len(asked)
    share = same / len(asked)
    is_large = share == 1 or (share >= _LEAST_SHARE and len(asked) >= _LEAST_OUTPUTS)
    if not is_large or expected == 1 or (share < 1 and expected >= share - _LEAST_MARGIN):
        return None
    output = next(outputs[case] for case, each in answers.items() if each == answer)
    return Constant(suite=suite, output=output, same=same, outputs=len(asked), expected=expected)
