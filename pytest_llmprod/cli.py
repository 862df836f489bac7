"""The command `llmprod`: what is done outside of a test run.

Every command exits with 0 when all is well, with 1 when it found something, and with 2 when it was
called in a wrong way.
"""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from pytest_llmprod import cli_cassette
from pytest_llmprod.core.errors import LlmprodError, PricesError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options)
    except LlmprodError as error:
        print(f"llmprod: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader, `head` for instance, has seen enough
        sys.stderr.close()
        return 0
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="llmprod",
        description="What is done outside of a test run. Every command exits with 0 when all is "
        "well, with 1 when it found something, and with 2 when it was called in a wrong way.",
        epilog="`llmprod NOUN VERB --help` says more about one command.",
    )
    nouns = parser.add_subparsers(metavar="NOUN", required=True)

    dataset = nouns.add_parser("dataset", help="data sets of evals: check").add_subparsers(
        metavar="VERB", required=True
    )
    check = dataset.add_parser(
        "check",
        help="say whether data sets can be read",
        description="Say of each data set how many cases it has, or why it cannot be read.",
    )
    check.add_argument(
        "files", nargs="+", type=Path, metavar="FILE", help="in JSONL, CSV, YAML or JSON"
    )
    check.set_defaults(run=_dataset_check)

    cassette = nouns.add_parser(
        "cassette", help="recordings: show, check, diff, prune, export, import"
    )
    cli_cassette.add_commands(cassette.add_subparsers(metavar="VERB", required=True))

    prices = nouns.add_parser("prices", help="what models cost: lock").add_subparsers(
        metavar="VERB", required=True
    )
    lock = prices.add_parser(
        "lock",
        help="write the prices that runs use",
        description="Write llmprod.prices.toml with the prices of the models in the recordings "
        "below a folder, from the package genai-prices. Runs read nothing else.",
    )
    lock.add_argument(
        "folder",
        nargs="?",
        type=Path,
        default=Path(),
        metavar="FOLDER",
        help="where recordings lie, and where the file is written; default: here",
    )
    lock.set_defaults(run=_prices_lock)
    return parser


def _dataset_check(options: argparse.Namespace) -> int:
    from pytest_llmprod.evals import dataset  # brings pydantic; other commands do without

    status = 0
    for path in options.files:
        try:
            cases = dataset.load(path).cases
        except LlmprodError as error:
            print(f"llmprod: {error}", file=sys.stderr)
            status = 1
        else:
            print(f"{path}: {len(cases)} cases")
    return status


def _prices_lock(options: argparse.Namespace) -> int:
    import importlib.metadata

    from pytest_llmprod.budgets import prices
    from pytest_llmprod.core.files import write_whole

    found = {
        (each["provider"], each["model"])
        for path in sorted(options.folder.rglob("cassettes/**/*.json"))
        for each in cli_cassette.exchanges(path)
    }
    if not found:
        raise PricesError(
            f"{options.folder}: there is no cassette below this folder. Record one with "
            f"`pytest --llm-eval --llm-record=once`, then lock its prices."
        )
    path = options.folder / prices.FILE_NAME
    by_hand = prices.load(path) if path.exists() else prices.PriceList({})
    now = datetime.now(UTC)
    known = {}
    unknown = []
    for provider, model in sorted(found):
        try:
            known[provider, model] = prices.look_up(provider, model, now)
        except PricesError as error:
            kept = by_hand.find(provider, model)
            if kept is None:
                unknown.append(str(error))
            else:
                known[provider, model] = kept
    source = f"genai-prices {importlib.metadata.version('genai-prices')}"
    text = prices.dump(known, source=source, locked_on=now.date())
    try:
        write_whole(path, text.encode())
    except OSError as error:
        raise PricesError(
            f"{path}: cannot be written ({error.strerror}). Make the file and its folder writable."
        ) from error
    print(f"{path}: {len(known)} models priced, from {source}")
    for problem in unknown:
        print(f"llmprod: {problem}", file=sys.stderr)
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main())
