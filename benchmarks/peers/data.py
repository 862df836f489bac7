"""Data: the files that the jobs read, the same on every machine.

`cases.jsonl` holds the sums whose calls are recorded and replayed, `questions.jsonl` the first 200
of them, and `old.jsonl` and `new.jsonl` the frozen answers of two models to these. The CSV files
hold the same for promptfoo.
"""

import csv
import json
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.project.model import answer, right_answer
from benchmarks.workload import sums

CASES = 500
JUDGED = 200

Row = Mapping[str, str]


def write(folder: Path, *, cases: int = CASES) -> None:
    """Write all files into `folder`, with this many calls to replay."""
    rows = sums(max(cases, JUDGED))
    judged = rows[:JUDGED]
    old = [{**row, "output": answer(row["input"])} for row in judged]
    new = [{**row, "output": _new_answer(row["input"])} for row in judged]
    for name, each in (
        ("cases", rows[:cases]),
        ("questions", judged),
        ("old", old),
        ("new", new),
    ):
        _write_lines(folder / f"{name}.jsonl", each)
    both = [
        {**before, "old": before["output"], "new": after["output"]}
        for before, after in zip(old, new, strict=True)
    ]
    _write_csv(folder / "cases.csv", ("input",), rows[:cases])
    _write_csv(folder / "new.csv", ("input", "output", "expected"), new)
    _write_csv(folder / "both.csv", ("input", "old", "new", "expected"), both)


def _new_answer(question: str) -> str:
    """Return what the new model says: wrong for about 16 % of the questions."""
    right = right_answer(question)
    is_wrong = 3 <= zlib.crc32(question.encode()) % 100 < 19
    return str(int(right) - 1) if is_wrong else right


def _write_lines(path: Path, rows: Sequence[Row]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def _write_csv(path: Path, columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Write a table; promptfoo calls the column of what is expected `__expected`."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow("__expected" if name == "expected" else name for name in columns)
        table.writerows([row[name] for name in columns] for row in rows)
