"""Head: which commit is checked out, read from `.git` without running git."""

import re
from pathlib import Path

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_MOST_LINKS = 5


def head_commit(folder: Path) -> str:
    """Return the commit that is checked out in the repository around `folder`, '' where none is.

    That is so outside of a repository, before its first commit, and where refs are kept in another
    way than as files (reftable).
    """
    for place in (folder, *folder.parents):
        git = _git_folder(place / ".git")
        if git is not None:
            return _resolved(git, "HEAD")
    return ""


def _git_folder(path: Path) -> Path | None:
    """Return the folder behind `.git`, which is a file in a work tree and in a submodule."""
    if path.is_dir():
        return path
    link = _first_line(path)
    return path.parent / link.removeprefix("gitdir: ") if link.startswith("gitdir: ") else None


def _resolved(git: Path, name: str) -> str:
    common = git / (_first_line(git / "commondir") or ".")  # where work trees share their refs
    for _ in range(_MOST_LINKS):
        value = _first_line(git / name) or _first_line(common / name) or _packed(common, name)
        if _COMMIT.fullmatch(value):
            return value
        if not value.startswith("ref: "):
            return ""
        name = value.removeprefix("ref: ")
    return ""


def _packed(common: Path, name: str) -> str:
    for line in _text(common / "packed-refs").splitlines():
        commit, _, ref = line.partition(" ")
        if ref == name:
            return commit
    return ""


def _first_line(path: Path) -> str:
    return _text(path).partition("\n")[0].strip()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError):
        return ""
