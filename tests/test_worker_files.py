"""Files of a worker on another disk: in whole lines, once each, into the project alone."""

from pathlib import Path

import pytest

from pytest_llmprod.composition.worker_files import Inbox, Outbox
from pytest_llmprod.core.errors import LogError
from pytest_llmprod.wire.cassettes import locks


def journal(root: Path, name: str = "gw0.jsonl") -> Path:
    path = root / ".llmprod" / "recording" / "r1" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def test_what_was_added_is_sent_once_and_in_whole_lines() -> None:
    outbox = Outbox("r1")
    path = journal(outbox.home)
    assert outbox.drain() == {}
    path.write_bytes(b"one\ntw")
    first = outbox.drain()
    path.write_bytes(b"one\ntwo\nthree\n")
    journal(outbox.home, "gw0.4711.jsonl").write_bytes(b"of a child\n")
    second = outbox.drain()
    outbox.delete()

    assert first == {"recording/gw0.jsonl": b"one\n"}
    assert second == {
        "recording/gw0.jsonl": b"two\nthree\n",
        "recording/gw0.4711.jsonl": b"of a child\n",
    }
    assert not outbox.home.exists()


def test_what_comes_is_appended_and_its_journal_is_claimed_until_the_end(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path, "r1")
    inbox.take({"recording/gw0.jsonl": b"one\n", "runs/gw0.bodies": b"body\n"})
    inbox.take({"recording/gw0.jsonl": b"two\n"})
    path = journal(tmp_path)
    is_claimed = locks.is_claimed(path)
    inbox.close()

    assert is_claimed
    assert not locks.is_claimed(path)
    assert path.read_bytes() == b"one\ntwo\n"
    assert (tmp_path / ".llmprod" / "runs" / "r1" / "gw0.bodies").read_bytes() == b"body\n"
    assert (tmp_path / ".llmprod" / ".gitignore").read_bytes() == b"*\n"


@pytest.mark.parametrize(
    "name", ["../x", "recording/../../x", "recording/.hidden", "other/x", "recording/a/b", "x", ""]
)
def test_no_name_leads_out_of_the_folders_of_the_run(tmp_path: Path, name: str) -> None:
    inbox = Inbox(tmp_path, "r1")

    with pytest.raises(LogError, match="is no file that a worker"):
        inbox.take({name: b"line\n"})
    assert list(tmp_path.iterdir()) == []
