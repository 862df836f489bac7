"""The command `llmprod dataset freeze`: somebody says that the rows of a data set are right."""

import argparse
import getpass
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from pytest_llmprod.core.text import counted, printable, shorten
from pytest_llmprod.evals import dataset as datasets
from pytest_llmprod.evals import lock_file
from pytest_llmprod.evals.lock import Changes, find_changes, freeze
from pytest_llmprod.report.layout import COLUMNS

_GIT_TIMEOUT_S = 5


def run(options: argparse.Namespace) -> int:
    """Write the lock of a data set and say what is new in it."""
    path: Path = options.file
    dataset = datasets.load(path)
    who = printable(_who(options))
    old = lock_file.read(path)
    changes = Changes() if old is None else find_changes(dataset, old)
    new = freeze(
        dataset,
        old,
        name=lock_file.real_path(path).name,
        who=who,
        why=printable(options.why),
        now=datetime.now(UTC),
    )
    place = printable(str(lock_file.lock_path(path)))
    if new is old:
        latest = old.latest
        print(f"{place}: nothing changed, nothing written")
        print(
            shorten(f"  frozen {latest.frozen_at:%Y-%m-%d} by {latest.who}: {latest.why}", COLUMNS)
        )
        return 0
    lock_file.write(path, new)
    print(f"{place}: froze {counted(len(dataset.cases), 'case')}, revision {len(new.earlier) + 1}")
    for line in changes.lines():
        print(f"  {line}")
    print("commit it together with the data set")
    return 0


def _who(options: argparse.Namespace) -> str:
    """Return the name that was given, else git's, else that of the login."""
    name = options.who if options.who is not None else _git_name(options.file) or _login()
    if not name.strip():
        options.parser.error("nobody knows who you are; say so with --who NAME")
    return str(name)


def _git_name(path: Path) -> str:
    try:
        git = subprocess.run(
            ["git", "config", "user.name"],
            cwd=path.absolute().parent,
            capture_output=True,
            timeout=_GIT_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return git.stdout.decode("utf-8", "replace").strip()


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container without a user of this number
        return ""
