import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from dataset_files import ROWS, WRITERS, Rows, write_rows
from hypothesis import HealthCheck, given, settings

from pytest_llmprod.core.errors import DatasetChanged, DatasetError
from pytest_llmprod.evals import lock_file
from pytest_llmprod.evals.dataset import load
from pytest_llmprod.evals.lock import Lock, freeze

NOW = datetime(2026, 11, 26, 12, 30, 15, tzinfo=UTC)
QUIET = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)


def row(id_: str, text: str = "hello") -> dict[str, Any]:
    return {"id": id_, "input": {"text": text, "lang": "en"}, "expected": "x"}


def freeze_file(path: Path, why: str = "first") -> Path:
    name = lock_file.real_path(path).name
    lock = freeze(load(path), lock_file.read(path), name=name, who="Ann", why=why, now=NOW)
    lock_file.write(path, lock)
    return lock_file.lock_path(path)


def stored(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


@QUIET
@given(rows=ROWS)
def test_a_lock_that_was_written_is_read_as_it_was(tmp_path: Path, rows: Rows) -> None:
    path = write_rows(tmp_path, rows)
    lock = freeze(load(path), None, name="a.jsonl", who="Ann", why='"\u2028ü', now=NOW)

    lock_file.write(path, lock)

    assert lock_file.read(path) == lock
    assert lock_file.load_frozen(path) == load(path)
    (tmp_path / "cases.lock").unlink()


@QUIET
@given(rows=ROWS)
def test_equal_rows_give_equal_bytes(tmp_path: Path, rows: Rows) -> None:
    one = freeze_file(write_rows(tmp_path, rows)).read_bytes()
    (tmp_path / "cases.lock").unlink()
    other = freeze_file(write_rows(tmp_path, rows[::-1])).read_bytes()
    (tmp_path / "cases.lock").unlink()

    assert one == other
    assert b"\r" not in one
    assert one.endswith(b"}\n")


def test_a_lock_names_its_rows_its_file_and_its_revision(tmp_path: Path) -> None:
    lock = stored(freeze_file(write_rows(tmp_path, [row("b"), row("a")])))

    assert list(lock) == ["dataset", "earlier", "latest", "rows", "schema"]
    assert (lock["dataset"], lock["schema"], list(lock["rows"])) == ("cases.jsonl", 1, ["a", "b"])
    assert lock["latest"] | {"sha256": ""} == {
        "cases": 2,
        "frozen_at": "2026-11-26T12:30:15Z",
        "sha256": "",
        "who": "Ann",
        "why": "first",
    }


def test_a_data_set_without_a_lock_is_read_as_before(tmp_path: Path) -> None:
    path = write_rows(tmp_path, [row("a")])

    assert lock_file.load_frozen(path) == load(path)


def test_changed_rows_are_named_with_the_command_that_freezes_them(tmp_path: Path) -> None:
    path = write_rows(tmp_path, [row("a"), row("b"), row("c")])
    freeze_file(path)
    write_rows(tmp_path, [row("a"), row("b", "other"), row("d")])

    with pytest.raises(DatasetChanged) as caught:
        lock_file.load_frozen(path)

    assert str(caught.value).splitlines() == [
        f"{path}: differs from its lock: 1 row added, 1 row changed, 1 row removed since "
        "2026-11-26, when Ann froze it",
        "  added    d",
        "  changed  b",
        "  removed  c",
        "If that is meant, freeze the data set anew:",
        f'  llmprod dataset freeze {path} --why "..."',
        "Else restore the file from version control.",
    ]


def test_a_path_with_a_space_is_quoted_in_the_command() -> None:
    command = lock_file.freeze_command(Path("my evals/a.jsonl"))

    assert command == "llmprod dataset freeze 'my evals/a.jsonl' --why \"...\""


@pytest.mark.parametrize("name", WRITERS)
def test_a_data_set_in_another_format_keeps_its_lock(tmp_path: Path, name: str) -> None:
    old = write_rows(tmp_path, [row("a"), row("b")], "cases.json")
    freeze_file(old)
    old.unlink()

    path = write_rows(tmp_path, [row("a"), row("b")], name)

    assert lock_file.read(path) is not None
    assert len(lock_file.load_frozen(path).cases) == 2


def test_the_lock_of_a_neighbour_is_not_used_and_not_overwritten(tmp_path: Path) -> None:
    place = freeze_file(write_rows(tmp_path, [row("a")]))
    before = place.read_bytes()
    other = write_rows(tmp_path, [row("z")], "cases.csv")

    assert lock_file.read(other) is None
    assert len(lock_file.load_frozen(other).cases) == 1
    with pytest.raises(DatasetError, match=r"is the lock of cases\.jsonl, which lies beside cases"):
        freeze_file(other)
    assert place.read_bytes() == before


def test_the_lock_of_a_link_lies_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    real = write_rows(tmp_path / "data", [row("a")])
    link = tmp_path / "tickets.jsonl"
    link.symlink_to(real)

    place = freeze_file(link)

    assert place == real.with_suffix(".lock")
    assert lock_file.read(real) is not None
    assert lock_file.read(real) == lock_file.read(link)


def test_a_merge_that_mixes_two_locks_is_told(tmp_path: Path) -> None:
    path = write_rows(tmp_path, [row("a"), row("b")])
    place = freeze_file(path)
    lock = stored(place)
    place.write_text(json.dumps({**lock, "latest": {**lock["latest"], "sha256": "0" * 64}}))

    with pytest.raises(DatasetChanged, match=r"as after a merge .*\n  llmprod dataset freeze "):
        lock_file.load_frozen(path)

    freeze_file(path, "merged")
    assert len(lock_file.load_frozen(path).cases) == 2


def test_the_marks_of_a_merge_conflict_are_told_as_such(tmp_path: Path) -> None:
    path = write_rows(tmp_path, [row("a")])
    lock_file.lock_path(path).write_text("{\n<<<<<<< HEAD\n=======\n>>>>>>> other\n}")

    with pytest.raises(DatasetError, match=r"marks of a merge conflict.*git checkout --ours "):
        lock_file.load_frozen(path)


GOOD: dict[str, Any] = {
    "dataset": "cases.jsonl",
    "earlier": [],
    "latest": {
        "cases": 1,
        "frozen_at": "2026-11-26T12:30:15Z",
        "sha256": "",
        "who": "Ann",
        "why": "first",
    },
    "rows": {},
    "schema": 1,
}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "EOF while parsing"),
        (b"[1]", "should be an object"),
        (b"\xff", "Invalid JSON"),
        (b"version = 1\n[[package]]\n", "Invalid JSON"),
        (json.dumps({**GOOD, "schema": 2}), "schema: Input should be 1"),
        (json.dumps({**GOOD, "rows": {"a": 1}}), "rows.a: Input should be a valid string"),
        (json.dumps({**GOOD, "rows": []}), "rows: Input should be"),
        (json.dumps({**GOOD, "dataset": 1}), "dataset: Input should be a valid string"),
        (
            json.dumps({**GOOD, "latest": {**GOOD["latest"], "frozen_at": "2026-11-26T12:00:00"}}),
            "latest.frozen_at: Input should have timezone info",
        ),
        (json.dumps({key: GOOD[key] for key in ("latest", "rows")}), "dataset: Field required"),
    ],
)
def test_a_broken_lock_is_told_with_the_cure_and_stays(
    tmp_path: Path, content: bytes | str, reason: str
) -> None:
    path = write_rows(tmp_path, [row("a")])
    place = lock_file.lock_path(path)
    place.write_bytes(content if isinstance(content, bytes) else content.encode())
    before = place.read_bytes()

    for attempt in (lock_file.load_frozen, freeze_file):
        with pytest.raises(DatasetError) as caught:
            attempt(path)
        message = str(caught.value)
        assert message.startswith(f"{place}: cannot be read as the lock of a data set (")
        assert reason in message
        assert "Restore it from version control." in message
    assert place.read_bytes() == before


