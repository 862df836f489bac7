"""The journal: what was recorded is on disk at once, and in the cassettes when the run ends."""

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

import pytest
from journals import fold, journal_of, texts
from lab import recording

from pytest_llmprod.core.errors import CassetteError
from pytest_llmprod.wire.cassettes.journal import FOLDER, Journal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tests" / "cassettes" / "test_a" / "test.gpt.json"


def test_a_recording_is_on_disk_when_recorded_returns(tmp_path: Path, path: Path) -> None:
    with journal_of(tmp_path) as journal:
        journal.recorded(path, recording("hello"))
        (line,) = (tmp_path / FOLDER / "r1" / "main.jsonl").read_text().splitlines()

    assert json.loads(line) == {
        "asked": "gpt-test",
        "cassette": "tests/cassettes/test_a/test.gpt.json",
        "found": 0,
        "recording": recording("hello").to_json(),
        "turn": [0, 0, 0],
    }
    assert not path.exists()


def test_a_run_that_records_nothing_leaves_nothing(tmp_path: Path) -> None:
    with journal_of(tmp_path):
        pass

    assert list(tmp_path.iterdir()) == []
    assert fold(tmp_path, "r1", whole=True).count == 0


def test_journals_are_kept_out_of_version_control(tmp_path: Path, path: Path) -> None:
    with journal_of(tmp_path) as journal:
        journal.recorded(path, recording())

    assert (tmp_path / ".llmprod" / ".gitignore").read_text() == "*\n"


def test_a_journal_that_cannot_be_written_says_which_and_what_to_do(
    tmp_path: Path, path: Path
) -> None:
    (tmp_path / ".llmprod").write_text("in the way")

    with journal_of(tmp_path) as journal, pytest.raises(CassetteError) as caught:
        journal.recorded(path, recording())
    assert "main.jsonl" in str(caught.value)
    assert "record again" in str(caught.value)


def test_a_journal_may_be_begun_by_several_threads_at_once(tmp_path: Path, path: Path) -> None:
    problems: list[BaseException] = []
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for round_ in range(10):
            with journal_of(tmp_path, run_id=f"r{round_}") as journal:
                gate = threading.Barrier(8)

                def write(journal: Journal = journal, gate: threading.Barrier = gate) -> None:
                    gate.wait()
                    try:
                        journal.recorded(path, recording())
                    except BaseException as error:
                        problems.append(error)

                threads = [threading.Thread(target=write) for _ in range(8)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
    finally:
        sys.setswitchinterval(before)

    assert problems == []
    journals = list((tmp_path / FOLDER).glob("*/main.jsonl"))
    assert [len(each.read_text().splitlines()) for each in journals] == [8] * 10


@contextmanager
def files_no_longer_than(size: int) -> Iterator[None]:
    """Have the system write so many bytes of a file and no more, as a full disk does."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_line_for_which_there_is_no_room_is_told_and_leaves_nothing_behind(
    tmp_path: Path, path: Path
) -> None:
    file = tmp_path / FOLDER / "r1" / "main.jsonl"
    with journal_of(tmp_path, "new_episodes") as journal:
        journal.recorded(path, recording("one"))
        before = file.read_bytes()
        with (
            files_no_longer_than(len(before) + 100),
            pytest.raises(CassetteError, match="Make room"),
        ):
            journal.recorded(path, recording("two", key="k2"))
        after = file.read_bytes()
        journal.recorded(path, recording("three", key="k3"))

    assert after == before
    assert fold(tmp_path, "r1", whole=True).count == 2
    assert texts(path) == ["one", "three"]


def test_a_line_is_written_to_its_end_however_little_goes_out_at_once(
    tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Reluctant(FileIO):
        def write(self, content: bytes) -> int:  # type: ignore[override]
            return super().write(content[:7])

    monkeypatch.setattr("pytest_llmprod.wire.cassettes.journal.FileIO", Reluctant)
    with journal_of(tmp_path) as journal:
        journal.recorded(path, recording("one"))
        journal.recorded(path, recording("two", key="k2"))

    fold(tmp_path, "r1", whole=True)
    assert texts(path) == ["one", "two"]
