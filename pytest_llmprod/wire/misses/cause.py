"""Cause: why a request found no recording, by comparison with the nearest one.

Where several things have changed, the first of these names the cause, and the others are told as
differences: one more call, another endpoint, the prompt, the order, the tools, the model,
parameters. Where the test has no recording for this model, the first repeat of its case may have
one, or it may have one under another name: renames come first. Then comes the model, where another
has the same prompt, whatever else differs.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pytest_llmprod.core.errors import CassetteError
from pytest_llmprod.core.miss import HEADLINE_COLUMNS, MissKind
from pytest_llmprod.core.text import printable, shorten
from pytest_llmprod.wire.cassettes.cassette_file import CassetteFile
from pytest_llmprod.wire.conversations import earlier_answer
from pytest_llmprod.wire.dialects import Dialect, find_dialect
from pytest_llmprod.wire.key import WireRequest, keyed_place
from pytest_llmprod.wire.masking import Scanner, mask, mask_strings
from pytest_llmprod.wire.misses.nearest import Wanted, nearest, recorded_document
from pytest_llmprod.wire.misses.places import Group, Place, differing_places
from pytest_llmprod.wire.misses.siblings import find_left
from pytest_llmprod.wire.recording import NO_MODEL, Recording, asked_model
from pytest_llmprod.wire.tape import Tape

_KINDS: Mapping[Group, tuple[MissKind, str]] = {
    "prompt": ("prompt changed", "prompt changed in {}"),
    "order": ("order", "order of {} changed"),
    "tools": ("tool schema", "tool schema changed ({})"),
    "model": ("model", "{} changed"),
    "parameters": ("parameters", "parameters changed ({})"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request that found no recording: its URL and its decoded `body` are masked.

    A body that is no JSON is its text. `dialects` are those of the run.
    """

    request: WireRequest
    body: Any
    dialects: Sequence[Dialect]
    scanners: Sequence[Scanner]

    @property
    def model(self) -> str:
        """Return the name of the model, safe to print."""
        return self.shown(self.request.model)

    def shown(self, text: str) -> str:
        """Return a name masked and safe to print; it must not be cut before."""
        return printable(mask(text, self.scanners))


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """The nearest recording: the cassette it is in, the model it was asked of, and what differs.

    The name of the model is safe to print. `has_same_endpoint` says whether the request goes to the
    same place, as far as keys tell places apart.
    """

    recording: Recording
    cassette: CassetteFile
    model: str
    has_same_endpoint: bool
    places: Sequence[Place]

    def differs_in(self, *groups: Group) -> bool:
        """Say whether any place belongs to one of these groups."""
        return any(place.group in groups for place in self.places)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why there was no recording: its kind, in which place, and the same in a few words.

    `left` is the cassette that holds the request under the old name of the test.
    """

    kind: MissKind
    place: str
    headline: str
    near: Near | None
    left: Path | None = None


def find_cause(tape: Tape, asked: Asked) -> Cause:
    """Return why a request has no recording for `tape`."""
    search, request, plays = _Search(tape, asked), asked.request, tape.plays
    own, case = tape.cassette(request.model), tape.label.case
    recorded = own.count(case, request.key)
    # A request that goes on from another answer than the recorded one has the same key.
    goes_on = bool(earlier_answer(request.document)) and plays.is_left(own, request.key)
    if recorded and not goes_on:
        near = search.near(own, own.read(case, request.key, recorded - 1))
        headline = f"one more call than recorded ({recorded})"
        return _cause("one more call", "", headline, near)
    in_section = search.nearest(own, [case], lambda recording: plays.is_left(own, recording.key))
    if in_section is not None and plays.has_played_all(own):
        count = len(own.cases[case])
        headline = f"one more call than recorded ({count}, {'all ' if count > 1 else ''}played)"
        return _cause("one more call", "", headline, in_section)
    if in_section is not None:
        return _changed(in_section, asked)
    first = tape.label.first
    if first and own.count(first, request.key):
        headline = f"{asked.shown(case)} is not recorded, only {asked.shown(first)} is"
        near = search.near(own, own.read(first, request.key, 0))
        return _cause("repeat not recorded", "", headline, near)
    left = find_left(tape, request)
    if left is not None:
        cause = _cause("test renamed", "", f"test renamed, no cassette for {asked.model}", None)
        return replace(cause, left=left)
    renamed = search.under_another_case(own)
    if renamed is not None:
        headline = f"case renamed, no cassette holds {asked.shown(case) or 'this test'}"
        return _cause("case renamed", "", headline, renamed)
    others = sorted(search.at_siblings(), key=lambda near: len(near.places))
    for other in others if request.model != NO_MODEL else ():
        if other.has_same_endpoint and not other.differs_in("prompt", "order"):
            new, old = asked.model, other.model
            return _cause("model", f"{old} -> {new}", f"model {new} instead of {old}", other)
    nearest_of_all = search.nearest(own, own.cases) or next(iter(others), None)
    if len(own):
        headline = f"{asked.shown(case) or 'this test'} is not recorded"
        return _cause("case not recorded", "", headline, nearest_of_all)
    return _cause("no cassette", "", f"no cassette for {asked.model}", nearest_of_all)


class _Search:
    """Looks for recordings that are like one request."""

    def __init__(self, tape: Tape, asked: Asked) -> None:
        self._tape = tape
        self._asked = asked
        request = asked.request
        self._place = keyed_place(request.dialect, request.url, asked.scanners)
        self._wanted = Wanted(document=asked.body, is_same_place=self._is_same_place)

    def nearest(
        self,
        cassette: CassetteFile,
        sections: Iterable[str],
        is_left: Callable[[Recording], bool] = lambda recording: True,
    ) -> Near | None:
        """Return the recording in these sections that is most like the request, None without.

        One that was played already only where none is left.
        """
        wanted = replace(self._wanted, is_left=is_left)
        recording = nearest(cassette, sections, wanted, self._tape.library)
        return None if recording is None else self.near(cassette, recording)

    def near(self, cassette: CassetteFile, recording: Recording) -> Near:
        """Compare `recording`, which stands in `cassette`, with the request."""
        asked = self._asked
        recorded = mask_strings(recorded_document(recording), asked.scanners)
        model = asked.shown(asked_model(recording, asked.dialects) or NO_MODEL)
        own = self._tape.cassette(asked.request.model)
        if asked.request.judged is not None and cassette.path == own.path:
            model = asked.model  # that of a judge's cassette says also whose output it judges
        places = differing_places(recorded, asked.body)
        if model != asked.model and not any(each.group == "model" for each in places):
            # The URL names the model.
            named_in_url = Place(group="model", name="model", whose="", old=model, new=asked.model)
            places = [named_in_url, *places]
        has_same_endpoint = self._is_same_place(recording)
        if not places and recording.key != asked.request.key:  # the path may say more than we read
            paths = {urlsplit(each).path for each in (recording.request["uri"], asked.request.url)}
            has_same_endpoint = has_same_endpoint and len(paths) == 1
        return Near(
            recording=recording,
            cassette=cassette,
            model=model,
            has_same_endpoint=has_same_endpoint,
            places=places,
        )

    def under_another_case(self, cassette: CassetteFile) -> Near | None:
        """Return the very request of a case that this test has no more, None where there is none.

        That is what a case leaves behind whose id was changed. One that is recorded for another
        model under its id of today had this id before.
        """
        label, key = self._tape.label, self._asked.request.key
        there = set(label.cases())
        old = (each for each in cassette.cases if each not in there and cassette.count(each, key))
        case = next(old, None)
        if case is None or any(label.case in each.cases for each in self._siblings()):
            return None
        return self.near(cassette, cassette.read(case, key, 0))

    def at_siblings(self) -> Iterator[Near]:
        """Yield what is nearest in each cassette of this test for another model."""
        case = self._tape.label.case
        for cassette in self._siblings():
            near = self.nearest(cassette, [case] if case in cassette.cases else cassette.cases)
            if near is not None:
                yield near

    def _siblings(self) -> Iterator[CassetteFile]:
        """Yield the cassettes of this test function for other models.

        One that cannot be read is left out: this test did not ask for it.
        """
        library, label = self._tape.library, self._tape.label
        own = label.cassette(self._asked.request.model)
        for path in library.of_function(label):
            with suppress(CassetteError):
                if path != own:
                    yield library.open(path)
        foreign = library.foreign(label)
        if foreign is not None and self._asked.request.model not in foreign.models:
            yield foreign.cassette

    def _is_same_place(self, recording: Recording) -> bool:
        """Say whether both go to the same place, as far as a key tells places apart."""
        asked, url = self._asked, str(recording.request["uri"])
        there = keyed_place(find_dialect(asked.dialects, url), url, asked.scanners)
        return recording.request["method"] == asked.request.method and there == self._place


def _changed(near: Near, asked: Asked) -> Cause:
    """Return the cause where the test has recordings, and none of them is of this request."""
    if not near.has_same_endpoint:
        place = asked.shown(f"{asked.request.method} {urlsplit(asked.request.url).path}")
        return _cause("other endpoint", place, f"other endpoint ({place})", near)
    for group, (kind, words) in _KINDS.items():
        names = list(dict.fromkeys(each.subject for each in near.places if each.group == group))
        if names and group == "prompt":
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            return _cause(kind, names[0], words.format(names[0]) + more, near)
        if names:
            return _cause(kind, ", ".join(names), words.format(", ".join(names)), near)
    return _cause("other key", "", "other key, though nothing visible has changed", near)


def _cause(kind: MissKind, place: str, headline: str, near: Near | None) -> Cause:
    return Cause(kind=kind, place=place, headline=shorten(headline, HEADLINE_COLUMNS), near=near)
