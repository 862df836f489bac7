"""Locks: whoever writes a cassette is alone with it."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pytest_llmprod.core.errors import CassetteError
from pytest_llmprod.wire.cassettes import locks


def test_who_writes_a_cassette_holds_the_lock_of_each_project_above_it(tmp_path: Path) -> None:
    inner = tmp_path / "packages" / "one"
    cassette = inner / "cassettes" / "test_m" / "test.gpt.json"
    for project in (tmp_path, inner):
        (project / locks.LOCK.parent).mkdir(parents=True)

    with locks.alone_with([cassette]):
        held = [locks.is_claimed(project / locks.LOCK) for project in (tmp_path, inner)]

    assert held == [True, True]
    assert not locks.is_claimed(tmp_path / locks.LOCK)


def test_a_project_that_a_link_gives_two_names_is_locked_once(tmp_path: Path) -> None:
    project, link = tmp_path / "project", tmp_path / "link"
    (project / locks.LOCK.parent).mkdir(parents=True)
    link.symlink_to(project)

    with locks.alone_with([link / "a.json", project / "b.json"]):
        assert locks.is_claimed(project / locks.LOCK)


def test_a_cassette_in_a_linked_folder_belongs_to_the_projects_of_both_places(
    tmp_path: Path,
) -> None:
    project, shared = tmp_path / "project", tmp_path / "shared"
    for each in (project, shared):
        (each / locks.LOCK.parent).mkdir(parents=True)
    (project / "cassettes").symlink_to(shared)

    with locks.alone_with([project / "cassettes" / "a.json"]):
        assert locks.is_claimed(project / locks.LOCK)
        assert locks.is_claimed(shared / locks.LOCK)


def test_a_cassette_named_from_within_its_folder_is_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / locks.LOCK.parent).mkdir()
    monkeypatch.chdir(tmp_path)

    with locks.alone_with([Path("a.json")]):
        assert locks.is_claimed(tmp_path / locks.LOCK)


def test_two_that_write_the_cassettes_of_two_projects_do_not_wait_for_each_other(
    tmp_path: Path,
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for project in (one, two):
        (project / locks.LOCK.parent).mkdir(parents=True)

    def write(*projects: Path) -> int:
        for _ in range(20):
            with locks.alone_with(project / "a.json" for project in projects):
                pass
        return len(projects)

    with ThreadPoolExecutor(2) as pool:
        done = [pool.submit(write, one, two), pool.submit(write, two, one)]

        assert [each.result(timeout=30) for each in done] == [2, 2]


def test_where_nobody_has_recorded_no_lock_is_left(tmp_path: Path) -> None:
    with locks.alone_with([tmp_path / "cassettes" / "a.json"]):
        pass

    assert list(tmp_path.iterdir()) == []


def test_a_lock_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / locks.LOCK).mkdir(parents=True)

    with (
        pytest.raises(CassetteError, match=r"recording\.lock: cannot be written"),
        locks.alone_with([tmp_path / "a.json"]),
    ):
        pass


def test_a_cassette_in_a_folder_that_links_deep_into_another_project_is_its_too(
    tmp_path: Path,
) -> None:
    project, other = tmp_path / "project", tmp_path / "other"
    for each in (project, other):
        (each / locks.LOCK.parent).mkdir(parents=True)
    (other / "kept" / "here").mkdir(parents=True)
    (project / "cassettes").symlink_to(other / "kept" / "here")

    with locks.alone_with([project / "cassettes" / "a.json"]):
        assert locks.is_claimed(other / locks.LOCK)
