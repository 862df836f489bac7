import os
from pathlib import Path

import pytest
from log_samples import a_line, write

from pytest_llmprod.core.errors import LogError
from pytest_llmprod.records import names, reading


def test_a_half_written_last_line_is_skipped_and_counted(tmp_path: Path) -> None:
    write(tmp_path, a_line(1), a_line(2))
    path = tmp_path / "run-1" / "main.jsonl"
    path.write_bytes(path.read_bytes()[:-30])

    log = reading.read(tmp_path / "run-1")

    assert [entry.text(names.CASE) for entry in log.entries] == ["t-001"]
    assert log.broken == 1


def test_a_writer_that_goes_on_after_a_crash_loses_the_torn_line_only(tmp_path: Path) -> None:
    write(tmp_path, a_line(1), a_line(2))
    for ending in ("jsonl", "bodies"):
        path = tmp_path / "run-1" / f"main.{ending}"
        path.write_bytes(path.read_bytes()[:-30])

    write(tmp_path, a_line(3))

    log = reading.read(tmp_path / "run-1")
    assert [entry.text(names.CASE) for entry in log.entries] == ["t-001", "t-003"]
    assert log.broken == 1
    assert reading.bodies_of(log.entries[1])["why"] == "assert 'shipping' == 'refund'"


@pytest.mark.parametrize(
    "line",
    [b"\x00" * 512, b"[1]", b"null", b"\xff\xfe", b"{" * 200_000, b'{"a": ' + b"9" * 5_000 + b"}"],
    ids=["zeros", "list", "null", "no UTF-8", "deep", "a figure too long"],
)
def test_what_is_no_line_is_skipped_and_counted(tmp_path: Path, line: bytes) -> None:
    write(tmp_path, a_line(1))
    with (tmp_path / "run-1" / "main.jsonl").open("ab") as file:
        file.write(line + b"\n")
    write(tmp_path, a_line(2))

    log = reading.read(tmp_path / "run-1")

    assert (len(log.entries), log.broken) == (2, 1)


def test_values_of_a_wrong_kind_are_none(tmp_path: Path) -> None:
    entry = reading.Entry(tmp_path, {names.CASE: 3, names.LATENCY_S: "x", names.CALL: True})

    assert entry.text(names.CASE) == ""
    assert entry.number(names.LATENCY_S) is None
    assert entry.number(names.CALL) is None
    assert entry.number(names.ATTEMPT) is None


def test_a_damaged_body_is_as_if_it_were_not_there(tmp_path: Path) -> None:
    write(tmp_path, a_line())
    path = tmp_path / "run-1" / "main.bodies"
    path.write_bytes(path.read_bytes().replace(b'"shipping"', b'"shippi'))

    (entry,) = reading.read(tmp_path / "run-1").entries

    assert set(reading.bodies_of(entry)) == {"input", "why"}


def test_entries_of_several_processes_come_in_the_order_of_their_time(tmp_path: Path) -> None:
    write(tmp_path, a_line(1), a_line(4), writer="gw0")
    write(tmp_path, a_line(2), a_line(3), writer="gw1")

    entries = reading.read(tmp_path / "run-1").entries

    assert [entry.text(names.CASE)[-1] for entry in entries] == ["1", "2", "3", "4"]


def test_runs_come_in_the_order_in_which_they_were_written(tmp_path: Path) -> None:
    for number, run in enumerate(["b", "c", "a"]):
        write(tmp_path, a_line(), run=run)
        os.utime(tmp_path / run / "main.jsonl", (number + 1, number + 1))
    (tmp_path / "empty").mkdir()

    assert [path.name for path in reading.folders_of(tmp_path)] == ["b", "c", "a"]


def test_there_is_no_run_where_nothing_was_logged(tmp_path: Path) -> None:
    assert reading.folders_of(tmp_path / "none") == []


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    (tmp_path / "run-1" / "main.jsonl").mkdir(parents=True)

    with pytest.raises(LogError, match=r"main\.jsonl: cannot be read .* log purge --run run-1"):
        reading.read(tmp_path / "run-1")
