import errno
import os
from pathlib import Path

import pytest

from pytest_llmprod.core.files import write_whole


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

    assert caught.value.strerror == "the file is read-only"
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
