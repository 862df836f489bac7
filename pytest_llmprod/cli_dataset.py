"""The command `llmprod dataset check`: can the data sets of evals be read?"""

import argparse
import sys
from typing import Any

from pytest_llmprod.cli_arguments import existing_path
from pytest_llmprod.core.errors import LlmprodError
from pytest_llmprod.core.text import counted


def add_commands(verbs: Any) -> None:
    """Add the verbs of `dataset` to its argparse sub-parsers."""
    check = verbs.add_parser(
        "check",
        help="say whether data sets can be read",
        description="Say of each data set how many cases it has, or why it cannot be read.",
    )
    check.add_argument(
        "files", nargs="+", type=existing_path, metavar="FILE", help="in JSONL, CSV, YAML or JSON"
    )
    check.set_defaults(run=_check)


def _check(options: argparse.Namespace) -> int:
    from pytest_llmprod.evals import dataset  # brings pydantic; other commands do without

    status = 0
    for path in options.files:
        try:
            cases = dataset.load(path).cases
        except LlmprodError as error:
            print(f"llmprod: {error}", file=sys.stderr)
            status = 1
        else:
            print(f"{path}: {counted(len(cases), 'case')}")
    return status
