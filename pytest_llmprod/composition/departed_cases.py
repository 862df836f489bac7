"""Departed cases: which recordings belong to cases that left the data set of their eval?

The data set is known where the marker in the source writes it out and the file can be read. Else
nothing is said: somebody paid for these recordings.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from pytest_llmprod.core.errors import DatasetError
from pytest_llmprod.core.text import counted
from pytest_llmprod.wire.cassettes.inspection import Finding, Kind
from pytest_llmprod.wire.recording import Recording


class Left(NamedTuple):
    """The positions of recordings whose case left the data set, and what to say of them.

    It is not certain where not one case is in the data set: then another one may be meant.
    """

    positions: tuple[int, ...]
    is_certain: bool
    text: str


def find_left(recordings: Sequence[Recording], dataset: Path | None) -> Left | None:
    """Return the recordings whose case is not in `dataset`, None where there is none."""
    if dataset is None:
        return None
    ids = _ids(dataset)
    of_cases = [position for position, each in enumerate(recordings) if each.case]
    left = [each for each in of_cases if case_of(recordings[each].case, ids) is None]
    if not ids or not left:
        return None
    if len(left) == len(of_cases):
        text = f"whether its cases are still asked: none of them is in {dataset.name}"
        return Left((), False, text)
    cases = list(dict.fromkeys(recordings[each].case for each in left))
    are = "is" if len(cases) == 1 else "are"
    number = f"{counted(len(left), 'recording')} of {counted(len(cases), 'case')}"
    text = f"{number} that {are} not in {dataset.name}: {', '.join(cases)}"
    return Left(tuple(left), True, text)


def judge(path: Path, recordings: Sequence[Recording], dataset: Path | None) -> Iterator[Finding]:
    """Yield which cases of the cassette at `path` left the data set, or that nobody can tell."""
    left = find_left(recordings, dataset)
    if left is not None:
        kind: Kind = "gone case" if left.is_certain else "cannot tell"
        yield Finding(path=path, kind=kind, text=left.text)


def case_of(section: str, ids: frozenset[str]) -> str | None:
    """Return the case whose section it is, None where it is none of `ids`.

    Its id stands there, perhaps behind other parameters, and before the number of a repeat.
    """
    first = re.sub(r"#[0-9]+$", "", section)
    for parts in (section.split("/"), first.split("/")):
        ends = ("/".join(parts[start:]) for start in range(len(parts)))
        found = next((each for each in ends if each in ids), None)
        if found is not None:
            return found
    return None


def _ids(path: Path) -> frozenset[str]:
    """Return the ids of the cases in a data set, none where it cannot be read."""
    from pytest_llmprod.evals import dataset  # brings pydantic: only who has evals pays for that

    try:
        return frozenset(case.id for case in dataset.load(path).cases)
    except DatasetError:
        return frozenset()
