"""Database: a log as a table of SQLite, for questions that nobody foresaw."""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

from pytest_llmprod.records import bodies, names
from pytest_llmprod.records.reading import Entry, digests_of

#: A column of the table `exchanges` -> its type and the key of a line. SQL has words of its own,
#: which no column is called: hence `case_id` and `commit_id`.
COLUMNS = {
    "id": ("TEXT", names.ID),
    "run": ("TEXT", ""),
    "at": ("TEXT", names.TIMESTAMP),
    "test": ("TEXT", names.TEST),
    "case_id": ("TEXT", names.CASE),
    "repeat": ("INTEGER", names.REPEAT),
    "feature": ("TEXT", names.FEATURE),
    "verdict": ("TEXT", names.VERDICT),
    "provider": ("TEXT", names.PROVIDER),
    "operation": ("TEXT", names.OPERATION),
    "model_asked": ("TEXT", names.MODEL_ASKED),
    "model": ("TEXT", names.MODEL),
    "status": ("INTEGER", names.STATUS),
    "error": ("TEXT", names.ERROR),
    "finish_reasons": ("TEXT", names.FINISH_REASONS),
    "input_tokens": ("INTEGER", names.INPUT_TOKENS),
    "output_tokens": ("INTEGER", names.OUTPUT_TOKENS),
    "cache_read_tokens": ("INTEGER", names.CACHE_READ_TOKENS),
    "cache_write_tokens": ("INTEGER", names.CACHE_WRITE_TOKENS),
    "reasoning_tokens": ("INTEGER", names.REASONING_TOKENS),
    "cost_usd": ("REAL", names.COST_USD),
    "cost_status": ("TEXT", names.COST_STATUS),
    "latency_s": ("REAL", names.LATENCY_S),
    "ttft_s": ("REAL", names.TTFT_S),
    "backoff_s": ("REAL", names.BACKOFF_S),
    "call": ("INTEGER", names.CALL),
    "attempt": ("INTEGER", names.ATTEMPT),
    "replayed": ("INTEGER", names.REPLAYED),
    "recorded_at": ("TEXT", names.RECORDED_AT),
    "judge": ("INTEGER", names.JUDGE),
    "findings": ("TEXT", names.FINDINGS),
    "scores": ("TEXT", names.SCORES),
    "cassette": ("TEXT", names.CASSETTE),
    "commit_id": ("TEXT", names.COMMIT),
    "response_id": ("TEXT", names.RESPONSE_ID),
    "input": ("TEXT", ""),
    "output": ("TEXT", ""),
    "why": ("TEXT", ""),
}
_MOST = 2**63 - 1


def fill(connection: sqlite3.Connection, entries: Iterable[Entry]) -> int:
    """Make the table `exchanges` with a row for each entry, and return how many rows there are.

    What was said is there as text: as it is where it is one, and as JSON where it has parts. Lists
    are JSON, too; what is not known is NULL, and money is a float, good for sums and no more.
    """
    declared = ", ".join(f"{name} {kind}" for name, (kind, _) in COLUMNS.items())
    connection.execute(f"CREATE TABLE exchanges ({declared})")
    marks = ", ".join("?" * len(COLUMNS))
    # The only text in this statement is made here.
    cursor = connection.executemany(f"INSERT INTO exchanges VALUES ({marks})", _rows(entries))
    connection.commit()
    return cursor.rowcount


def _rows(entries: Iterable[Entry]) -> Iterator[list[Any]]:
    all_entries = list(entries)
    said: dict[str, str] = {}
    for folder in {entry.folder for entry in all_entries}:
        for digest, content in bodies.lines_in(folder):
            said[digest] = _as_text(content)
    for entry in all_entries:
        values = {name: entry.figures.get(key) for name, (_, key) in COLUMNS.items() if key}
        values["run"] = entry.run
        values |= {name: said.get(digest) for name, digest in digests_of(entry).items()}
        yield [_cell(values.get(name)) for name in COLUMNS]


def _as_text(content: bytes) -> str:
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return content.decode("utf-8", "replace")
    return body if isinstance(body, str) else content.decode("utf-8", "replace").strip()


def _cell(value: Any) -> Any:
    """Return a value as SQLite takes it."""
    if isinstance(value, dict | list):
        value = json.dumps(value)
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()  # half a surrogate pair
    if isinstance(value, int) and abs(value) > _MOST:
        return float(value) if abs(value) < 10**300 else None
    return value
