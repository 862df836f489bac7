import subprocess
from pathlib import Path

import pytest

from pytest_llmprod.records.head import head_commit


def git(folder: Path, *words: str) -> str:
    names = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "init.defaultBranch=main")
    result = subprocess.run(
        ["git", *names, *words], cwd=folder, capture_output=True, text=True, check=True
    )
    return result.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    (folder / "sub").mkdir(parents=True)
    git(folder, "init", "-q")
    git(folder, "commit", "-q", "--allow-empty", "-m", "One")
    return folder


def test_the_commit_is_that_of_git(repository: Path) -> None:
    assert head_commit(repository / "sub") == git(repository, "rev-parse", "HEAD")


def test_the_commit_of_a_packed_ref_is_that_of_git(repository: Path) -> None:
    git(repository, "pack-refs", "--all")

    assert head_commit(repository) == git(repository, "rev-parse", "HEAD")


def test_the_commit_of_a_detached_head_is_that_of_git(repository: Path) -> None:
    git(repository, "checkout", "-q", "--detach")

    assert head_commit(repository) == git(repository, "rev-parse", "HEAD")


def test_the_commit_of_a_work_tree_is_its_own(repository: Path, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    git(repository, "worktree", "add", "-q", "-b", "other", str(tree))
    git(tree, "commit", "-q", "--allow-empty", "-m", "Two")
    git(repository, "pack-refs", "--all")

    assert head_commit(tree) == git(tree, "rev-parse", "HEAD")
    assert head_commit(tree) != head_commit(repository)


def test_there_is_no_commit_before_the_first_one(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")

    assert head_commit(tmp_path) == ""


def test_there_is_no_commit_outside_of_a_repository(tmp_path: Path) -> None:
    assert head_commit(tmp_path) == ""


def test_a_ref_that_leads_to_itself_ends(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text("ref: HEAD\n")

    assert head_commit(tmp_path) == ""
