import errno
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pytest_llmprod.core.files import add_lines, write_whole


def test_content_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(b"old and longer")

    write_whole(path, b"new\r\n\x00")

    assert path.read_bytes() == b"new\r\n\x00"
    assert os.listdir(tmp_path) == ["file.json"]


def test_missing_folders_are_made(tmp_path: Path) -> None:
    write_whole(tmp_path / "a" / "b" / "file.json", b"x")

    assert (tmp_path / "a" / "b" / "file.json").read_bytes() == b"x"


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o027, 0o640), (0o002, 0o664)])
def test_the_umask_says_who_may_read_a_new_file(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        write_whole(tmp_path / "file.json", b"x")
    finally:
        os.umask(before)

    assert (tmp_path / "file.json").stat().st_mode & 0o777 == mode


@pytest.mark.parametrize("mode", [0o600, 0o664, 0o755])
def test_an_old_file_keeps_its_mode(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(b"old")
    path.chmod(mode)

    write_whole(path, b"new")

    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == mode


@pytest.mark.parametrize("exists", [True, False])
def test_a_link_stays_and_its_target_is_replaced(tmp_path: Path, exists: bool) -> None:
    target = tmp_path / "shared" / "file.json"
    if exists:
        target.parent.mkdir()
        target.write_bytes(b"old")
    link = tmp_path / "file.json"
    link.symlink_to(Path("shared", "file.json"))

    write_whole(link, b"new")

    assert link.readlink() == Path("shared", "file.json")
    assert target.read_bytes() == b"new"
    assert os.listdir(target.parent) == ["file.json"]


def test_a_read_only_file_is_respected(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(b"old")
    path.chmod(0o444)

    with pytest.raises(PermissionError) as caught:
        write_whole(path, b"new")

    assert (caught.value.errno, caught.value.strerror) == (errno.EACCES, "the file is read-only")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file.json"]


@pytest.mark.parametrize("step", ["fsync", "chmod", "replace"])
def test_a_full_disk_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(b"old")

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, step, fail)

    with pytest.raises(OSError, match="No space left"):
        write_whole(path, b"new")

    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file.json"]


def test_a_broken_off_write_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(b"old")

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)

    with pytest.raises(KeyboardInterrupt):
        write_whole(path, b"new")

    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file.json"]


def test_a_folder_that_cannot_be_made_is_an_oserror(tmp_path: Path) -> None:
    (tmp_path / "taken").write_bytes(b"a file")

    with pytest.raises(OSError, match="taken"):
        write_whole(tmp_path / "taken" / "file.json", b"new")

    assert (tmp_path / "taken").read_bytes() == b"a file"


KILLED = """
import os, signal, sys
from pathlib import Path
from pytest_llmprod.core.files import write_whole
os.fsync = lambda file: os.kill(os.getpid(), signal.SIGKILL)
write_whole(Path(sys.argv[1]), b"killed")
"""


def leave_behind(path: Path, *, age_s: float) -> Path:
    """Have a process killed while it writes `path`, and return the file that it left."""
    before = set(path.parent.iterdir())
    killed = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    (left,) = set(path.parent.iterdir()) - before
    written_at = left.stat().st_mtime - age_s
    os.utime(left, (written_at, written_at))
    return left


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
def test_what_a_killed_write_left_goes_with_a_later_one(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(b"old")
    for _ in range(3):
        leave_behind(path, age_s=7200)
    in_the_way = tmp_path / ".llmprod-x.tmp"
    in_the_way.mkdir()
    os.utime(in_the_way, (0, 0))
    was_untouched = path.read_bytes() == b"old"

    write_whole(path, b"new")

    assert was_untouched
    assert path.read_bytes() == b"new"
    assert sorted(os.listdir(tmp_path)) == [".llmprod-x.tmp", "file.json"]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="everybody may list it")
def test_a_folder_that_nobody_may_list_is_written_to(tmp_path: Path) -> None:
    tmp_path.chmod(0o300)
    try:
        write_whole(tmp_path / "file.json", b"new")
    finally:
        tmp_path.chmod(0o700)

    assert os.listdir(tmp_path) == ["file.json"]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
def test_what_another_process_may_still_be_writing_stays(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    left = leave_behind(path, age_s=60)

    write_whole(path, b"new")

    assert left.read_bytes() == b"killed"


def test_old_files_of_others_stay(tmp_path: Path) -> None:
    others = [tmp_path / name for name in (".tmp", ".theirs.tmp", ".llmprod-x", "llmprod-x.tmp")]
    for other in others:
        other.write_bytes(b"theirs")
        os.utime(other, (0, 0))

    write_whole(tmp_path / "file.json", b"new")

    assert all(other.exists() for other in others)


def test_writers_of_one_file_at_once_leave_what_one_of_them_wrote(tmp_path: Path) -> None:
    path = tmp_path / "file.json"

    def write(writer: int) -> None:
        for _ in range(20):
            write_whole(path, b"%d" % writer * 1000)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))

    assert path.read_bytes() in [b"%d" % writer * 1000 for writer in range(8)]
    assert os.listdir(tmp_path) == ["file.json"]


def test_lines_are_added_on_lines_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"

    add_lines(path, b"one\n")
    add_lines(path, b"two")  # as an editor saves it
    add_lines(path, b"three\n")

    assert path.read_bytes() == b"one\ntwo\nthree\n"
