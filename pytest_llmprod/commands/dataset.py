"""The commands `llmprod dataset ...`: how they are called."""

import argparse
from typing import Any

from pytest_llmprod.commands.arguments import existing_file, existing_path


def add_commands(verbs: Any) -> None:
    """Add the verbs of `dataset` to its argparse sub-parsers."""
    _add_check(verbs)
    _add_freeze(verbs)
    _add_add(verbs)


def _add_check(verbs: Any) -> None:
    check = verbs.add_parser(
        "check",
        help="look for duplicates, leaks, classes, changes and more",
        description="Look through data sets for rows that differ from the lock, duplicates, near "
        "duplicates, rows without an expectation, labels that leak into the input, and classes "
        "that are large or small; with the options for more. Exits with 1 where something has to "
        "be mended; notes do not count.",
    )
    check.add_argument(
        "files",
        nargs="+",
        type=existing_file,
        metavar="FILE",
        help="a data set, in JSONL, CSV, YAML or JSON",
    )
    add = check.add_argument
    add(
        "--margin",
        type=_margin,
        metavar="SHARE",
        help="say whether there are cases enough to pass a threshold that lies this far below "
        "--score, such as 0.05",
    )
    add(
        "--score",
        type=_share,
        default=0.9,
        metavar="SHARE",
        help="the score that is expected; default: 0.9",
    )
    add(
        "--max-age",
        type=_days,
        metavar="DAYS",
        help="find data sets that were frozen more than so many days ago",
    )
    add(
        "--prompt",
        action="append",
        default=[],
        type=existing_file,
        metavar="FILE",
        help="a prompt in which no case may be an example; may be repeated",
    )
    add(
        "--cassettes",
        action="append",
        default=[],
        type=existing_path,
        metavar="FOLDER",
        help="recorded requests in which no other case may be an example; may be repeated",
    )
    add(
        "--outputs",
        type=existing_file,
        metavar="FILE",
        help="answers, or what --llm-json wrote; say whether they are all the same",
    )
    add(
        "--extractive",
        action="store_true",
        help="the task is to find the answer in the input: a label that stands there is no leak",
    )
    add("--json", action="store_true", help="print all findings, as JSON")
    check.set_defaults(run=_check, parser=check)


def _add_freeze(verbs: Any) -> None:
    freeze = verbs.add_parser(
        "freeze",
        help="lock the rows of a data set",
        description="Write the lock of a data set, NAME.lock beside it: a digest of each row, who "
        "froze them, when, and why. A run on other rows then fails and names them.",
    )
    freeze.add_argument(
        "file", type=existing_file, metavar="FILE", help="a data set, in JSONL, CSV, YAML or JSON"
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


def _add_add(verbs: Any) -> None:
    add = verbs.add_parser(
        "add",
        help="make a row of a failing example, a complaint or a logged request",
        description="Append what stands on standard input to a data set: one JSON object with "
        "input and expected, or a line of the request log with gen_ai.input.messages. Secrets are "
        "masked, and an input that is there already is refused.",
    )
    add.add_argument(
        "file", type=existing_file, metavar="FILE", help="a data set, in JSONL, CSV, YAML or JSON"
    )
    add.add_argument(
        "--expected",
        metavar="JSON",
        help="what is expected, as JSON or as a text, where the object does not say it",
    )
    add.add_argument(
        "--tag", action="append", default=[], metavar="TAG", help="a tag; may be repeated"
    )
    add.set_defaults(run=_add, parser=add)


def _share(text: str) -> float:
    """Return a share, as the `type` of an argument."""
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no share; write 0.9 for 90 %")
    return share


def _margin(text: str) -> float:
    """Return a margin, as the `type` of an argument."""
    margin = _share(text)
    if not 0.001 <= margin <= 0.5:
        raise argparse.ArgumentTypeError(f"{text!r} is no margin from 0.001 to 0.5; write 0.05")
    return margin


def _days(text: str) -> int:
    """Return a number of days, as the `type` of an argument."""
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days; write 180")
    return int(text)


def _reason(text: str) -> str:
    """Return a reason, as the `type` of an argument."""
    if not any(char.isalnum() for char in text):
        raise argparse.ArgumentTypeError(
            f"{text!r} says nothing; write a reason, such as 'added 12 complaints of October'"
        )
    return text


def _check(options: argparse.Namespace) -> int:
    from pytest_llmprod.commands import dataset_check  # brings pydantic; other commands do without

    return dataset_check.run(options)


def _freeze(options: argparse.Namespace) -> int:
    from pytest_llmprod.commands import dataset_freeze  # brings pydantic; other commands do without

    return dataset_freeze.run(options)


def _add(options: argparse.Namespace) -> int:
    from pytest_llmprod.commands import dataset_add  # brings pydantic; other commands do without

    return dataset_add.run(options)
