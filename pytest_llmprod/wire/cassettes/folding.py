"""Folding: how the journals of a run come into the cassettes."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from pytest_llmprod.core.errors import CassetteError
from pytest_llmprod.core.files import write_whole
from pytest_llmprod.core.results import Drift
from pytest_llmprod.wire.cassettes import cassette_file, locks
from pytest_llmprod.wire.cassettes.cassette_file import Rekey
from pytest_llmprod.wire.cassettes.harvest import Harvest, gather
from pytest_llmprod.wire.cassettes.journal import FOLDER, writer
from pytest_llmprod.wire.recording import Recording

#: Names the journals of a run that are in the cassettes, until they are deleted.
_FOLDED = "folded"


@dataclass(slots=True)
class Folded:
    """What a fold did.

    It added `count` recordings, in place of old ones or beside them, and dropped `dropped` whose
    requests are no longer there, in `cassettes` files; `drifts` are the models that answered by
    another name.
    """

    count: int = 0
    dropped: int = 0
    cassettes: int = 0
    drifts: set[Drift] = field(default_factory=set)


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
    """Return how many recordings killed runs have left, which `fold_abandoned` would write."""
    runs = [run for run in _runs(rootpath / FOLDER) if not _is_written(run)]
    harvests = [each for run in runs for each in gather(_journals(run)).values()]
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
    folded = Folded()
    for relative, harvest in gather(paths).items():
        path = Path(os.path.normpath(rootpath / relative))
        old = cassette_file.load(path, rekey)
        folded.drifts |= _drifts(old, harvest)
        merged = _merge(old, harvest, whole=whole)
        if merged.sections or path.exists():
            cassette_file.save(path, (each for section in merged.sections for each in section))
        dropped = _dropped(old, merged.sections)
        folded.count += merged.added
        folded.dropped += dropped
        folded.cassettes += bool(merged.added or dropped)
    if paths:
        write_whole(folder / _FOLDED, "\n".join(path.name for path in paths).encode())
    _delete_folded(folder)
    if not any(folder.iterdir()):
        folder.rmdir()
    return folded


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


class _Merged(NamedTuple):
    """The new sections of a cassette, and how many recordings of the harvest came into them."""

    sections: list[list[Recording]]
    added: int


def _merge(old: cassette_file.CassetteFile, harvest: Harvest, *, whole: bool) -> _Merged:
    """Return the new sections of a cassette, in the order of the data set.

    A section is replaced only where its test came to its end: an interrupted or failed test adds
    what was missing and takes nothing away.
    """
    mode = harvest.mode
    sections = {case: old.section(case) for case in old.cases}
    for case, played in harvest.played.items():
        stale = old.unplayed(case, played)
        sections[case] = [each for each in sections.get(case, []) if each not in stale]
    added: dict[str, int] = {}
    for case, found in harvest.sections.items():
        before = sections.get(case, [])
        new = _marked(found, unfinished=True)
        if mode == "rewrite" and case in harvest.finished:
            before = []
        elif mode == "all" and case in harvest.finished:
            again = {recording.key for recording in new}
            before = [each for each in before if each.key not in again]
        elif mode in ("all", "rewrite"):
            known = {recording.key for recording in before}
            new = [each for each in new if each.key not in known]
        else:
            new = _missing(new, before, harvest, case)
        sections[case] = before + new
        added[case] = len(new)
    for case in harvest.finished & sections.keys():
        sections[case] = _marked(sections[case], unfinished=False)
    rank = {case: number for number, case in enumerate(harvest.order)}
    if mode == "rewrite" and whole and rank:
        sections = {case: section for case, section in sections.items() if case in rank}
    names = sorted(filter(sections.get, sections), key=lambda case: rank.get(case, len(rank)))
    return _Merged([sections[name] for name in names], sum(added.get(name, 0) for name in names))


def _dropped(old: cassette_file.CassetteFile, sections: Iterable[Iterable[Recording]]) -> int:
    """Return how many of the old recordings have no successor for the same request."""
    before = Counter((each.case, each.key) for each in old.all())
    now = Counter((each.case, each.key) for section in sections for each in section)
    return (before - now).total()


def _marked(recordings: Iterable[Recording], *, unfinished: bool) -> list[Recording]:
    return [
        each if each.unfinished is unfinished else replace(each, unfinished=unfinished)
        for each in recordings
    ]


def _missing(
    new: Iterable[Recording], before: Sequence[Recording], harvest: Harvest, case: str
) -> list[Recording]:
    """Return the recordings of `case` that are to be added to those that stand there now.

    A fold that was killed may have written some already; `new` is marked as unfinished, and what is
    there may have been finished by now. And what another run has recorded of a request since this
    one read the file counts for it too, or both would stand there.
    """
    there: dict[object, list[Recording]] = {}
    for each in _marked(before, unfinished=True):
        there.setdefault(_moment(each), []).append(each)
    since = Counter(each.key for each in before)
    for key in since:
        since[key] -= harvest.found.get((case, key), since[key])
    missing = []
    for each in new:
        if since[each.key] > 0:
            since[each.key] -= 1
        elif each not in there.get(_moment(each), ()):
            missing.append(each)
    return missing


def _moment(recording: Recording) -> object:
    return recording.key, recording.recorded_at, recording.latency_s


def _drifts(old: cassette_file.CassetteFile, harvest: Harvest) -> set[Drift]:
    """Return by which names the model answered that the old recordings of the file do not know."""
    now = _names(each for section in harvest.sections.values() for each in section)
    before = _names(old.all()) if now else set()
    if not before:
        return set()
    return {Drift(asked=harvest.asked, before=max(before), now=name) for name in now - before}


def _names(recordings: Iterable[Recording]) -> set[str]:
    """Return the names under which a model answered."""
    names: set[str] = set()
    for each in recordings:
        with suppress(KeyError, TypeError, ValueError):  # of an answer that somebody has rewritten
            if each.is_answer:
                names.add(each.model)
    return names
