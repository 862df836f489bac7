"""Labels: what people said of outputs, by which a judge is measured.

A row has `id`, `input`, `output`, `expected` and `label`, in any format that a data set may have.
The label is yes or no; for a pairwise judge it is the better answer: output, expected or tie.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_llmprod.core.errors import JudgeError
from pytest_llmprod.evals.dataset import Case, as_case, digest, read_bytes, read_rows
from pytest_llmprod.evals.judging.judge import Verdict

_SINGLE: Mapping[str, Verdict] = {
    **dict.fromkeys(("yes", "true", "1"), "yes"),
    **dict.fromkeys(("no", "false", "0"), "no"),
}
_PAIRWISE: Mapping[str, Verdict] = {"output": "win", "expected": "loss", "tie": "tie"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """One output, and the verdict that people gave on it."""

    case: Case
    output: Any
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """The labels of a file in file order, and the SHA-256 of its content."""

    path: Path
    rows: tuple[Label, ...]
    sha256: str


def load(path: Path, *, pairwise: bool) -> Labels:
    """Read the labels at `path`; raise DatasetError or JudgeError, which name line and cure."""
    content = read_bytes(path)
    rows: dict[str, Label] = {}
    for line, row in read_rows(path, content):
        case = as_case(path, line, row)
        if case.id in rows:
            raise JudgeError(
                f"{path}, line {line}: the id {case.id!r} was used before. Give each row its own."
            )
        if "output" not in row:
            raise JudgeError(f"{path}, line {line}: has no output. Add what people judged.")
        verdict = _verdict(path, line, row.get("label"), _PAIRWISE if pairwise else _SINGLE)
        rows[case.id] = Label(case=case, output=row["output"], verdict=verdict)
    if not rows:
        raise JudgeError(f"{path}: has no rows. Add rows with id, input, output and label.")
    return Labels(path=path, rows=tuple(rows.values()), sha256=digest(content))


def _verdict(path: Path, line: int, label: Any, known: Mapping[str, Verdict]) -> Verdict:
    verdict = known.get(str(label).strip().casefold())
    if verdict is None:
        names = "output, expected or tie" if known is _PAIRWISE else "yes or no"
        raise JudgeError(f"{path}, line {line}: label must be {names}, not {label!r}.")
    return verdict
