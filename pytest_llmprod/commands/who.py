"""Who: the name of whoever calls a command that says who did something."""

import argparse
import getpass
import subprocess
from pathlib import Path

_GIT_TIMEOUT_S = 5


def who(options: argparse.Namespace, folder: Path) -> str:
    """Return the name that was given with --who, else that of git in `folder`, else the login's.

    Ends the command where nobody knows one.
    """
    name = options.who if options.who is not None else _git_name(folder) or _login()
    if not name.strip():
        options.parser.error("nobody knows who you are; say so with --who NAME")
    return str(name)


def _git_name(folder: Path) -> str:
    try:
        git = subprocess.run(
            ["git", "config", "user.name"],
            cwd=folder,
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
