"""Folding: how the journals of a run come into the cassettes."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pytest_llmprod.core.drift import Drift
from pytest_llmprod.core.errors import CassetteError
from pytest_llmprod.core.files import write_whole
from pytest_llmprod.wire.cassettes import cassette_file, locks
from pytest_llmprod.wire.cassettes.cassette_file import CassetteFile, Rekey
from pytest_llmprod.wire.cassettes.harvest import Harvest, gather
from pytest_llmprod.wire.cassettes.journal import FOLDER, writer
from pytest_llmprod.wire.cassettes.merging import merge
from pytest_llmprod.wire.recording import Recording

#: Names the journals of a run that are in the cassettes, until they are deleted.
_FOLDED = "folded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """What a fold did.

    It added `count` recordings, in place of old ones or beside them, and dropped `dropped` whose
    requests are no longer there, in `cassettes` files; `drifts` are the models that answered by
    another name.
    """

    count: int = 0
    dropped: int = 0
    cassettes: int = 0
    drifts: frozenset[Drift] = frozenset()


def fold(rootpath: Path, run_id: str, *, whole: bool, rekey: Rekey) -> Folded:
    """Write what the journals of `run_id` hold into the cassettes.

    `whole` says that every case of each data set ran: only then does `rewrite` drop the sections
    of cases that are no longer in the data set. `rekey` gives the keys of cassettes that were
    written by an older version. The journals are deleted when all is written; one to which a
    process still writes is left for the next recording run. Where another run folds, this waits.
    """
    folder = rootpath / FOLDER / run_id
    if not folder.is_dir():  # nothing was recorded, and nothing is to be written: no lock either
        return Folded()
    with _telling(folder), locks.alone(rootpath):
        return _fold(rootpath, folder, whole=whole, rekey=rekey)


def fold_abandoned(rootpath: Path, rekey: Rekey) -> int:
    """Write what killed runs have left into the cassettes, and return how many recordings."""
    folder = rootpath / FOLDER
    with _telling(folder):
        if not _runs(folder):
            return 0
        with locks.alone(rootpath):
            runs = [run for run in _runs(folder) if not _is_written(run)]
            return sum(_fold(rootpath, run, whole=False, rekey=rekey).count for run in runs)


def waiting(rootpath: Path) -> int:
    """Return how many recordings killed runs have left, which `fold_abandoned` would write.

    Waits for nobody: another run may put them in place meanwhile, and then nothing waits.
    """
    folder = rootpath / FOLDER
    with _telling(folder):
        try:
            runs = [run for run in _runs(folder) if not _is_written(run)]
            harvests = [each for run in runs for each in gather(_journals(run)).values()]
        except FileNotFoundError:
            return 0
    return sum(len(section) for each in harvests for section in each.sections.values())


@contextmanager
def _telling(folder: Path) -> Iterator[None]:
    """Tell what the system refuses of the journals in `folder`."""
    try:
        yield
    except OSError as error:
        raise CassetteError(
            f"{error.filename or folder}: what was recorded cannot be put in place "
            f"({error.strerror}). It waits under .llmprod/recording. Make that folder writable, "
            f"and the next run with --llm-record=once puts it in place."
        ) from error


def _runs(folder: Path) -> list[Path]:
    """Return the folders of all runs that have left something, the oldest first."""
    if not folder.is_dir():
        return []
    return sorted(run for run in folder.iterdir() if run.is_dir())


def _is_written(run: Path) -> bool:
    """Say whether a process still writes a journal in the folder of a run."""
    return any(locks.is_claimed(path) for path in run.glob("*.jsonl"))


def _fold(rootpath: Path, folder: Path, *, whole: bool, rekey: Rekey) -> Folded:
    if not folder.is_dir():  # another run was first
        return Folded()
    _delete_folded(folder)
    journals = _journals(folder)
    paths = [path for path in journals if not locks.is_claimed(path)]
    whole = whole and paths == journals
    folds = [
        _fold_into(Path(os.path.normpath(rootpath / cassette)), harvest, whole=whole, rekey=rekey)
        for cassette, harvest in gather(paths).items()
    ]
    if paths:
        write_whole(folder / _FOLDED, "\n".join(path.name for path in paths).encode())
    _delete_folded(folder)
    if not any(folder.iterdir()):
        folder.rmdir()
    return Folded(
        count=sum(each.count for each in folds),
        dropped=sum(each.dropped for each in folds),
        cassettes=sum(each.cassettes for each in folds),
        drifts=frozenset().union(*(each.drifts for each in folds)),
    )


def _fold_into(path: Path, harvest: Harvest, *, whole: bool, rekey: Rekey) -> Folded:
    """Write what the journals say about one cassette into it."""
    old = cassette_file.load(path, rekey)
    merged = merge(old, harvest, whole=whole)
    if merged.recordings or path.exists():
        cassette_file.save(path, merged.recordings)
    return Folded(
        count=merged.added,
        dropped=merged.dropped,
        cassettes=1 if merged.added or merged.dropped else 0,
        drifts=_drifts(old, harvest),
    )


def _journals(run: Path) -> list[Path]:
    return sorted(run.glob("*.jsonl"), key=_age)


def _age(journal: Path) -> tuple[int, str, int, str]:
    """Sort journals by when xdist made their workers: a test that ran again did so in a later one.

    That is `gw2` before `gw10`. Those of child processes come after that of their parent.
    """
    worker = writer(journal)
    return len(worker), worker, len(journal.stem), journal.stem


def _delete_folded(folder: Path) -> None:
    """Delete the journals that are in the cassettes, also after a kill that came between two.

    The rest of them would else be folded again, and replace what came from all of them.
    """
    listed = folder / _FOLDED
    if listed.exists():
        for name in listed.read_text().splitlines():
            (folder / name).unlink(missing_ok=True)
        listed.unlink()
    for beginning in folder.glob(".*.tmp"):  # of such a list, by a kill
        beginning.unlink()


def _drifts(old: CassetteFile, harvest: Harvest) -> frozenset[Drift]:
    """Return by which names the model answered that the old recordings of the file do not know."""
    now = _names(each for section in harvest.sections.values() for each in section)
    before = _names(old.all()) if now else set()
    new = now - before if before else ()
    return frozenset(Drift(asked=harvest.asked, before=max(before), now=name) for name in new)


def _names(recordings: Iterable[Recording]) -> set[str]:
    """Return the names under which a model answered."""
    names: set[str] = set()
    for each in recordings:
        with suppress(KeyError, TypeError, ValueError):  # of an answer that somebody has rewritten
            if each.is_answer:
                names.add(each.model)
    return names
