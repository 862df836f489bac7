"""Folders: cassettes are found, and nothing else is."""

from pathlib import Path

import pytest

from pytest_llmprod.core.errors import CassetteError
from pytest_llmprod.wire.cassettes import folders


def make(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")


def found(folder: Path, *places: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in folders.find(places)]


def test_folders_named_cassettes_are_searched_at_any_depth(tmp_path: Path) -> None:
    make(tmp_path, "cassettes/a/x.json", "sub/cassettes/b.yaml", "sub/cassettes/c.yml")
    make(tmp_path, "package.json", "sub/settings.yaml", "cassettes/a/notes.txt")

    assert found(tmp_path, tmp_path) == [
        "cassettes/a/x.json",
        "sub/cassettes/b.yaml",
        "sub/cassettes/c.yml",
    ]


def test_no_place_means_below_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "sub/cassettes/a.json", "package.json")
    monkeypatch.chdir(tmp_path)

    assert folders.find([]) == [Path("sub/cassettes/a.json")]


def test_environments_and_hidden_folders_are_not_entered(tmp_path: Path) -> None:
    make(tmp_path, ".git/cassettes/a.json", "node_modules/cassettes/a.json")
    make(tmp_path, "env/pyvenv.cfg", "env/lib/cassettes/a.json", "cassettes/b.json")

    assert found(tmp_path, tmp_path) == ["cassettes/b.json"]


@pytest.mark.parametrize("folder", ["cassettes", "cassettes/a", "vcr"])
def test_a_folder_without_such_a_folder_is_one_itself(tmp_path: Path, folder: str) -> None:
    make(tmp_path / folder, "x.json", "more/y.json")

    assert found(tmp_path / folder, tmp_path / folder) == ["more/y.json", "x.json"]


def test_a_folder_named_cassettes_counts_with_all_that_is_in_it(tmp_path: Path) -> None:
    make(tmp_path, "cassettes/a.json", "cassettes/other/cassettes/b.json")

    assert found(tmp_path, tmp_path / "cassettes") == [
        "cassettes/a.json",
        "cassettes/other/cassettes/b.json",
    ]


def test_a_file_that_is_named_twice_is_found_once(tmp_path: Path) -> None:
    make(tmp_path, "cassettes/a.json")

    assert found(tmp_path, tmp_path / "cassettes" / "a.json", tmp_path) == ["cassettes/a.json"]


def test_a_place_that_does_not_exist_is_told(tmp_path: Path) -> None:
    with pytest.raises(CassetteError, match=r"none: there is no such file or folder\. Name a"):
        folders.find([tmp_path, tmp_path / "none"])


def test_no_cassette_at_all_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(CassetteError, match=r"there is no cassette below\. Record one with"):
        folders.find([])
