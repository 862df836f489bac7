"""Arguments: what several commands take."""

import argparse
import os
import re
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pytest_llmprod.core.text import printable

#: Whether a shell asks by argcomplete how a line may go on: what it gives is not whole yet.
COMPLETES = "_ARGCOMPLETE" in os.environ


def existing_path(text: str) -> Path:
    """Return the path of a file or folder, as the `type` of an argument.

    Raises ArgumentTypeError where there is none: that is wrong use, and no finding.
    """
    path = Path(text)
    try:
        is_there = path.exists()
    except (OSError, ValueError):  # a name that no system takes
        is_there = False
    if not is_there:
        told = f"{printable(text)}: there is no such file or folder{_nearest(path)}"
        raise argparse.ArgumentTypeError(told)
    return path


def existing_file(text: str) -> Path:
    """Return the path of a file, as `existing_path` does; refuse a folder."""
    path = existing_path(text)
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"{printable(text)}: is a folder; name a file in it")
    return path


def port(text: str) -> int:
    """Return a port, as the `type` of an argument; the server says which numbers are none."""
    try:
        return int(text)
    except ValueError:
        told = f"{printable(text)}: a port is a number, such as 8080"
        raise argparse.ArgumentTypeError(told) from None


def stored_run(text: str) -> Path:
    """Return the path of a stored run, as `existing_file` does; say how one is stored."""
    try:
        return existing_file(text)
    except argparse.ArgumentTypeError as error:
        told = f"{error}. Store a run with: pytest --llm-eval --llm-json=run.json"
        raise argparse.ArgumentTypeError(told) from None


def _nearest(path: Path) -> str:
    """Return a question that names the file beside `path` whose name is nearest to its name."""
    try:
        names = [each.name for each in path.parent.iterdir()]
    except (OSError, ValueError):
        return ""
    near = get_close_matches(path.name, names, n=1, cutoff=0.8)
    return f"; did you mean {printable(str(path.parent / near[0]))}?" if near else ""


class CommandParser(argparse.ArgumentParser):
    """A parser that refuses what it does not know by itself: its usage is the one to read."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Return the options and no rest; exit with 2, and the nearest option, where one is."""
        options, unknown = super().parse_known_args(args, namespace)
        if unknown and not COMPLETES:
            self.error(f"unrecognized arguments: {' '.join(unknown)}{self._meant(unknown)}")
        return options, unknown

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Refuse a word that is none of the choices; name the nearest one, or else all of them.

        argparse calls it for each argument with choices, and names them all whatever is meant.
        """
        if action.choices is None or value in action.choices:
            return
        choices = [str(each) for each in action.choices]
        near = get_close_matches(str(value), choices, n=1)
        told = f"did you mean {near[0]}?" if near else f"choose from {', '.join(choices)}"
        raise argparse.ArgumentError(action, f"there is no {printable(str(value))}; {told}")

    def _meant(self, unknown: Sequence[str]) -> str:
        names = re.findall(r"--[a-z-]+", self.format_usage())
        near = get_close_matches(unknown[0].partition("=")[0], names, n=1)
        return f"; did you mean {near[0]}?" if near else ""
