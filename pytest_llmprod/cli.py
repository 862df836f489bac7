"""The command `llmprod`: what is done outside of a test run.

Every command exits with 0 when all is well, with 1 when it found something, and with 2 when it was
called in a wrong way.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any

from pytest_llmprod.commands import (
    accept,
    audit,
    cassette,
    compare,
    dataset,
    decide,
    init,
    judge,
    log,
    merge,
    prices,
    runbook,
    selfcheck,
    serve,
)
from pytest_llmprod.commands.arguments import CommandParser
from pytest_llmprod.commands.layout import print_error
from pytest_llmprod.core.errors import LlmprodError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    options = make_parser().parse_args(arguments)
    try:
        status: int = options.run(options)
    except LlmprodError as error:
        print_error(str(error))
        return 1
    except BrokenPipeError:  # the reader, `head` for instance, has seen enough
        sys.stderr.close()
        return 0
    return status


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = CommandParser(
        prog="llmprod",
        description="What is done outside of a test run. Every command exits with 0 when all is "
        "well, with 1 when it found something, and with 2 when it was called in a wrong way.",
        epilog="`llmprod NOUN VERB --help` says more about one command.",
    )
    nouns = parser.add_subparsers(required=True)

    init.add_command(nouns)
    _add(nouns, "dataset", "data sets of evals: check, freeze, add", dataset.add_commands)
    cassettes = "recordings: show, check, diff, prune, export, import"
    _add(nouns, "cassette", cassettes, cassette.add_commands)
    _add(nouns, "judge", "metrics that ask a model: calibrate", judge.add_commands)
    about_log = "what runs asked and got: ls, show, grep, sql, purge, import"
    _add(nouns, "log", about_log, log.add_commands)
    _add(nouns, "prices", "what models cost: lock, diff", prices.add_commands)
    accept.add_command(nouns)
    audit.add_command(nouns)
    compare.add_command(nouns)
    decide.add_command(nouns)
    merge.add_command(nouns)
    runbook.add_command(nouns)
    selfcheck.add_command(nouns)
    serve.add_command(nouns)
    return parser


def _add(nouns: Any, noun: str, what: str, add_commands: Callable[[Any], None]) -> None:
    verbs = nouns.add_parser(noun, help=what).add_subparsers(required=True)
    add_commands(verbs)


if __name__ == "__main__":
    sys.exit(main())
