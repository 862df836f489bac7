"""The command `llmprod prices lock`: what do the models in the recordings cost?"""

import argparse
import importlib.metadata
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pytest_llmprod.budgets import prices
from pytest_llmprod.budgets.prices import ModelPrice, PriceList
from pytest_llmprod.cli_arguments import existing_path
from pytest_llmprod.core.errors import PricesError
from pytest_llmprod.core.files import write_whole
from pytest_llmprod.core.text import counted, printable
from pytest_llmprod.wire.cassettes import any_cassette, folders


def add_commands(verbs: Any) -> None:
    """Add the verbs of `prices` to its argparse sub-parsers."""
    lock = verbs.add_parser(
        "lock",
        help="write the prices that runs use",
        description="Write llmprod.prices.toml with the prices of the models in the recordings "
        "below a folder, from the package genai-prices. Runs read nothing else.",
    )
    lock.add_argument(
        "folder",
        nargs="?",
        type=existing_path,
        default=Path(),
        metavar="FOLDER",
        help="where recordings lie, and where the file is written; default: here",
    )
    lock.set_defaults(run=_lock)


def _lock(options: argparse.Namespace) -> int:
    path = options.folder / prices.FILE_NAME
    models = _models(options.folder)
    by_hand = prices.load(path) if path.exists() else PriceList({})
    now = datetime.now(UTC)
    known, problems = _look_up(models, by_hand, now)
    source = f"genai-prices {importlib.metadata.version('genai-prices')}"
    text = prices.dump(known, source=source, locked_on=now.date())
    try:
        write_whole(path, text.encode())
    except OSError as error:
        raise PricesError(
            f"{path}: cannot be written ({error.strerror}). Make the file and its folder writable."
        ) from error
    print(f"{path}: {counted(len(known), 'model')} priced, from {source}")
    for problem in problems:
        print(f"llmprod: {printable(problem)}", file=sys.stderr)
    return 1 if problems else 0


def _models(folder: Path) -> list[tuple[str, str]]:
    """Return (provider, model) of each recording that has tokens: nothing else can be priced."""
    found = {
        (any_cassette.provider_of(recording), recording.model)
        for path in folders.find_below(folder)
        for recording in any_cassette.read(path)
        if recording.usage is not None
    }
    if not found:
        raise PricesError(
            f"{folder}: no recording below this folder tells how many tokens it took, so there is "
            f"nothing to price. Record an answer with `pytest --llm-eval --llm-record=once`."
        )
    return sorted(found)


def _look_up(
    models: Iterable[tuple[str, str]], by_hand: PriceList, now: datetime
) -> tuple[dict[tuple[str, str], ModelPrice], list[str]]:
    """Return the prices, those that were set by hand where nobody else knows, and what is wrong."""
    known: dict[tuple[str, str], ModelPrice] = {}
    problems = []
    for provider, model in models:
        try:
            known[provider, model] = prices.look_up(provider, model, now)
        except PricesError as error:
            kept = by_hand.find(provider, model)
            if kept is None:
                problems.append(str(error))
            else:
                known[provider, model] = kept
    return known, problems
