"""The command `llmprod dataset freeze`: somebody says that the rows of a data set are right."""

import argparse
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pytest_llmprod.commands.who import who
from pytest_llmprod.core.text import counted, printable, shorten
from pytest_llmprod.evals import dataset as datasets
from pytest_llmprod.evals import lock_file
from pytest_llmprod.evals.lock import Changes, find_changes, freeze
from pytest_llmprod.report.layout import COLUMNS

if TYPE_CHECKING:
    from pathlib import Path


def run(options: argparse.Namespace) -> int:
    """Write the lock of a data set and say what is new in it."""
    path: Path = options.file
    dataset = datasets.load(path)
    name = printable(who(options, path.absolute().parent))
    old = lock_file.read(path)
    changes = Changes() if old is None else find_changes(dataset, old)
    new = freeze(
        dataset,
        old,
        name=lock_file.real_path(path).name,
        who=name,
        why=printable(options.why),
        now=datetime.now(UTC),
    )
    place = printable(str(lock_file.lock_path(path)))
    if new is old:
        latest = old.latest
        print(f"{place}: nothing changed, nothing written")
        print(
            shorten(f"  frozen {latest.frozen_at:%Y-%m-%d} by {latest.who}: {latest.why}", COLUMNS)
        )
        return 0
    lock_file.write(path, new)
    print(f"{place}: froze {counted(len(dataset.cases), 'case')}, revision {len(new.earlier) + 1}")
    for line in changes.lines():
        print(f"  {line}")
    print("commit it together with the data set")
    return 0
