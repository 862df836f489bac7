"""The command `llmprod log sql`: the log as a table of SQLite."""

import argparse
import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from math import isfinite
from typing import Any

from pytest_llmprod.core.errors import LogError
from pytest_llmprod.core.text import counted, printable, shorten
from pytest_llmprod.records import reading
from pytest_llmprod.records.database import COLUMNS, fill
from pytest_llmprod.report.table import table

_WIDEST = 40
_DIGITS = 12


def run(options: argparse.Namespace) -> int:
    """Load the log, and print what a query finds in it."""
    if options.query is None and options.to is None:
        _print([(name, kind) for name, (kind, _) in COLUMNS.items()], ("column", "type"), options)
        return 0
    if options.to is not None and options.to.exists():
        raise LogError(f"{options.to}: is there already. Move it away, or name another file.")
    entries = reading.read(*reading.folders_of(options.folder)).entries
    try:
        with closing(sqlite3.connect(options.to or ":memory:")) as connection:
            rows = fill(connection, entries)
            if options.query is not None:
                _ask(connection, options)
    except sqlite3.Error as error:
        raise LogError(
            f"SQLite says: {error}. `llmprod log sql` lists the columns of the table exchanges."
        ) from error
    if options.to is not None and not options.json:
        print(f"{printable(str(options.to))}: {counted(rows, 'exchange')}")
    return 0


def _ask(connection: sqlite3.Connection, options: argparse.Namespace) -> None:
    cursor = connection.execute(options.query)
    headers = tuple(column[0] for column in cursor.description or ())
    rows = cursor.fetchall()
    connection.commit()
    if headers:
        _print(rows, headers, options)


def _print(
    rows: Sequence[Sequence[Any]], headers: Sequence[str], options: argparse.Namespace
) -> None:
    if options.json:
        # Two columns of one name are both kept in rows, which are lists.
        told = [[_rounded(cell) for cell in row] for row in rows]
        print(json.dumps({"columns": headers, "rows": told}, indent=1, default=repr))
    else:
        print(table([printable(each) for each in headers], list(_cells(rows)), _align(rows)))


def _align(rows: Sequence[Sequence[Any]]) -> str:
    columns = list(zip(*rows, strict=True))
    return "".join(
        "r" if any(isinstance(cell, int | float) for cell in column) else "l" for column in columns
    )


def _cells(rows: Sequence[Sequence[Any]]) -> Iterator[list[str]]:
    for row in rows:
        yield ["" if cell is None else shorten(printable(_text(cell)), _WIDEST) for cell in row]


def _text(cell: Any) -> str:
    """Return a cell as a reader wants it: a sum of floats without the noise of its last digits."""
    return f"{cell:.{_DIGITS}g}" if isinstance(cell, float) else str(cell)


def _rounded(cell: Any) -> Any:
    """Return a cell for a script, likewise, and None where JSON has no such number."""
    if not isinstance(cell, float):
        return cell
    return float(_text(cell)) if isfinite(cell) else None
