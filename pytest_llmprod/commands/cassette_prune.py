"""The command `llmprod cassette prune`: remove what no test plays."""

import argparse
import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pytest_llmprod.commands.layout import print_error
from pytest_llmprod.composition.departed_cases import find_left
from pytest_llmprod.core.errors import CassetteError
from pytest_llmprod.core.text import counted, printable, shorten
from pytest_llmprod.report.layout import COLUMNS
from pytest_llmprod.wire.cassettes import any_cassette, cassette_file, folders, inspection, locks
from pytest_llmprod.wire.cassettes.owner import find_owners
from pytest_llmprod.wire.recording import Recording


class _Plan(NamedTuple):
    """What is to be done with one cassette: `kept` is None where the whole file goes."""

    path: Path
    what: str
    kept: list[Recording] | None
    copies: int = 0
    left: int = 0


def run(options: argparse.Namespace) -> int:
    """Remove what no test plays and say so; exit with 1 where a file could not be read."""
    done = "would remove" if options.dry_run else "removed"
    problems: dict[str, None] = {}  # each once: where nobody may write, all cassettes have the same
    plans: list[_Plan] = []
    for path in folders.find(options.places):
        try:
            plan = _plan(path) if options.dry_run else _prune(path)
        except CassetteError as error:
            problems[printable(str(error))] = None
            continue
        if plan is not None:
            print(printable(str(path)))
            print(shorten(f"  {done} {printable(plan.what)}", COLUMNS))
            plans.append(plan)
    for problem in problems:
        print_error(problem)
    nothing = "nothing to remove" if not problems else "nothing removed"
    print(f"{done} {_sum(plans)}" if plans else nothing)
    return 1 if problems else 0


def _prune(path: Path) -> _Plan | None:
    """Remove what is to be removed at `path`, and return what that was."""
    with locks.alone_with([path]):
        plan = _plan(path)
        if plan is not None:
            _carry_out(plan)
    return plan


def _sum(plans: Sequence[_Plan]) -> str:
    files = sum(plan.kept is None for plan in plans)
    copies = sum(plan.copies for plan in plans)
    left = sum(plan.left for plan in plans)
    sums = ((files, "file", ""), (copies, "duplicate", ""), (left, "recording", " of gone cases"))
    *first, last = [counted(number, noun) + what for number, noun, what in sums if number]
    return f"{', '.join(first)} and {last}" if first else last


def _plan(path: Path) -> _Plan | None:
    """Return what is to be removed at `path`, and None where it is in order, or not ours."""
    if not any_cassette.is_ours(path):
        return None
    recordings = any_cassette.read(path)  # first: only what is a cassette may be removed
    (standing,) = find_owners([path]).values()
    if standing.state == "gone":
        return _Plan(path, f"the file: {standing.why}", None)
    copies = set(inspection.duplicates(recordings))
    originals = [each for position, each in enumerate(recordings) if position not in copies]
    left = find_left(originals, standing.dataset)
    gone = set() if left is None else set(left.positions)
    what = [counted(len(copies), "duplicate")] if copies else []
    if left is not None and left.is_certain:
        what.append(left.text)
    kept = [each for position, each in enumerate(originals) if position not in gone]
    return _Plan(path, ", ".join(what), kept, len(copies), len(gone)) if what else None


def _carry_out(plan: _Plan) -> None:
    if plan.kept is not None:
        cassette_file.save(plan.path, plan.kept)
        return
    try:
        plan.path.unlink()
    except OSError as error:
        raise CassetteError(
            f"{plan.path}: cannot be removed ({error.strerror}). Make its folder writable."
        ) from error
    with contextlib.suppress(OSError):  # other cassettes lie there
        plan.path.parent.rmdir()
