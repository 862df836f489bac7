"""The command `llmprod dataset add`: a failing example, a complaint or a log line as a row."""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pytest_llmprod.commands.layout import beside
from pytest_llmprod.core.encoded_secrets import find_encoded
from pytest_llmprod.core.errors import DatasetError
from pytest_llmprod.core.files import write_whole
from pytest_llmprod.core.scanning import findings
from pytest_llmprod.core.text import counted, printable
from pytest_llmprod.evals import csv_cells, handed_in, lock_file
from pytest_llmprod.evals.appending import alone_with, appended, not_writable
from pytest_llmprod.evals.dataset import Case, read_bytes, read_cases
from pytest_llmprod.evals.wording import leaf_text
from pytest_llmprod.wire import masking
from pytest_llmprod.wire.masking import Scanner
from pytest_llmprod.wire.scanners.known_secrets import environment_scanners

if TYPE_CHECKING:
    from pathlib import Path

_INDENT = 12


def run(options: argparse.Namespace) -> int:
    """Append what stands on standard input to a data set, and say what was added."""
    path: Path = options.file
    read_cases(path, read_bytes(path))  # so that nobody pastes for a file that is broken
    if sys.stdin.isatty():
        print("paste one JSON object, then end it with Ctrl-D:", file=sys.stderr)
    given = sys.stdin.buffer.read()
    with alone_with(path):
        lines = _added(path, given, options)
    for line in lines:
        print(line)
    return 0


def _added(path: "Path", given: bytes, options: argparse.Namespace) -> list[str]:
    """Write a data set with one row more; return what is said of it."""
    content = read_bytes(path)
    cases = read_cases(path, content)
    scanners = [*masking.BUILT_IN, *environment_scanners(os.environ)]
    try:
        row, answered, is_masked = _row(given, cases, options, scanners)
        new = appended(path, content, row)
    except RecursionError:
        raise DatasetError(
            f"{handed_in.PLACE}: is nested too deeply. Give deep values as a text with JSON in it."
        ) from None
    try:
        write_whole(path, new)
    except OSError as error:
        raise not_writable(path, error) from error
    is_csv = path.suffix.lower() == ".csv"
    left_out = csv_cells.left_out(path, content, row) if is_csv else []
    return [
        f"{printable(str(path))}: added {printable(row['id'])}, {_number(cases)} now",
        *_lines(row, cases, answered, left_out, is_masked=is_masked),
        *_lock_lines(path),
    ]


def _lock_lines(path: "Path") -> Iterator[str]:
    if _is_locked(path):
        lock = printable(str(lock_file.lock_path(path)))
        yield f"{lock} is out of date now; where the row is right, freeze it:"
        yield f"  {lock_file.freeze_command(path)}"


def _is_locked(path: "Path") -> bool:
    try:
        return lock_file.read(path) is not None
    except DatasetError:  # one that is broken is told by the command that follows
        return True


def _row(
    given: bytes, cases: Sequence[Case], options: argparse.Namespace, scanners: Sequence[Scanner]
) -> tuple[dict[str, Any], str, bool]:
    """Return the row to add, what the model had answered, and whether a secret was masked."""
    found = handed_in.read(given, cases)
    if options.expected is not None and "expected" in found.row:
        options.parser.error("--expected is given, and standard input has an expected, too")
    masked, expected, tags, answered = masking.mask_documents(
        [dict(found.row), _expected(options.expected, cases), options.tag, found.answered], scanners
    )
    row = handed_in.completed(masked, cases, expected=expected, tags=tags)
    text = json.dumps(row, ensure_ascii=False)
    for finding in findings(text, [*scanners, find_encoded]):
        raise DatasetError(
            f"{handed_in.PLACE}: holds a secret ({finding.kind}) where it cannot be masked. Take "
            f"it out, and add the rest."
        )
    return row, answered, masked != found.row


def _expected(text: str | None, cases: Sequence[Case]) -> Any:
    """Return what `--expected` says: JSON, or a text where it is none or all others are texts."""
    if text is None or (cases and all(isinstance(case.expected, str) for case in cases)):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _number(cases: Sequence[Case]) -> str:
    return counted(len(cases) + 1, "case")


def _lines(
    row: Mapping[str, Any],
    cases: Sequence[Case],
    answered: str,
    left_out: Sequence[str],
    *,
    is_masked: bool,
) -> Iterator[str]:
    yield from beside(_INDENT, "input", printable(leaf_text(row.get("input"))))
    if row["expected"] is not None:
        yield from beside(_INDENT, "expected", printable(leaf_text(row["expected"])))
    elif any(case.expected is not None for case in cases):
        yield from beside(_INDENT, "expected", "missing: write it into the row")
    if answered:
        yield from beside(_INDENT, "answered", f"{printable(answered)} (not stored)")
    if is_masked:
        yield from beside(_INDENT, "masked", "a secret; look at what the row says in its place")
    if left_out:
        names = printable(", ".join(left_out))
        yield from beside(_INDENT, "left out", f"{names}: the file has no such column")
