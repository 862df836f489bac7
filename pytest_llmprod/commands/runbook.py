"""The command `llmprod runbook`: a runbook whose marked parts stay true."""

import argparse
import os
import shlex
from pathlib import Path
from typing import Any

from pytest_llmprod.core.errors import HandoffError
from pytest_llmprod.core.text import counted, printable


def add_command(nouns: Any) -> None:
    """Add `runbook` to the argparse sub-parsers of `llmprod`."""
    runbook = nouns.add_parser(
        "runbook",
        help="write a runbook, or renew its marked parts",
        description="Write a runbook, or renew what stands between its marks: models, prompts, "
        "budgets, scores, failures, fallback, logs, swap, people. It is made from the files in "
        "this folder, the rootdir of pytest. What stands outside of the marks stays.",
    )
    runbook.add_argument(
        "file", nargs="?", type=_in_a_folder, default=Path("RUNBOOK.md"), metavar="FILE",
        help="default: RUNBOOK.md",
    )  # fmt: skip
    runbook.add_argument(
        "--check",
        action="store_true",
        help="write nothing; exit with 1 where a marked part is out of date",
    )
    runbook.set_defaults(run=_runbook)


def _in_a_folder(text: str) -> Path:
    """Return the path of a runbook; its folder has to be there, for a name may be mistyped."""
    path = Path(text)
    if not os.path.isdir(path.parent):  # of a name that no system takes, Path raises an error
        folder = printable(str(path.parent))
        raise argparse.ArgumentTypeError(
            f"{printable(text)}: there is no folder {folder}; make it with: "
            f"mkdir -p {shlex.quote(folder)}"
        )
    return path


def _runbook(options: argparse.Namespace) -> int:
    from pytest_llmprod.composition import runbooks  # other commands do without

    root, path = Path.cwd(), options.file
    name = printable(str(path))
    if options.check and not path.exists():
        raise HandoffError(
            f"{name}: there is no runbook; write it with: llmprod runbook {shlex.quote(name)}"
        )
    if options.check:
        stale = runbooks.outdated(root, path)
        for each in stale:
            print(f"{name}:{each.line}: out of date: {each.name}")
        print(
            f"renew it with: llmprod runbook {shlex.quote(name)}"
            if stale
            else f"{name}: up to date"
        )
        return 1 if stale else 0
    if not path.exists():
        runbooks.write_new(root, str(path))
        print(f"{name}: written; fill in what only people know")
        return 0
    renewed = [each.name for each in runbooks.renew(root, path)]
    if renewed:
        print(f"{name}: renewed {counted(len(renewed), 'part')}: {', '.join(renewed)}")
    else:
        print(f"{name}: up to date")
    return 0
