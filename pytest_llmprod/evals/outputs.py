"""Outputs: answers that were recorded elsewhere and are judged here without any HTTP."""

from collections.abc import Iterable, Mapping, Sequence
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


def load(path: Path, case_ids: Iterable[str], repeats: int = 1) -> Mapping[tuple[str, int], Output]:
    """Read the outputs for the cases `case_ids`, by id and repeat, counted from 1.

    Raises DatasetError where a row is broken, an output occurs twice or is for no case or repeat,
    or one of the `repeats` of a case has no output.
    """
    ids = dict.fromkeys(case_ids)
    wanted = {(case_id, repeat): None for case_id in ids for repeat in range(1, repeats + 1)}
    outputs: dict[tuple[str, int], Output] = {}
    for line, row in read_rows(path, read_bytes(path)):
        case_id, repeat, output = _output(path, line, row)
        asked = (case_id, repeat)
        if case_id not in ids:
            raise DatasetError(
                f"{path}, line {line}: the id {case_id!r} is in no row of the data set. Remove the "
                f"line, or judge these outputs with the data set that they belong to."
            )
        if asked in outputs:
            raise DatasetError(f"{path}, line {line}: {_doubled(case_id, row, repeat, repeats)}")
        if asked not in wanted:
            raise DatasetError(
                f"{path}, line {line}: repeat {repeat} of {case_id!r}, and the marker says "
                f"repeats={repeats}. Write repeats={repeat} there, or remove the line."
            )
        outputs[asked] = output
    missing = [asked for asked in wanted if asked not in outputs]
    if missing:
        raise DatasetError(f"{path}: {_missing(missing, len(wanted), repeats)}")
    return outputs


def _doubled(case_id: str, row: Any, repeat: int, repeats: int) -> str:
    if repeats == 1:
        return f"a second output for {case_id!r}. Keep one for each case."
    if row.get("repeat") is None:
        return (
            f"a second output for {case_id!r}. Number the outputs of a case with "
            f'"repeat": 1 to {repeats}.'
        )
    return f"a second output for repeat {repeat} of {case_id!r}. Keep one for each repeat."


def _missing(missing: Sequence[tuple[str, int]], wanted: int, repeats: int) -> str:
    case_id, repeat = min(missing)
    if repeats == 1:
        return (
            f"has no output for {len(missing)} of {wanted} cases, the first is {case_id!r}. Add a "
            f"line with id and output for each."
        )
    return (
        f"has no output for {len(missing)} of {wanted} askings (repeats={repeats}), the first is "
        f"repeat {repeat} of {case_id!r}. Add a line with id, repeat and output for each: one "
        f"answer counted {repeats} times would show no variance."
    )


def _output(path: Path, line: int, row: Any) -> tuple[str, int, Output]:
    if not isinstance(row, dict) or "id" not in row or "output" not in row:
        raise DatasetError(
            f"{path}, line {line}: is no object with the keys id and output. Write "
            f'{{"id": ..., "output": ...}}.'
        )
    repeat = 1 if row.get("repeat") is None else row["repeat"]
    if isinstance(repeat, bool) or not isinstance(repeat, int) or repeat < 1:
        raise DatasetError(
            f"{path}, line {line}: repeat must be a whole number from 1 up, not {repeat!r}."
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
    output = Output(
        value=row["output"], model=row.get("model"), latency_s=latency_s, usage=read_usage
    )
    return str(row["id"]), repeat, output
