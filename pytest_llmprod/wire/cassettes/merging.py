"""Merging: what a cassette holds after a run has recorded into it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from pytest_llmprod.wire.cassettes.cassette_file import CassetteFile
from pytest_llmprod.wire.cassettes.harvest import Harvest
from pytest_llmprod.wire.recording import Recording


class Merged(NamedTuple):
    """The new recordings of a cassette, section by section in the order of the data set.

    `added` of them are new, in place of old ones or beside them, and `dropped` of the old ones have
    no successor for the same request.
    """

    recordings: list[Recording]
    added: int
    dropped: int


def merge(old: CassetteFile, harvest: Harvest, *, whole: bool) -> Merged:
    """Return what `old` holds after the run of `harvest`.

    `whole` says that every case of the data set ran: only then does `rewrite` drop the sections of
    cases that are no longer in it.
    """
    sections = {case: old.section(case) for case in old.cases}
    for case, played in harvest.played.items():
        stale = old.unplayed(case, played)
        sections[case] = [each for each in sections.get(case, []) if each not in stale]
    added: dict[str, int] = {}
    for case in harvest.sections:
        kept, new = _taken_in(case, sections.get(case, []), harvest)
        sections[case] = kept + new
        added[case] = len(new)
    for case in harvest.finished & sections.keys():
        sections[case] = _marked(sections[case], unfinished=False)
    rank = {case: number for number, case in enumerate(harvest.order)}
    if harvest.mode == "rewrite" and whole and rank:
        sections = {case: section for case, section in sections.items() if case in rank}
    cases = sorted(sections, key=lambda case: rank.get(case, len(rank)))
    recordings = [each for case in cases for each in sections[case]]
    number = sum(added.get(case, 0) for case in cases)
    return Merged(recordings, added=number, dropped=_dropped(old, recordings))


def _taken_in(
    case: str, before: list[Recording], harvest: Harvest
) -> tuple[list[Recording], list[Recording]]:
    """Return what stays of the section of `case`, and what comes after it.

    A section is replaced only where its test came to its end: an interrupted or failed test adds
    what was missing and takes nothing away. What a task answered before the run was stopped takes
    the place of older answers to the same requests.
    """
    new = _marked(harvest.sections[case], unfinished=True)
    if harvest.mode not in ("all", "rewrite"):
        return before, _missing(new, before, harvest, case)
    if case not in harvest.finished | harvest.answered:
        known = {recording.key for recording in before}
        return before, [each for each in new if each.key not in known]
    if harvest.mode == "rewrite" and case in harvest.finished:
        return [], new
    again = {recording.key for recording in new}
    return [each for each in before if each.key not in again], new


def _dropped(old: CassetteFile, recordings: Iterable[Recording]) -> int:
    """Return how many of the old recordings have no successor for the same request."""
    before = Counter((each.case, each.key) for each in old.all())
    now = Counter((each.case, each.key) for each in recordings)
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
