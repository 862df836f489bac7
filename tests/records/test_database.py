import sqlite3
from pathlib import Path
from typing import Any

from log_samples import a_line, an_exchange, write

from pytest_llmprod.core.exchange import ToolCall
from pytest_llmprod.records import database, names, reading


def rows(entries: Any, query: str) -> list[Any]:
    connection = sqlite3.connect(":memory:")
    try:
        assert database.fill(connection, entries) == len(entries)
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def test_a_log_answers_questions_in_sql(tmp_path: Path) -> None:
    slow = an_exchange(latency_s=2.0)
    write(tmp_path, a_line(1), a_line(2, exchange=slow), a_line(3, feature="other"))
    query = (
        "SELECT feature, count(*), sum(input_tokens), round(sum(cost_usd), 6), max(latency_s) "
        "FROM exchanges GROUP BY feature ORDER BY feature"
    )

    found = rows(reading.read(tmp_path / "run-1").entries, query)

    assert found == [("other", 1, 120, 0.000125, 0.81), ("ticket-triage", 2, 240, 0.00025, 2.0)]


def test_what_was_said_is_text(tmp_path: Path) -> None:
    call = ToolCall(name="refund", arguments={})
    write(
        tmp_path,
        a_line(1, exchange=an_exchange(text="a\x00b <script>")),
        a_line(2, exchange=an_exchange(text="", tool_calls=(call,)), why=""),
    )
    query = "SELECT run, output, why, input LIKE '%Customer 4711%' FROM exchanges ORDER BY at"

    found = rows(reading.read(tmp_path / "run-1").entries, query)

    output = '{"tool_calls": [{"name": "refund", "arguments": {}}]}'
    assert found == [
        ("run-1", "a\x00b <script>", "assert 'shipping' == 'refund'", 1),
        ("run-1", output, None, 1),
    ]


def test_what_sqlite_cannot_hold_is_changed_and_stops_nothing(tmp_path: Path) -> None:
    figures = {
        names.CASE: "half \ud83d",
        names.REPEAT: 2**70,
        names.CALL: 10**400,
        names.SCORES: {"a": 1},
        names.JUDGE: True,
    }

    found = rows(
        [reading.Entry(tmp_path, figures)],
        "SELECT case_id, repeat, call, scores, judge, verdict FROM exchanges",
    )

    assert found == [("half \\ud83d", float(2**70), None, '{"a": 1}', 1, None)]


def test_no_column_has_to_be_quoted() -> None:
    connection = sqlite3.connect(":memory:")
    database.fill(connection, [])

    query = f"SELECT {', '.join(database.COLUMNS)} FROM exchanges"
    assert connection.execute(query).fetchall() == []
    connection.close()
