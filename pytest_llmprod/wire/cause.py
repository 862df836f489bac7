"""Cause: why a request found no recording, by comparison with the nearest one.

Where several things have changed, the first of these names the cause, and the others are told as
differences: one more call, another endpoint, the prompt, the order, the tools, the model,
parameters. A model that has no recording of this test, where another has the same prompt, is the
cause whatever else differs.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pytest_llmprod.core.miss import HEADLINE_COLUMNS, MissKind
from pytest_llmprod.core.text import printable, shorten
from pytest_llmprod.wire.cassette_file import CassetteFile
from pytest_llmprod.wire.dialects import find_dialect
from pytest_llmprod.wire.key import NO_MODEL, WireRequest
from pytest_llmprod.wire.masking import Scanner, mask_strings
from pytest_llmprod.wire.nearest import Wanted, nearest, recorded_document
from pytest_llmprod.wire.places import Group, Place, differing_places
from pytest_llmprod.wire.recording import Recording
from pytest_llmprod.wire.siblings import siblings
from pytest_llmprod.wire.tape import Tape

_KINDS: Mapping[Group, tuple[MissKind, str]] = {
    "prompt": ("prompt changed", "prompt changed in {}"),
    "order": ("order", "order of {} changed"),
    "tools": ("tool schema", "tool schema changed ({})"),
    "model": ("model", "{} changed"),
    "parameters": ("parameters", "parameters changed ({})"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """The nearest recording: the cassette it is in, the model it was asked of, and what differs.

    `has_same_endpoint` says whether the request goes to the same place, as far as keys tell places
    apart.
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
    """Why there was no recording: its kind, in which place, and the same in a few words."""

    kind: MissKind
    place: str
    headline: str
    near: Near | None


def find_cause(tape: Tape, request: WireRequest, body: Any, scanners: Sequence[Scanner]) -> Cause:
    """Return why the masked `request`, with the decoded `body`, has no recording for `tape`."""
    search = _Search(tape, request, body, scanners)
    own, case = tape.cassette(request.model), tape.label.case
    recorded = own.count(case, request.key)
    if recorded:
        near = search.near(own, request.model, own.read(case, request.key, recorded - 1))
        headline = f"one more call than recorded ({recorded})"
        return _cause("one more call", "", headline, near)
    in_section = search.nearest(own, request.model, [case])
    if in_section is not None:
        return _changed(in_section, request)
    others = sorted(search.at_siblings(), key=lambda near: len(near.places))
    for other in others if request.model != NO_MODEL else ():
        if other.has_same_endpoint and not other.differs_in("prompt", "order"):
            new, old = printable(request.model), printable(other.model)
            return _cause("model", f"{old} -> {new}", f"model {new} instead of {old}", other)
    nearest_of_all = search.nearest(own, request.model, own.cases) or next(iter(others), None)
    whose = printable(case) or "this test"
    headline = f"no cassette for {printable(request.model)}"
    if len(own):
        headline = f"no cassette holds {whose}"
    return _cause("no cassette", "", headline, nearest_of_all)


class _Search:
    """Looks for recordings that are like one request."""

    def __init__(
        self, tape: Tape, request: WireRequest, body: Any, scanners: Sequence[Scanner]
    ) -> None:
        self._tape = tape
        self._request = request
        self._body = body
        self._scanners = scanners
        self._wanted = Wanted(document=body, is_same_place=self._is_same_place)

    def nearest(self, cassette: CassetteFile, model: str, sections: Iterable[str]) -> Near | None:
        """Return the recording in these sections that is most like the request, None without."""
        recording = nearest(cassette, sections, self._wanted)
        return None if recording is None else self.near(cassette, model, recording)

    def near(self, cassette: CassetteFile, model: str, recording: Recording) -> Near:
        """Compare `recording`, which stands in `cassette`, with the request."""
        recorded = mask_strings(recorded_document(recording), self._scanners)
        named = recorded.get("model") if isinstance(recorded, dict) else None
        model = named if isinstance(named, str) else model
        places = differing_places(recorded, self._body)
        if model != self._request.model and not any(each.group == "model" for each in places):
            new = self._request.model  # the URL names it
            places = [Place(group="model", name="model", whose="", old=model, new=new), *places]
        return Near(
            recording=recording,
            cassette=cassette,
            model=model,
            has_same_endpoint=self._is_same_place(recording),
            places=places,
        )

    def at_siblings(self) -> Iterator[Near]:
        """Yield what is nearest in the cassette of each other model of this test."""
        label = self._tape.label
        for model, cassette in siblings(label, self._tape.cassette_path(self._request.model)):
            sections = [label.case] if cassette.cases.get(label.case) else cassette.cases
            near = self.nearest(cassette, model, sections)
            if near is not None:
                yield near

    def _is_same_place(self, recording: Recording) -> bool:
        """Say whether both go to the same place, as far as a key tells places apart."""
        request, url = self._request, str(recording.request["uri"])
        if recording.request["method"] != request.method:
            return False
        if request.dialect is None:
            return url == request.url
        return find_dialect((request.dialect,), urlsplit(url).path) is not None


def _changed(near: Near, request: WireRequest) -> Cause:
    """Return the cause where the test has recordings, and none of them is of this request."""
    if not near.has_same_endpoint:
        place = printable(f"{request.method} {urlsplit(request.url).path}")
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
