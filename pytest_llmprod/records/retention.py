"""Retention: what is dropped of a log, and when."""

import shutil
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from pytest_llmprod.core.errors import LogError
from pytest_llmprod.records import bodies
from pytest_llmprod.records.reading import folders_of, last_written


def apply_retention(runs: Path, days: int, now: datetime) -> int:
    """Drop what was said in runs that ended more than `days` ago, and return how many these are.

    Their figures stay. `now` must know its time zone.
    """
    return sum(drop_bodies(folder) for folder in older_than(runs, timedelta(days=days), now))


def older_than(runs: Path, age: timedelta, now: datetime) -> list[Path]:
    """Return the folders of the runs that were last written more than `age` ago."""
    latest = (now - age).timestamp()
    return [folder for folder in folders_of(runs) if last_written(folder) < latest]


def drop_bodies(folder: Path) -> bool:
    """Remove what was said in a run; say whether there was something."""
    paths = list(folder.glob(f"*{bodies.ENDING}"))
    try:
        for path in paths:
            path.unlink(missing_ok=True)  # another process may drop them, too
    except OSError as error:
        raise _not_removed(folder, error) from error
    return bool(paths)


def remove(folders: Iterable[Path]) -> int:
    """Remove runs with all they have, and return how many these were."""
    number = 0
    for folder in folders:
        try:
            shutil.rmtree(folder)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise _not_removed(folder, error) from error
        number += 1
    return number


def _not_removed(folder: Path, error: OSError) -> LogError:
    return LogError(f"{folder}: cannot be removed ({error.strerror}). Make the folder writable.")
