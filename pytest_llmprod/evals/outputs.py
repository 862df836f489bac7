"""Outputs: answers that were recorded elsewhere and are judged here without any HTTP."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_llmprod.core.errors import DatasetError
from pytest_llmprod.core.exchange import Usage, usage_from_json, usage_to_json
from pytest_llmprod.evals.dataset import read_bytes, read_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One row of an outputs file: the answer to one case, with what it cost where known."""

    value: Any
    model: str | None
    latency_s: float | None
    usage: Usage | None

    def to_json(self) -> dict[str, Any]:
        """Return the figures of this output under the names of an exchange's row."""
        row: dict[str, Any] = {}
        if self.model is not None:
            row["model"] = self.model
        if self.latency_s is not None:
            row["latency_s"] = self.latency_s
        if self.usage is not None:
            row["usage"] = usage_to_json(self.usage)
        return row


def load(path: Path, case_ids: Iterable[str]) -> Mapping[str, Output]:
    """Read the outputs for the cases `case_ids`, by id.

    Raises DatasetError where a row is broken, an id occurs twice or is in no case, or a case has
    no output.
    """
    wanted = set(case_ids)
    outputs: dict[str, Output] = {}
    for line, row in read_rows(path, read_bytes(path)):
        case_id, output = _output(path, line, row)
        if case_id in outputs:
            raise DatasetError(
                f"{path}, line {line}: a second output for {case_id!r}. Keep one for each case."
            )
        if case_id not in wanted:
            raise DatasetError(
                f"{path}, line {line}: the id {case_id!r} is in no row of the data set. Remove the "
                f"line, or judge these outputs with the data set that they belong to."
            )
        outputs[case_id] = output
    missing = [case_id for case_id in sorted(wanted) if case_id not in outputs]
    if missing:
        raise DatasetError(
            f"{path}: has no output for {len(missing)} of {len(wanted)} cases, the first is "
            f"{missing[0]!r}. Add a line with id and output for each."
        )
    return outputs


def _output(path: Path, line: int, row: Any) -> tuple[str, Output]:
    if not isinstance(row, dict) or "id" not in row or "output" not in row:
        raise DatasetError(
            f"{path}, line {line}: is no object with the keys id and output. Write "
            f'{{"id": ..., "output": ...}}.'
        )
    latency_s = row.get("latency_s")
    usage = row.get("usage")
    if latency_s is not None and not (isinstance(latency_s, int | float) and latency_s >= 0):
        raise DatasetError(
            f"{path}, line {line}: latency_s must be a number of seconds, not {latency_s!r}."
        )
    if not isinstance(row.get("model"), str | None):
        raise DatasetError(f"{path}, line {line}: model must be a name, not {row['model']!r}.")
    try:
        read_usage = None if usage is None else usage_from_json(usage)
        if read_usage is not None and min(usage_to_json(read_usage).values()) < 0:
            raise ValueError("a count is below 0")
    except (AttributeError, TypeError, ValueError, OverflowError) as error:
        raise DatasetError(
            f"{path}, line {line}: usage must be an object with input_tokens and output_tokens "
            f"({error})."
        ) from error
    return str(row["id"]), Output(
        value=row["output"], model=row.get("model"), latency_s=latency_s, usage=read_usage
    )
