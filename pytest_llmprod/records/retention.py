"""Retention: what is dropped of a log, and when."""

import shutil
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from pytest_llmprod.core.errors import LogError
from pytest_llmprod.records import bodies

_STAMP = ".retention"  # its time says when it was applied, its text with how many days
_DAY_S = 86_400


def apply_retention(runs: Path, days: int, now: datetime) -> int:
    """Drop what was said in runs that ended more than `days` ago, and return how many these are.

    Their figures stay. `now` must know its time zone.
    """
    return sum(drop_bodies(folder) for folder in older_than(runs, timedelta(days=days), now))


def apply_daily(runs: Path, days: int, now: datetime) -> None:
    """Apply the retention where that was not done with so many `days` in the last 24 hours.

    Raises LogError, or OSError, where something cannot be removed.
    """
    stamp = runs / _STAMP
    with suppress(OSError, ValueError):
        age_s = now.timestamp() - stamp.stat().st_mtime
        if 0 <= age_s < _DAY_S and int(stamp.read_text(encoding="ascii")) == days:
            return
    apply_retention(runs, days, now)
    stamp.write_text(f"{days}\n", encoding="ascii")


def older_than(runs: Path, age: timedelta, now: datetime) -> list[Path]:
    """Return the folders of the runs that were last written more than `age` ago."""
    from pytest_llmprod.records.reading import folders_of, last_written  # once a day only

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
