"""The rows of the history, whatever a merge has left in the file."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from pytest_llmprod.core.history import Row, is_to_come, moment_of, read_history

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


def test_rows_have_the_numbers_of_their_lines_and_what_is_none_is_passed_over(
    tmp_path: Path,
) -> None:
    lines = ['{"kind": "drill"}', "<<<<<<< HEAD", "[1, 2]", "", "[" * 100_000, '{"kind": "swap"}']
    (tmp_path / "llmprod-history.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")

    rows = read_history(tmp_path)

    assert [(row.line, row.kind) for row in rows] == [(1, "drill"), (6, "swap")]


def test_bytes_that_are_no_utf_8_spoil_only_their_row(tmp_path: Path) -> None:
    path = tmp_path / "llmprod-history.jsonl"
    path.write_bytes(b'\xff\xfe\n{"kind": "Pr\xc3\xbcfung"}\n{"kind": "dr\xffill"}\n')

    assert [row.kind for row in read_history(tmp_path)] == ["Prüfung", "dr\ufffdill"]


def test_a_project_without_a_history_has_no_rows(tmp_path: Path) -> None:
    assert read_history(tmp_path) == ()


def test_a_value_that_is_no_text_is_an_empty_one() -> None:
    row = Row(line=1, values={"kind": 3, "feature": "triage"})

    assert (row.kind, row.text("feature"), row.text("outcome")) == ("", "triage", "")
    assert row.moment is None


def test_the_moment_of_a_row_is_when_it_was_written() -> None:
    assert Row(line=1, values={"when": "2026-11-26T12:00:00+00:00"}).moment == NOON


@pytest.mark.parametrize("text", ["2026-11-26T12:00:00", "2026-11-26T14:00:00+02:00"])
def test_a_moment_without_a_zone_is_in_utc_and_one_with_a_zone_keeps_it(text: str) -> None:
    assert moment_of(text) == NOON


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01"])
def test_what_is_no_moment_is_none(text: str) -> None:
    assert moment_of(text) is None


def test_a_moment_is_to_come_only_where_it_is_so_in_each_time_zone() -> None:
    assert not is_to_come(NOON, NOON)
    assert not is_to_come(NOON + timedelta(days=1), NOON)
    assert is_to_come(NOON + timedelta(days=1, seconds=1), NOON)
    assert is_to_come(datetime(2026, 11, 28, 12, tzinfo=timezone(timedelta(hours=2))), NOON)
