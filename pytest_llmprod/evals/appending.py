"""Appending: a row at the end of a data set, in the format of its file.

Everything else in the file stays as it is, byte for byte: comments, layout, line ends. Who adds is
alone with the data set from reading it until it is written.
"""

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import Any

from pytest_llmprod.core import claims
from pytest_llmprod.core.errors import DatasetError
from pytest_llmprod.evals import csv_cells
from pytest_llmprod.evals.dataset import as_case, read_cases
from pytest_llmprod.evals.digests import row_digest

Row = Mapping[str, Any]

#: Beside a data set while a process adds to one of this folder. The data set itself cannot be
#: claimed: it is replaced by another file whenever it is written.
CLAIM = ".llmprod-adding"


@contextmanager
def alone_with(path: Path) -> Iterator[None]:
    """Be the only process that adds to the data set at `path`.

    Waits for others, a minute at most: raises DatasetError then, and where its folder cannot be
    written.
    """
    place = Path(os.path.realpath(path)).with_name(CLAIM)
    file = _claimed(place, path)
    try:
        yield
    finally:
        with suppress(OSError):  # as on Windows, where nobody can delete a file that is open
            place.unlink()  # before the claim ends: it may be another's then
        claims.give_back(file)
        file.close()
        if sys.platform == "win32":
            with suppress(OSError):  # another has it open
                place.unlink()


def _claimed(place: Path, path: Path) -> FileIO:
    """Return the claimed file at `place`: not one that who had claimed it before has deleted."""
    while True:
        try:
            file = FileIO(place, "ab")
        except OSError as error:
            raise not_writable(path, error) from error
        if not claims.wait_for(file):
            file.close()
            raise DatasetError(
                f"{path}: another process has been adding to a data set of this folder for a "
                f"minute. Nothing was added; wait until it has ended, or end it, and add again."
            )
        try:
            if os.path.samestat(os.fstat(file.fileno()), place.stat()):
                return file
        except FileNotFoundError:
            pass  # who had claimed it before has deleted it: claim the next one
        except OSError as error:
            file.close()
            raise not_writable(path, error) from error
        file.close()


def not_writable(path: Path, error: OSError) -> DatasetError:
    """Return the error that says that the data set at `path` cannot be written."""
    return DatasetError(
        f"{path}: cannot be written ({error.strerror}). Make the file and its folder writable."
    )


def appended(path: Path, content: bytes, row: Row) -> bytes:
    """Return the content of the data set at `path` with one row more.

    Raises DatasetError where the format cannot hold the row, and where it cannot be added without
    changing others.
    """
    before = [row_digest(case) for case in read_cases(path, content)]
    is_csv = path.suffix.lower() == ".csv"
    wanted = csv_cells.as_read(path, content, row) if is_csv else dict(row)
    goal = [*before, row_digest(as_case(path, 1, wanted))]
    for candidate in _candidates(path, content, row):
        try:
            if [row_digest(case) for case in read_cases(path, candidate)] == goal:
                return candidate
        except DatasetError:
            continue
    raise DatasetError(
        f"{path}: the row cannot be added to this file as it is laid out. Nothing was written; add "
        f"it by hand: {json.dumps(row)}"
    )


def all_appended(path: Path, content: bytes, rows: Sequence[Row]) -> bytes:
    """Return the content of the data set at `path` with all of `rows`, as `appended` adds one.

    What it may look like is mostly right for each of them, and then it is read once and not once
    for each row.
    """
    goal = [row_digest(case) for case in read_cases(path, content)]
    guess = content
    for row in rows:
        guess = next(_candidates(path, guess, row), b"")
        wanted = row if path.suffix.lower() != ".csv" else csv_cells.as_read(path, content, row)
        goal.append(row_digest(as_case(path, 1, dict(wanted))))
    with suppress(DatasetError):
        if [row_digest(case) for case in read_cases(path, guess)] == goal:
            return guess
    for row in rows:
        content = appended(path, content, row)
    return content


def _candidates(path: Path, content: bytes, row: Row) -> Iterator[bytes]:
    """Yield what the file may look like with the row, the better guesses first."""
    ending = path.suffix.lower()
    if ending == ".csv":
        yield _end_line(content) + csv_cells.line(path, content, row, end=_line_end(content))
    elif ending == ".jsonl":
        for text in _as_json(row, content):
            yield _end_line(content) + text.encode() + _line_end(content)
    elif ending == ".json":
        yield from _into_list(content, row)
    else:
        yield from _to_yaml(content, row)
        yield from _into_list(content, row)


def _line_end(content: bytes) -> bytes:
    return b"\r\n" if b"\r\n" in content else b"\n"


def _end_line(content: bytes) -> bytes:
    """Return `content` so that a new line may begin at its end."""
    return (
        content if not content.strip() or content.endswith(b"\n") else content + _line_end(content)
    )


def _as_json(row: Row, content: bytes, **layout: Any) -> Iterator[str]:
    """Yield a row as JSON, with other letters than ASCII written as the file does."""
    if not (content.isascii() and rb"\u" in content):
        text = json.dumps(row, ensure_ascii=False, **layout)
        if text.isascii() or _is_text(text):
            yield text
    yield json.dumps(row, **layout)


def _is_text(text: str) -> bool:
    """Say whether UTF-8 can hold a text; half a surrogate pair it cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _into_list(content: bytes, row: Row) -> Iterator[bytes]:
    """Yield a JSON list with one item more, laid out as the items before it."""
    head, bracket, tail = content.rpartition(b"]")
    if not bracket:
        if not content.strip(b"\xef\xbb\xbf \t\r\n"):
            yield from (f"[\n {text}\n]\n".encode() for text in _as_json(row, content))
        return
    body = head.rstrip()
    first = re.match(rb"(?s).*?\[(\s*)", body)
    gap = first[1] if first else b""
    is_empty = body.endswith(b"[") and first is not None and first.end() == len(body)
    inner = re.search(rb"\{\r?\n([ \t]+)[\"']", body)
    step = len(inner[1]) - len(gap.rpartition(b"\n")[2]) if inner and b"\n" in gap else 0
    for text in _as_json(row, content, **({"indent": step} if step > 0 else {})):
        margin = gap.rpartition(b"\n")[2].decode()
        item = text.replace("\n", f"\n{margin}").encode().replace(b"\n", _line_end(content))
        comma = b"" if is_empty else b"," + (gap if b"\n" in gap else b" ")
        yield body + comma + item + head[len(body) :] + bracket + tail


def _to_yaml(content: bytes, row: Row) -> Iterator[bytes]:
    """Yield a YAML list with one item more, at the margin of the items before it."""
    import yaml  # only a data set in YAML needs it

    first = re.search(rb"(?m)^(?:\xef\xbb\xbf)?( *)- ", content)
    margin = first[1].decode() if first else ""
    for is_unicode in (True, False):
        text = yaml.safe_dump([dict(row)], sort_keys=False, allow_unicode=is_unicode, width=100)
        lines = "".join(f"{margin}{line}\n" for line in text.rstrip("\n").split("\n"))
        if _is_text(lines):
            item = lines.encode().replace(b"\n", _line_end(content))
            yield _end_line(content) + item
