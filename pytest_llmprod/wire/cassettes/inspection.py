"""Inspection: what is wrong with a cassette that lies in the repository?

Findings are what somebody should mend; notes are what somebody should know.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pytest_llmprod.core.errors import CassetteError
from pytest_llmprod.core.text import counted
from pytest_llmprod.wire.cassettes import leaks
from pytest_llmprod.wire.cassettes.conversion import named_test
from pytest_llmprod.wire.cassettes.owner import Standing
from pytest_llmprod.wire.label import cassette_name
from pytest_llmprod.wire.masking import Scanner
from pytest_llmprod.wire.recording import NO_MODEL, Recording, asked_model

Kind = Literal[
    "secret",
    "unreadable",
    "old",
    "orphan",
    "duplicate",
    "gone case",
    "cannot tell",
    "alias drift",
    "broke off",
    "two files",
]
NOTES = frozenset({"cannot tell", "alias drift", "broke off", "two files"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing about a file; `line` counts from 1 and is None where it is about the whole."""

    path: Path
    kind: Kind
    text: str
    line: int | None = None

    @property
    def is_note(self) -> bool:
        """Say whether it is only something to know."""
        return self.kind in NOTES

    def to_json(self) -> dict[str, Any]:
        """Return the finding for a script."""
        return {
            "path": self.path.as_posix(),
            "kind": self.kind,
            "line": self.line,
            "text": self.text,
            "is_note": self.is_note,
        }


def find_secrets(
    path: Path, text: str, recordings: Sequence[Recording], scanners: Sequence[Scanner]
) -> Iterator[Finding]:
    """Yield where a secret stands in the text of a file, or in the recordings that it holds.

    There it may be encoded or spread over a stream. No finding tells the secret itself.
    """
    for kind, line in leaks.find_leaks(text, recordings, scanners):
        yield Finding(path=path, kind="secret", text=kind, line=line)


def judge_owner(path: Path, standing: Standing) -> Iterator[Finding]:
    """Yield that the test of the cassette at `path` is gone, or that nobody can tell."""
    if standing.state == "gone":
        yield Finding(path=path, kind="orphan", text=standing.why)
    elif standing.state == "unknown":
        text = f"whether a test plays it: {standing.why}"
        yield Finding(path=path, kind="cannot tell", text=text)


def judge_foreign(
    path: Path, recordings: Iterable[Recording], ours: Mapping[Path, Sequence[Recording]]
) -> Iterator[Finding]:
    """Yield that one of `ours` plays the test for which vcrpy recorded the cassette at `path`.

    It stays there when new episodes are recorded, and after an import.
    """
    try:
        function, case = named_test(path)
    except CassetteError:  # of a name that was cut
        return
    for model in dict.fromkeys(asked_model(each) or NO_MODEL for each in recordings):
        beside = path.with_name(cassette_name(function, model))
        if any(each.case == case for each in ours.get(beside, ())):
            text = (
                f"{beside.name} plays this test first: "
                "delete this one if the test passes without it"
            )
            yield Finding(path=path, kind="two files", text=text)
            return


def duplicates(recordings: Sequence[Recording]) -> list[int]:
    """Return the positions of recordings that are copies of an earlier one of their section.

    A test may ask the same twice in one second and get the same answer, but it does not take the
    same time to the microsecond: only what is equal in everything is a copy. Where the moment is
    unknown, as in what vcrpy recorded, nothing can be called one.
    """
    seen: dict[tuple[str, str, str], list[Recording]] = {}
    copies = []
    for position, recording in enumerate(recordings):
        alike = seen.setdefault((recording.case, recording.key, recording.recorded_at), [])
        if recording.recorded_at and recording in alike:
            copies.append(position)
        else:
            alike.append(recording)
    return copies


def inspect(
    path: Path, recordings: Sequence[Recording], *, now: datetime, max_age_days: int | None
) -> Iterator[Finding]:
    """Yield what the recordings of one cassette tell: copies, age, drift, and broken answers.

    `now` is a time in UTC; without `max_age_days` no recording is too old.
    """
    copies = len(duplicates(recordings))
    if copies:
        text = f"{counted(copies, 'recording')} there twice"
        yield Finding(path=path, kind="duplicate", text=text)
    if max_age_days is not None:
        yield from _age(path, recordings, now, max_age_days)
    yield from _drift(path, recordings)
    cut = sum(not recording.complete for recording in recordings)
    if cut:
        text = f"{counted(cut, 'recording')} that the client stopped reading before the end"
        yield Finding(path=path, kind="broke off", text=text)


def _age(
    path: Path, recordings: Iterable[Recording], now: datetime, max_age_days: int
) -> Iterator[Finding]:
    moments = [_moment(recording.recorded_at) for recording in recordings]
    days = [(now - moment).days for moment in moments if moment is not None]
    old = [each for each in days if each > max_age_days]
    if old:
        number = counted(len(old), "recording")
        text = f"{number} older than {max_age_days} days, the oldest {max(old)} days"
        yield Finding(path=path, kind="old", text=text)
    unknown = moments.count(None)
    if unknown:
        text = f"{counted(unknown, 'recording')} of an unknown age"
        yield Finding(path=path, kind="cannot tell", text=text)


def _moment(recorded_at: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(recorded_at)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _drift(path: Path, recordings: Iterable[Recording]) -> Iterator[Finding]:
    """Yield the names of models that were asked for and stood for several versions."""
    answered: dict[str, Counter[str]] = {}
    for recording in recordings:
        asked = asked_model(recording)
        if asked and recording.is_answer:
            answered.setdefault(asked, Counter())[recording.model] += 1
    for asked, models in answered.items():
        if len(models) > 1:
            by = ", ".join(f"{model} ({number})" for model, number in models.most_common())
            yield Finding(path=path, kind="alias drift", text=f"asked {asked}, answered by {by}")
