"""The commands `llmprod log ...`: how they are called."""

import argparse
import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pytest_llmprod.commands.arguments import existing_file
from pytest_llmprod.core.text import printable
from pytest_llmprod.records.log import FOLDER

_UNITS = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}


def add_commands(verbs: Any) -> None:
    """Add the verbs of `log` to its argparse sub-parsers."""
    _add_ls(verbs)
    _add_show(verbs)
    _add_grep(verbs)
    _add_sql(verbs)
    _add_purge(verbs)
    _add_import(verbs)


def _add_ls(verbs: Any) -> None:
    parser = verbs.add_parser(
        "ls",
        help="list the runs",
        description="List the runs that left a log, the newest last.",
    )
    _add_common(parser, "print JSON instead of a table")
    parser.set_defaults(run=_ls)


def _add_show(verbs: Any) -> None:
    parser = verbs.add_parser(
        "show",
        help="show one exchange and the command that replays it",
        description="Show what was asked and answered in one exchange, its figures, and the "
        "command that replays it.",
    )
    parser.add_argument(
        "name",
        metavar="REQUEST|CASE",
        help="an id as `grep` prints it, or its beginning; the provider's id of the answer; or a "
        "case, whose last exchange is shown",
    )
    parser.add_argument("--in", dest="of_run", metavar="RUN", help="only look in this run")
    parser.add_argument("--full", action="store_true", help="cut nothing, however long it is")
    _add_common(parser, "print JSON instead of text")
    parser.set_defaults(run=_show)


def _add_grep(verbs: Any) -> None:
    parser = verbs.add_parser(
        "grep",
        help="find exchanges by what was said in them",
        description="Find the exchanges in which a text was asked or answered, or whose names hold "
        "it, in upper or lower case, the newest first. Exits with 1 where there is none.",
    )
    parser.add_argument("text", metavar="TEXT", help="the text, as it was said")
    parser.add_argument(
        "--since",
        type=_moment,
        metavar="WHEN",
        help="only what happened since: 2d, 12h, or a date such as 2026-11-19, in UTC",
    )
    parser.add_argument("--feature", default="", metavar="NAME", help="only of this feature")
    parser.add_argument("--model", default="", metavar="NAME", help="only of this model")
    parser.add_argument(
        "--status",
        default="",
        metavar="STATUS",
        help="only with this outcome: error, an HTTP status such as 429, or hit, miss, skip",
    )
    parser.add_argument(
        "--limit", type=_count, default=10, metavar="N", help="print at most so many (default: 10)"
    )
    _add_common(parser, "print all of them as JSON")
    parser.set_defaults(run=_grep)


def _add_sql(verbs: Any) -> None:
    parser = verbs.add_parser(
        "sql",
        help="ask the log in SQL",
        description="Load the log into a table `exchanges` of SQLite, in memory, and ask it "
        "something. Without a query, and without --to, its columns are listed.",
    )
    parser.add_argument("query", nargs="?", metavar="QUERY", help="a statement in SQLite's SQL")
    parser.add_argument(
        "--to", type=Path, metavar="FILE", help="make this database, and keep it for other tools"
    )
    _add_common(parser, "print JSON instead of a table")
    parser.set_defaults(run=_sql)


def _add_purge(verbs: Any) -> None:
    parser = verbs.add_parser(
        "purge",
        help="remove runs, or what was said in them",
        description="Remove runs from the log, or only what was said in them.",
    )
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument(
        "--older-than", type=_age, metavar="AGE", help="runs that ended longer ago: 30d, 12h, 2w"
    )
    which.add_argument("--run", dest="of_run", metavar="RUN", help="this run")
    which.add_argument("--all", action="store_true", help="all runs")
    parser.add_argument(
        "--bodies-only",
        action="store_true",
        help="keep the figures: remove only what was asked and answered, and why tests failed",
    )
    _add_common(parser, "print JSON instead of a line")
    parser.set_defaults(run=_purge)


def _add_import(verbs: Any) -> None:
    parser = verbs.add_parser(
        "import",
        help="take over an application's own log",
        description="Make a run of the log of an application: JSON lines with one exchange each, "
        "or traces as OpenTelemetry writes them in JSON. Secrets are masked.",
    )
    parser.add_argument("file", type=existing_file, metavar="FILE", help="the log")
    parser.add_argument(
        "--feature", default="", metavar="NAME", help="of which feature it is, where it says none"
    )
    parser.add_argument(
        "--cases",
        type=Path,
        metavar="DATASET",
        help="also add what was asked to this data set, without what is there already",
    )
    parser.add_argument(
        "--test",
        type=_test,
        metavar="TEST",
        help="also make recordings of it for this test: test_triage.py::test_labels_a_ticket",
    )
    _add_common(parser, "print JSON instead of a line")
    parser.set_defaults(run=_import)


def _add_common(parser: argparse.ArgumentParser, json_help: str) -> None:
    parser.add_argument("--json", action="store_true", help=json_help)
    parser.add_argument(
        "--folder",
        type=Path,
        default=FOLDER,
        metavar="PATH",
        help=f"where the runs are (default: {FOLDER})",
    )


def _age(text: str) -> timedelta:
    found = re.fullmatch(r"(\d{1,5})([mhdw])", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{printable(text)!r} is no age such as 30d, 12h or 2w")
    return int(found[1]) * _UNITS[found[2]]


def _test(text: str) -> str:
    file, separator, function = text.partition("::")
    if not (separator and function and Path(file).is_file()) or "[" in function:
        raise argparse.ArgumentTypeError(
            f"{printable(text)!r} is no test of a file here such as test_a.py::test_b"
        )
    return text


def _moment(text: str) -> datetime:
    with suppress(argparse.ArgumentTypeError):
        return datetime.now(UTC) - _age(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        problem = f"{printable(text)!r} is neither an age such as 2d nor a date such as 2026-11-19"
        raise argparse.ArgumentTypeError(problem) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text[:10]) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{printable(text)!r} is no number from 1 on")
    return int(text)


def _ls(options: argparse.Namespace) -> int:
    from pytest_llmprod.commands import log_runs  # other commands do without

    return log_runs.list_runs(options)


def _purge(options: argparse.Namespace) -> int:
    from pytest_llmprod.commands import log_runs  # other commands do without

    return log_runs.purge(options, datetime.now(UTC))


def _show(options: argparse.Namespace) -> int:
    from pytest_llmprod.commands import log_show  # other commands do without

    return log_show.run(options)


def _grep(options: argparse.Namespace) -> int:
    from pytest_llmprod.commands import log_grep  # other commands do without

    return log_grep.run(options)


def _sql(options: argparse.Namespace) -> int:
    from pytest_llmprod.commands import log_sql  # other commands do without

    return log_sql.run(options)


def _import(options: argparse.Namespace) -> int:
    from pytest_llmprod.commands import log_import  # other commands do without

    return log_import.run(options)
