"""The commands `llmprod log ls` and `llmprod log purge`: the runs, and their end."""

import argparse
import json
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from pytest_llmprod.core.money import amount_of
from pytest_llmprod.core.text import counted, printable, shorten
from pytest_llmprod.records import bodies, names, reading, retention
from pytest_llmprod.records.reading import Entry
from pytest_llmprod.report.layout import COLUMNS
from pytest_llmprod.report.table import named_table

_HEADERS = ("run", "when (UTC)", "tests", "requests", "errors", "cost", "unpriced", "texts")


def list_runs(options: argparse.Namespace) -> int:
    """Print a line for each run."""
    runs = [_run(folder) for folder in reading.folders_of(options.folder)]
    if options.json:
        print(json.dumps(runs, indent=1))
    elif not runs:
        print(nothing_logged(options.folder))
    else:
        for line in named_table(_HEADERS, [_row(run) for run in runs], "lrrrrrl", COLUMNS):
            print(line)
        print_broken(sum(run["broken"] for run in runs))
    return 0


def nothing_logged(folder: Path) -> str:
    """Return the sentence for a folder that holds no run."""
    return f"no run in {printable(str(folder))}: name the folder of your log with --folder"


def print_broken(lines: int) -> None:
    """Say that lines of a log could not be read, where that is so."""
    if lines:
        print(f"{counted(lines, 'line')} skipped: half written by a process that died, or damaged")


def _run(folder: Path) -> dict[str, Any]:
    log = reading.read(folder)
    entries = log.entries
    return {
        "run": folder.name,
        "started_at": entries[0].text(names.TIMESTAMP) if entries else "",
        "tests": len({entry.text(names.TEST) for entry in entries} - {""}),
        "requests": len(entries),
        "errors": sum(entry.is_failed for entry in entries),
        "cost_usd": format(sum(map(_cost_usd, entries), Decimal(0)), "f"),
        "unpriced": sum(entry.text(names.COST_STATUS) == "unpriced" for entry in entries),
        "texts": any(folder.glob(f"*{bodies.ENDING}")),
        "broken": log.broken,
    }


def _cost_usd(entry: Entry) -> Decimal:
    return amount_of(entry.text(names.COST_USD)) or Decimal(0)


def _row(run: dict[str, Any]) -> Sequence[str]:
    return (
        printable(reading.short_id(Path(run["run"]))),
        shorten(printable(run["started_at"][:16].replace("T", " ")), 16),
        f"{run['tests']:,}",
        f"{run['requests']:,}",
        f"{run['errors']:,}",
        f"${Decimal(run['cost_usd']):.4f}",
        f"{run['unpriced']:,}",
        "kept" if run["texts"] else "dropped",
    )


def purge(options: argparse.Namespace, now: datetime) -> int:
    """Remove runs, or what was said in them, and say how many these were."""
    folders = _chosen(options, now)
    if options.bodies_only:
        removed = sum(retention.drop_bodies(folder) for folder in folders)
        what = f"removed what was said in {counted(removed, 'run')}; their figures are kept"
    else:
        removed = retention.remove(folders)
        what = f"removed {counted(removed, 'run')}"
    if options.json:
        print(json.dumps({"removed": removed, "bodies_only": options.bodies_only}))
    else:
        print(what if removed else "nothing to remove")
    return 0


def _chosen(options: argparse.Namespace, now: datetime) -> list[Path]:
    if options.of_run is not None:
        return [reading.find_run(options.folder, options.of_run)]
    if options.older_than is not None:
        return retention.older_than(options.folder, options.older_than, now)
    return [path for path in options.folder.glob("*/") if path.is_dir()]
