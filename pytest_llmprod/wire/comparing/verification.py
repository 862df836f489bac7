"""Verification: what do live answers do otherwise than their recordings?"""

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_llmprod.core.drift import Likeness, Verified
from pytest_llmprod.core.text import printable, shorten
from pytest_llmprod.wire.comparing.behaviour import Difference, behaviour_of, compare
from pytest_llmprod.wire.comparing.pairing import pair
from pytest_llmprod.wire.dialects import BUILT_IN, Dialect
from pytest_llmprod.wire.recording import Recording


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveAnswer:
    """An answer that came in a run that verifies: the model that was asked, and how it is read."""

    asked: str
    dialect: Dialect | None
    recording: Recording


def verify(
    nodeid: str, recorded: Sequence[Recording], live: Sequence[LiveAnswer]
) -> list[Verified]:
    """Compare live answers of the test `nodeid` with its recordings.

    Of a call that the client tried again only what the last try brought counts, on both sides.
    Recordings that nothing asked for come last, without those of child processes, which ask
    unnoticed.
    """
    known = dict.fromkeys(each.dialect for each in live if each.dialect is not None)
    paired = pair(recorded, [each.recording for each in live], [*known, *BUILT_IN])
    before = {id(new): old for old, new in paired.pairs}
    kept = before.keys() | {id(each) for each in paired.only_new}
    compared = [
        _verified(nodeid, before.get(id(each.recording)), each)
        for each in live
        if id(each.recording) in kept
    ]
    return compared + [_unasked(nodeid, each) for each in paired.only_old if not each.in_child]


def _verified(nodeid: str, recorded: Recording | None, live: LiveAnswer) -> Verified:
    likeness: Likeness = "unrecorded"
    what = "is in no recording"
    if recorded is not None:
        pairs = (behaviour_of(each, live.dialect) for each in (recorded, live.recording))
        difference = compare(*pairs)
        likeness = difference.likeness
        what = _first_change(difference)
    return Verified(
        nodeid=nodeid,
        likeness=likeness,
        what=what,
        asked=live.asked,
        before=_answered_by(recorded),
        now=_answered_by(live.recording),
    )


def _unasked(nodeid: str, recorded: Recording) -> Verified:
    return Verified(
        nodeid=nodeid,
        likeness="unasked",
        what="was not asked",
        asked="",
        before=_answered_by(recorded),
        now="",
    )


def _answered_by(recording: Recording | None) -> str:
    """Return the name of the model that answered; an error names none."""
    return recording.model if recording is not None and recording.is_answer else ""


def _first_change(difference: Difference) -> str:
    """Return the first thing in which two answers differ, in one short line."""
    if not difference.changes:
        return ""
    change = difference.changes[0]
    where = f"{change.aspect} {change.place}".strip()
    return shorten(printable(f"{where}: {change.old} -> {change.new}"), 100)
