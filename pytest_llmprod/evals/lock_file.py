"""Lock file: how the lock of a data set is stored, and what a run does that meets other rows.

The lock of `tickets.jsonl` is `tickets.lock` beside it.
"""

import json
import shlex
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pytest_llmprod.core.errors import DatasetChanged, DatasetError
from pytest_llmprod.core.files import write_whole
from pytest_llmprod.core.text import printable
from pytest_llmprod.evals import dataset as datasets
from pytest_llmprod.evals.dataset import Dataset
from pytest_llmprod.evals.lock import Lock, find_changes

ENDING = ".lock"


def load_frozen(path: Path) -> Dataset:
    """Read the data set at `path` for a run.

    Raises DatasetChanged where its rows are not those of its lock, and DatasetError where the data
    set or the lock cannot be read. A data set without a lock is compared with nothing.
    """
    dataset = datasets.load(path)
    lock = read(path)
    if lock is not None:
        refuse_changes(dataset, lock)
    return dataset


def refuse_changes(dataset: Dataset, lock: Lock) -> None:
    """Raise DatasetChanged where the rows of a data set are not those of its lock."""
    changes = find_changes(dataset, lock)
    command = freeze_command(dataset.path)
    if changes:
        lines = "".join(f"\n  {line}" for line in changes.lines())
        raise DatasetChanged(
            f"{dataset.path}: differs from its lock: {changes.summary()} since "
            f"{lock.latest.frozen_at:%Y-%m-%d}, when {printable(lock.latest.who)} froze it{lines}\n"
            f"If that is meant, freeze the data set anew:\n  {command}\n"
            f"Else restore the file from version control."
        )
    if not lock.agrees_with_itself:
        raise DatasetChanged(
            f"{lock_path(dataset.path)}: has the digests of these rows, but not of the whole, as "
            f"after a merge of two branches. Look through the rows, then freeze them:\n  {command}"
        )


def freeze_command(path: Path) -> str:
    """Return the command that freezes the data set at `path`."""
    return f'llmprod dataset freeze {shlex.quote(str(path))} --why "..."'


def real_path(path: Path) -> Path:
    """Return where a data set really lies: the target of a link, else the path as it is."""
    return path.resolve() if path.is_symlink() else path


def lock_path(path: Path) -> Path:
    """Return where the lock of the data set at `path` lies."""
    return real_path(path).with_suffix(ENDING)


def read(path: Path) -> Lock | None:
    """Return the lock of the data set at `path`, None where it has none; may raise DatasetError.

    A lock of this name may be that of another file, `tickets.csv` beside `tickets.jsonl`.
    """
    lock = _read(lock_path(path))
    return lock if lock is not None and _is_for(lock, path) else None


def write(path: Path, lock: Lock) -> None:
    """Write the lock of the data set at `path`; raise DatasetError where that cannot be done.

    The lock of another file is not overwritten.
    """
    place = lock_path(path)
    there = _read(place)
    if there is not None and not _is_for(there, path):
        raise DatasetError(
            f"{place}: is the lock of {printable(there.dataset)}, which lies beside {path.name}, "
            f"and both would have this one. Give one of the two another name."
        )
    try:
        write_whole(place, dump(lock).encode())
    except OSError as error:
        raise DatasetError(
            f"{place}: cannot be written ({error.strerror}). Make the file and its folder writable."
        ) from error


def dump(lock: Lock) -> str:
    """Return the text of a lock: JSON with sorted names, and a row on each line."""
    stored: dict[str, Any] = lock.model_dump(mode="json", by_alias=True)
    return json.dumps(stored, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _read(place: Path) -> Lock | None:
    try:
        content = place.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _broken(place, str(error.strerror)) from error
    if b"<<<<<<<" in content and b">>>>>>>" in content:
        raise DatasetError(
            f"{place}: holds the marks of a merge conflict. Merge the data set, take either side "
            f"of the lock, `git checkout --ours {shlex.quote(str(place))}` for instance, and then "
            f"freeze the data set."
        )
    try:
        return Lock.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise _broken(place, f"{key}: {first['msg']}" if key else first["msg"]) from error


def _broken(place: Path, reason: str) -> DatasetError:
    return DatasetError(
        f"{place}: cannot be read as the lock of a data set ({printable(reason)}). Restore it from "
        f"version control. Where that cannot be done, delete it and freeze the data set."
    )


def _is_for(lock: Lock, path: Path) -> bool:
    """Say whether a lock is that of the data set at `path`.

    It stays so where the file was converted into another format, and the old one is gone.
    """
    real = real_path(path)
    ending = Path(lock.dataset).suffix
    return ending == real.suffix or not real.with_suffix(ending).exists()
