# PYTHON_ARGCOMPLETE_OK: a shell that completes every Python program looks for this word.
"""The command `llmprod`: what is done outside of a test run.

Every command exits with 0 when all is well, with 1 when it found something, and with 2 when it was
called in a wrong way.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any

from pytest_llmprod import __version__
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
from pytest_llmprod.commands.arguments import COMPLETES, CommandParser
from pytest_llmprod.commands.layout import print_error
from pytest_llmprod.core.errors import LlmprodError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    parser = make_parser()
    if COMPLETES:
        _complete(parser)
    options = parser.parse_args(arguments)
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
        description="What a team does with its tests of LLM features beside running them. The "
        "tests themselves are run with `pytest --llm-eval`, whose options stand in `pytest "
        "--help`. Every command exits with 0 when all is well, with 1 when it found something, and "
        "with 2 when it was called in a wrong way.",
        epilog="Start a feature with `llmprod init`. `llmprod COMMAND --help` says more about a "
        "command.",
    )
    parser.add_argument("--version", action="version", version=f"pytest-llmprod {__version__}")
    nouns = _commands_of(parser)

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
    parser = nouns.add_parser(
        noun,
        help=what,
        description=f"{what[0].upper()}{what[1:]}.",
        epilog=f"`llmprod {noun} COMMAND --help` says more about a command.",
    )
    add_commands(_commands_of(parser))


def _commands_of(parser: argparse.ArgumentParser) -> Any:
    """Return what takes the commands below `parser`, which shows its help where none is named."""

    def show_help(_: argparse.Namespace) -> int:
        parser.print_help(sys.stderr)
        return 2

    parser.set_defaults(run=show_help)
    return parser.add_subparsers(metavar="COMMAND", title="commands")


def _complete(parser: argparse.ArgumentParser) -> None:
    """Tell the shell that asks how the words of its line may go on, and exit.

    Where argcomplete is not installed this raises, for the command of the line must not run.
    """
    import argcomplete  # only a shell that completes needs it

    argcomplete.autocomplete(parser)


if __name__ == "__main__":
    sys.exit(main())
