"""The commands `llmprod prices`: what do the models in the recordings cost, and what changed?"""

import argparse
import json
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pytest_llmprod.budgets import price_changes, price_lock, price_source, prices
from pytest_llmprod.budgets.price_changes import Change, Request
from pytest_llmprod.budgets.price_lock import FILE_NAME, Lock, Name
from pytest_llmprod.budgets.prices import ModelPrice, PriceList
from pytest_llmprod.commands.arguments import existing_path
from pytest_llmprod.commands.layout import print_error
from pytest_llmprod.composition import billing
from pytest_llmprod.core.errors import LlmprodError, PricesError
from pytest_llmprod.core.files import write_whole
from pytest_llmprod.core.text import counted, printable
from pytest_llmprod.report.layout import COLUMNS, command_lines, wrapped
from pytest_llmprod.report.table import named_table


def add_commands(verbs: Any) -> None:
    """Add the verbs of `prices` to its argparse sub-parsers."""
    lock = verbs.add_parser(
        "lock",
        help="write the prices that runs use",
        description="Write llmprod.prices.toml with the prices of the models in the recordings "
        "below a folder, from the package genai-prices. Runs read nothing else. What stands under "
        "[[overrides]] stays.",
    )
    _add_folder(lock, "where recordings lie, and where the file is written; default: here")
    lock.add_argument(
        "--model",
        dest="models",
        action="append",
        default=[],
        type=_name,
        metavar="PROVIDER/MODEL",
        help="price this model too, of which there is no recording yet (may be repeated)",
    )
    lock.set_defaults(run=_lock)

    diff = verbs.add_parser(
        "diff",
        help="what the recordings would cost at the prices of today",
        description="Price all recordings below a folder with its llmprod.prices.toml and with the "
        "package genai-prices, and show what changed. Exits with 1 where something did.",
    )
    _add_folder(diff, "where recordings lie; the file is the nearest one, upwards; default: here")
    diff.add_argument("--json", action="store_true", help="print JSON for scripts")
    diff.set_defaults(run=_diff)


def _add_folder(command: argparse.ArgumentParser, what: str) -> None:
    command.add_argument(
        "folder", nargs="?", type=existing_path, default=Path(), metavar="FOLDER", help=what
    )


def _name(text: str) -> Name:
    provider, _, model = text.partition("/")
    if not (provider and model):
        raise argparse.ArgumentTypeError(
            f"{printable(text)}: write the provider and the model, as in openai/gpt-5-mini"
        )
    return provider, model


def _lock(options: argparse.Namespace) -> int:
    path = options.folder / FILE_NAME
    old = price_lock.read(path) if path.exists() else Lock()
    now = datetime.now(UTC)
    known, problems = _look_up({*options.models, *_recorded(options)}, old, now)
    lock = Lock(
        source=price_source.name(),
        locked_on=now.date().isoformat(),
        models=known,
        overrides=old.overrides,
        notes=old.notes,
    )
    try:
        write_whole(path, price_lock.dump(lock).encode())
    except OSError as error:
        raise PricesError(
            f"{path}: cannot be written ({error.strerror}). Make the file and its folder writable."
        ) from error
    kept = f", and {counted(len(old.overrides), 'override')} kept" if old.overrides else ""
    print(f"{path}: {counted(len(known), 'model')} priced, from {lock.source}{kept}")
    _tell(problems)
    return 1 if problems else 0


def _recorded(options: argparse.Namespace) -> Iterable[Name]:
    """Return the models of the recordings; there need be none where some are named."""
    try:
        requests = billing.requests_below(options.folder)
    except LlmprodError as error:
        if options.models:
            return ()
        example = "`llmprod prices lock --model=openai/gpt-5-mini`"
        raise PricesError(f"{error} Or name a model: {example}.") from error
    return _names(requests)


def _names(requests: Iterable[Request]) -> set[Name]:
    return {(each.provider, each.model) for each in requests}


def _diff(options: argparse.Namespace) -> int:
    folder = options.folder.absolute()
    path = prices.find_lock(folder, Path(folder.anchor))
    if path is None:
        raise PricesError(
            f"{options.folder}: there is no {FILE_NAME} here or above, so there is nothing to "
            f"compare with. Write one with `llmprod prices lock`."
        )
    old = price_lock.read(path)
    requests = billing.requests_below(options.folder)
    known, problems = _look_up(_names(requests), old, datetime.now(UTC))
    after = PriceList({**known, **old.overrides})
    changes = price_changes.compare(requests, PriceList(old.prices), after)
    if options.json:
        print(json.dumps(_to_json(old, changes), indent=1, sort_keys=True))
    else:
        print("\n".join(_lines(path, old, changes)))
        _tell(problems)
    return 1 if any(change.is_change for change in changes) else 0


def _tell(problems: Iterable[str]) -> None:
    for problem in problems:
        print_error(printable(problem))


def _look_up(
    names: Collection[Name], old: Lock, now: datetime
) -> tuple[dict[Name, ModelPrice], list[str]]:
    """Return the prices of today, those that were set by hand where nobody else knows.

    With them come sentences on the models that have none.
    """
    known: dict[Name, ModelPrice] = {}
    problems = []
    for name in sorted(names):
        try:
            known[name] = price_source.look_up(*name, now)
        except PricesError as error:
            if name in old.models:
                known[name] = old.models[name]
            elif name not in old.overrides:
                problems.append(str(error))
    return known, problems


def _lines(path: Path, old: Lock, changes: list[Change]) -> list[str]:
    """Return the changes for a reader; but for the path, in 80 columns."""
    everything = price_changes.total(changes)
    moved = [change for change in changes if change.is_change]
    lines = [
        f"locked: {path}",
        *wrapped(f"from:   {printable(old.source or 'unknown')}, {printable(old.locked_on)}"),
        f"now:    {price_source.name()}",
    ]
    if not moved:
        requests = counted(everything.requests, "request")
        return [*lines, f"nothing changed: {requests}, {everything.after}"]
    headers = ["model", "requests", "locked", "now", "change"]
    rows = [_row(f"{change.provider} {change.model}", change) for change in moved]
    if len(changes) > 1:
        rows.append(_row("all models", everything))
    return [
        *lines,
        *named_table(headers, rows, "rrrr", COLUMNS),
        "take the prices of today with:",
        *command_lines(["llmprod", "prices", "lock", str(path.parent)]),
    ]


def _row(name: str, change: Change) -> list[str]:
    share = "" if change.share is None else f"{change.share * 100:+.1f}%"
    sums = [_sum(change.before), _sum(change.after)]
    return [printable(name), f"{change.requests:,}", *sums, share]


def _sum(bill: prices.Bill) -> str:
    amount = f"${prices.usd_text(bill.cost_usd)}"
    return amount if not bill.unpriced else f"{amount} + {bill.unpriced:,} unpriced"


def _to_json(old: Lock, changes: list[Change]) -> dict[str, Any]:
    return {
        "locked": {"source": old.source, "locked_on": old.locked_on},
        "now": {"source": price_source.name()},
        "models": [_figures(change) for change in changes],
        "total": _figures(price_changes.total(changes)),
    }


def _figures(change: Change) -> dict[str, Any]:
    return {
        "provider": change.provider,
        "model": change.model,
        "requests": change.requests,
        "locked_usd": f"{change.before.cost_usd.normalize():f}",
        "locked_unpriced": change.before.unpriced,
        "now_usd": f"{change.after.cost_usd.normalize():f}",
        "now_unpriced": change.after.unpriced,
    }
