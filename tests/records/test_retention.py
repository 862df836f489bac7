import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from log_samples import a_line, write

from pytest_llmprod.records import reading, retention

NOW = datetime(2026, 11, 26, tzinfo=UTC)


def run_of_age(runs: Path, run: str, age: timedelta) -> Path:
    write(runs, a_line(), run=run)
    written = (NOW - age).timestamp()
    os.utime(runs / run / "main.jsonl", (written, written))
    return runs / run


def test_retention_drops_what_was_said_and_keeps_the_figures(tmp_path: Path) -> None:
    old = run_of_age(tmp_path, "old", timedelta(days=30, seconds=1))
    young = run_of_age(tmp_path, "young", timedelta(days=30))
    figures = (old / "main.jsonl").read_bytes()

    dropped = retention.apply_retention(tmp_path, 30, NOW)

    assert dropped == 1
    assert (old / "main.jsonl").read_bytes() == figures
    assert reading.bodies_of(*reading.read(old).entries) == {}
    assert b"parcel" not in b"".join(path.read_bytes() for path in old.iterdir())
    assert len(reading.bodies_of(*reading.read(young).entries)) == 3


def test_retention_counts_a_run_once(tmp_path: Path) -> None:
    run_of_age(tmp_path, "old", timedelta(days=31))

    assert retention.apply_retention(tmp_path, 30, NOW) == 1
    assert retention.apply_retention(tmp_path, 30, NOW) == 0


def aged_stamp(runs: Path, now: datetime) -> None:
    os.utime(runs / ".retention", (now.timestamp(), now.timestamp()))


def test_retention_is_applied_once_a_day(tmp_path: Path) -> None:
    run_of_age(tmp_path, "first", timedelta(days=31))
    retention.apply_daily(tmp_path, 30, NOW)
    aged_stamp(tmp_path, NOW)
    later = run_of_age(tmp_path, "later", timedelta(days=31))

    retention.apply_daily(tmp_path, 30, NOW + timedelta(hours=23))
    assert (later / "main.bodies").exists()
    retention.apply_daily(tmp_path, 30, NOW + timedelta(hours=25))
    assert not (later / "main.bodies").exists()


def test_another_number_of_days_counts_at_once(tmp_path: Path) -> None:
    run = run_of_age(tmp_path, "run", timedelta(days=8))
    retention.apply_daily(tmp_path, 30, NOW)
    aged_stamp(tmp_path, NOW)
    assert (run / "main.bodies").exists()

    retention.apply_daily(tmp_path, 7, NOW)
    assert not (run / "main.bodies").exists()


def test_a_stamp_of_garbage_counts_for_nothing(tmp_path: Path) -> None:
    run = run_of_age(tmp_path, "run", timedelta(days=31))
    (tmp_path / ".retention").write_text("x")
    aged_stamp(tmp_path, NOW)

    retention.apply_daily(tmp_path, 30, NOW)
    assert not (run / "main.bodies").exists()


def test_a_stamp_of_a_time_to_come_counts_for_nothing(tmp_path: Path) -> None:
    run = run_of_age(tmp_path, "run", timedelta(days=31))
    (tmp_path / ".retention").write_text("30\n")
    aged_stamp(tmp_path, NOW + timedelta(days=400))  # the clock was wrong once

    retention.apply_daily(tmp_path, 30, NOW)
    assert not (run / "main.bodies").exists()


def test_a_removed_run_leaves_nothing(tmp_path: Path) -> None:
    old = run_of_age(tmp_path, "old", timedelta(days=31))
    run_of_age(tmp_path, "young", timedelta(days=1))

    assert retention.remove([old, old]) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == [".gitignore", "young"]