def test_keys_of_a_later_version_are_left_alone(tmp_path: Path) -> None:
    path = write_rows(tmp_path, [row("a")])
    place = freeze_file(path)
    place.write_text(json.dumps({**stored(place), "signed": True}))

    assert isinstance(lock_file.read(path), Lock)


def test_a_folder_in_the_place_of_a_lock_is_told(tmp_path: Path) -> None:
    path = write_rows(tmp_path, [row("a")])
    lock_file.lock_path(path).mkdir()

    with pytest.raises(DatasetError, match="Is a directory"):
        lock_file.load_frozen(path)


def test_a_lock_that_cannot_be_written_is_told_and_nothing_is_left(tmp_path: Path) -> None:
    path = write_rows(tmp_path, [row("a")])
    place = freeze_file(path)
    place.chmod(0o444)
    write_rows(tmp_path, [row("b")])

    with pytest.raises(DatasetError, match=r"cannot be written \(the file is read-only\)\. Make"):
        freeze_file(path)

    assert sorted(each.name for each in tmp_path.iterdir()) == ["cases.jsonl", "cases.lock"]


def test_a_copy_of_data_and_lock_is_as_frozen_as_they_are(tmp_path: Path) -> None:
    freeze_file(write_rows(tmp_path, [row("a")]))
    shutil.copy(tmp_path / "cases.jsonl", tmp_path / "other.jsonl")
    shutil.copy(tmp_path / "cases.lock", tmp_path / "other.lock")

    assert lock_file.read(tmp_path / "other.jsonl") is not None
