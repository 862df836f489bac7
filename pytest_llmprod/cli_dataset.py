"""The commands `llmprod dataset ...`: how they are called."""

import argparse
from typing import Any

from pytest_llmprod.cli_arguments import existing_path


def add_commands(verbs: Any) -> None:
    """Add the verbs of `dataset` to its argparse sub-parsers."""
    _add_check(verbs)
    _add_freeze(verbs)


def _add_check(verbs: Any) -> None:
    check = verbs.add_parser(
        "check",
        help="say whether data sets can be read",
        description="Say of each data set how many cases it has, or why it cannot be read.",
    )
    check.add_argument(
        "files", nargs="+", type=existing_path, metavar="FILE", help="in JSONL, CSV, YAML or JSON"
    )
    check.set_defaults(run=_check)


def _add_freeze(verbs: Any) -> None:
    freeze = verbs.add_parser(
        "freeze",
        help="lock the rows of a data set",
        description="Write the lock of a data set, NAME.lock beside it: a digest of each row, who "
        "froze them, when, and why. A run on other rows then fails and names them.",
    )
    freeze.add_argument(
        "file", type=existing_path, metavar="FILE", help="in JSONL, CSV, YAML or JSON"
    )
    freeze.add_argument(
        "--why",
        required=True,
        type=_reason,
        metavar="TEXT",
        help="what changed, and why that is right",
    )
    freeze.add_argument(
        "--who", metavar="NAME", help="default: git's user.name, or the name of the login"
    )
    freeze.set_defaults(run=_freeze, parser=freeze)


def _reason(text: str) -> str:
    """Return a reason, as the `type` of an argument."""
    if not any(char.isalnum() for char in text):
        raise argparse.ArgumentTypeError(
            f"{text!r} says nothing; write a reason, such as 'added 12 complaints of October'"
        )
    return text


def _check(options: argparse.Namespace) -> int:
    from pytest_llmprod import cli_dataset_check  # brings pydantic; other commands do without

    return cli_dataset_check.run(options)


def _freeze(options: argparse.Namespace) -> int:
    from pytest_llmprod import cli_dataset_freeze  # brings pydantic; other commands do without

    return cli_dataset_freeze.run(options)
