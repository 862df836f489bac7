"""The command `llmprod cassette prune`: remove what no test plays."""

import argparse
import contextlib
import sys
from pathlib import Path
from typing import NamedTuple

from pytest_llmprod.core.errors import CassetteError
from pytest_llmprod.core.text import counted, printable, shorten
from pytest_llmprod.wire.cassettes import any_cassette, cassette_file, upkeep
from pytest_llmprod.wire.cassettes.owner import find_owners
from pytest_llmprod.wire.recording import Recording

_COLUMNS = 80


class _Plan(NamedTuple):
    """What is to be done with one cassette: `kept` is None where the whole file goes."""

    path: Path
    what: str
    kept: list[Recording] | None
    removed: int


def run(options: argparse.Namespace) -> int:
    """Remove orphans and duplicates and say so; exit with 1 where a file could not be read."""
    done = "would remove" if options.dry_run else "removed"
    status = files = copies = 0
    for path in any_cassette.find(options.places):
        try:
            plan = _plan(path)
            if plan is not None and not options.dry_run:
                _carry_out(plan)
        except CassetteError as error:
            print(f"llmprod: {printable(str(error))}", file=sys.stderr)
            status = 1
            continue
        if plan is not None:
            print(printable(str(path)))
            print(shorten(f"  {done} {printable(plan.what)}", _COLUMNS))
            files += plan.kept is None
            copies += plan.removed
    numbers = ((files, "file"), (copies, "duplicate"))
    sums = " and ".join(counted(number, noun) for number, noun in numbers if number)
    print(f"{done} {sums}" if sums else "nothing to remove")
    return status


def _plan(path: Path) -> _Plan | None:
    """Return what is to be removed at `path`, and None where it is in order, or not ours."""
    if not any_cassette.is_ours(path):
        return None
    recordings = any_cassette.read(path)  # first: only what is a cassette may be removed
    (standing,) = find_owners([path]).values()
    if standing.state == "gone":
        return _Plan(path, f"the file: {standing.why}", None, 0)
    copies = set(upkeep.duplicates(recordings))
    if not copies:
        return None
    kept = [each for position, each in enumerate(recordings) if position not in copies]
    return _Plan(path, counted(len(copies), "duplicate"), kept, len(copies))


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
