"""Miss: how a request that found no recording is told, and the command that mends it."""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pytest_llmprod.core.errors import CassetteError
from pytest_llmprod.core.miss import UNRECORDED, Miss
from pytest_llmprod.core.text import counted, escaped, printable, shorten, width
from pytest_llmprod.wire.cassettes.library import Library
from pytest_llmprod.wire.dialects import Dialect
from pytest_llmprod.wire.key import ModelChoice, WireRequest
from pytest_llmprod.wire.masking import Scanner, mask, mask_strings, mask_url
from pytest_llmprod.wire.misses.cause import Asked, Cause, Near, find_cause
from pytest_llmprod.wire.misses.places import ABSENT, Place, gist
from pytest_llmprod.wire.misses.siblings import move_command, moves_of, relative
from pytest_llmprod.wire.misses.text_diff import changed_lines, escaped_lines, first_changed_line
from pytest_llmprod.wire.tape import Tape

_COLUMNS = 80
_INDENT = " " * 12
_LONGEST_NAME = 40
_MOST_PLACES = 6
_MOST_LINES = 12
_MASKED = re.compile(r"\[masked [^\[\]]+\]")


def explain(
    tape: Tape,
    request: WireRequest,
    *,
    choice: ModelChoice,
    dialects: Sequence[Dialect],
    scanners: Sequence[Scanner],
) -> Miss:
    """Return what was asked, the nearest recording, what differs, and the command that mends it.

    The text is masked: it ends up in terminals and CI logs. It is masked before anything is cut,
    for half of a secret looks like none.
    """
    text = mask(request.body.decode("utf-8", "replace"), scanners)
    request = request._replace(url=mask_url(request.url, scanners))
    try:
        body = text if request.document is None else mask_strings(request.document, scanners)
        asked = Asked(request=request, body=body, dialects=dialects, scanners=scanners)
        cause = find_cause(tape, asked)
    except RecursionError:  # nested too deeply to be compared
        asked = Asked(request=request, body=text, dialects=dialects, scanners=scanners)
        cause = find_cause(tape, asked)
    lines = [*_asked(tape, asked), *_on_offer(tape, asked, cause), *_because(asked, cause, choice)]
    mode = "once" if cause.kind in UNRECORDED else "new_episodes"
    command = tape.label.command(mode, *choice.options)
    moves = [] if cause.left is None else moves_of(cause.left, tape, request.model)
    if cause.left is not None:
        lines += _renamed(cause.left)
        command = move_command(moves)
    return Miss(
        kind=cause.kind,
        place=cause.place,
        suite=f"{tape.label.folder}/{tape.label.function}",
        headline=cause.headline,
        details=mask("\n".join(lines), scanners),
        command=mask(command, scanners),
        moves=tuple(
            (mask(relative(old), scanners), mask(relative(new), scanners)) for old, new in moves
        ),
    )


def _asked(tape: Tape, asked: Asked) -> Iterator[str]:
    request = asked.request
    kind = " (stream)" if request.stream else ""
    to = asked.shown(f"{request.method} {request.operation} to {request.model}{kind}")
    start = f"  asked     {shorten(to, _LONGEST_NAME)}: "
    yield start + gist(asked.body, _COLUMNS - width(start))
    where = " for a case that has recordings" if tape.mode == "once" else ""
    yield f"{_INDENT}not sent: --llm-record={tape.mode} sends nothing{where}"


def _on_offer(tape: Tape, asked: Asked, cause: Cause) -> Iterator[str]:
    cassette, case, near = tape.cassette(asked.request.model), tape.label.case, cause.near
    yield f"  cassette  {relative(cassette.path)}"
    if len(cassette):
        whose = shorten(asked.shown(case), _LONGEST_NAME) or "this test"
        count = len(cassette.cases.get(case, ())) or "none"
        yield f"{_INDENT}{counted(len(cassette), 'recording')}, {count} of them for {whose}"
    else:
        yield f"{_INDENT}does not exist yet"
    if near is not None:
        yield f"  nearest   {_describe(asked, near)}"
        if near.cassette.path != cassette.path:
            yield f"{_INDENT}in {relative(near.cassette.path)}"
        yield from _differences(tape, asked, near, cause)


def _describe(asked: Asked, near: Near) -> str:
    recording = near.recording
    answered = f", answered by {recording.model}" if recording.model else ""
    text = f"of {recording.case or 'this test'}{answered} on {recording.recorded_at[:10]}"
    return shorten(asked.shown(text), _COLUMNS - len(_INDENT))


def _because(asked: Asked, cause: Cause, choice: ModelChoice) -> Iterator[str]:
    if cause.kind == "repeat not recorded":
        yield "  because   a recording that is played again shows no variance: each repeat"
        yield f"{_INDENT}needs an answer of its own"
    if cause.kind != "model":
        return
    if asked.request.model in (choice.override, *choice.swaps.values()):
        options = printable(" ".join(choice.options))
        yield f"  because   {options} asks for another model"
    else:
        yield "  because   the application names another model now: has its default changed?"


def _differences(tape: Tape, asked: Asked, near: Near, cause: Cause) -> Iterator[str]:
    lines = list(_endpoints(asked, near))
    shown = 0
    for place in near.places[:_MOST_PLACES]:
        block = _block(place)
        if lines and len(lines) + len(block) > _MOST_LINES:
            break
        lines += block
        shown += 1
    if shown < len(near.places):
        more = len(near.places) - shown
        lines.append(f"and {more} more place{'s' if more > 1 else ''}")
    if cause.kind == "one more call" and not near.places:
        lines = ["in nothing: this request was made once more than it was recorded"]
    elif cause.kind == "repeat not recorded":
        lines = ["in nothing: it is the same request, asked for another repeat"]
    elif cause.kind == "other key":
        lines = list(_unseen(asked))
    for number, line in enumerate(lines or _other_case(tape, asked, near)):
        yield f"{_INDENT if number else '  differs   '}{line}"


def _other_case(tape: Tape, asked: Asked, near: Near) -> list[str]:
    """Return what to say where the recording of another case is of this very request."""
    old, new = asked.shown(near.recording.case), asked.shown(tape.label.case)
    if near.recording.case in tape.label.cases():
        return [f"in nothing: {shorten(old, _LONGEST_NAME)} asks the same"]
    diff = [f'- "case": {_json(old)}', f'+ "case": {_json(new)}']
    start = "in nothing: was the case renamed? Then rename it in the cassette:"
    paths = (path for path in tape.library.of_function(tape.label) if path != near.cassette.path)
    others = [path for path in paths if _holds(tape.library, path, near.recording.case)]
    return [start, *_indented(diff), *(f"and in {relative(path)}" for path in others)]


def _holds(library: Library, path: Path, case: str) -> bool:
    """Say whether a cassette that can be read has recordings of a case."""
    try:
        return case in library.open(path).cases
    except CassetteError:
        return False


def _renamed(left: Path) -> Iterator[str]:
    yield f"  renamed?  {relative(left)}"
    yield f"{_INDENT}holds this very request, and no test plays it any more"


def _unseen(asked: Asked) -> Iterator[str]:
    """Yield why a request that looks like the recorded one has another key."""
    masked = _MASKED.search(_text(asked.body) + asked.request.url)
    if masked is None:
        yield "in nothing that can be seen: its key was edited, or made by another"
        yield "version of pytest-llmprod; record it again"
    else:
        yield f"in what is masked: {printable(shorten(masked[0], _LONGEST_NAME))}"
        yield "had another value when it was recorded. Keep it out of the request,"
        yield "or give it the same value in every run"


def _endpoints(asked: Asked, near: Near) -> Iterator[str]:
    if not near.has_same_endpoint:
        request, recorded = asked.request, near.recording.request
        old, new = f"{recorded['method']} {recorded['uri']}", f"{request.method} {request.url}"
        yield "endpoint"
        yield from _indented(changed_lines(old, new, columns=_COLUMNS - len(_INDENT) - 2))


def _block(place: Place) -> list[str]:
    """Return the lines that show one place: one where it is short, else a diff of lines."""
    room = _COLUMNS - len(_INDENT)
    name = f"{place.name} ({place.whose})" if place.whose else place.name
    if place.group != "prompt" and not place.is_reordered:
        line = f"{name}  {_json(place.old)} -> {_json(place.new)}"
        if width(line) <= room:
            return [line]
    note, diff = _diff(place, room - 2)
    return [f"{shorten(name, room - width(note))}{note}", *_indented(diff)]


def _diff(place: Place, columns: int) -> tuple[str, list[str]]:
    """Return what happened at a place, and the lines that show it."""
    old, new = place.old, place.new
    if old is ABSENT:
        return ", added", [f"+ {line}" for line in escaped_lines(_text(new))]
    if new is ABSENT:
        return ", removed", [f"- {line}" for line in escaped_lines(_text(old))]
    if not (isinstance(old, str) and isinstance(new, str)):
        texts = [each if isinstance(each, str) else _json(each) for each in (old, new)]
        if texts[0] == texts[1]:  # the text "1" and the number
            texts = [_json(old), _json(new)]
        return "", list(changed_lines(*texts, columns=columns))
    if place.is_reordered:
        before, after = old.split("\n"), new.split("\n")
        moved = [f"- {line}" for line in before if line not in after]
        return ", in another order", moved + [f"+ {line}" for line in after if line not in before]
    has_lines = place.group == "prompt" and "\n" in old + new
    note = f", line {first_changed_line(old, new)}" if has_lines else ""
    return note, list(changed_lines(old, new, columns=columns))


def _indented(diff: Sequence[str] | Iterator[str]) -> Iterator[str]:
    """Yield the lines of a diff, not too many, and how many there are more."""
    lines = [shorten(line, _COLUMNS - len(_INDENT) - 2) for line in diff]
    most = len(lines) if len(lines) <= _MOST_LINES - 2 else _MOST_LINES - 3
    yield from (f"  {line}" for line in lines[:most])
    if most < len(lines):
        yield f"  and {len(lines) - most} more changed lines"


def _text(value: Any) -> str:
    """Return a JSON value for a reader: of a message that is plain text, the text."""
    if isinstance(value, dict) and value.keys() <= {"role", "content", "name", "type"}:
        value = value.get("content", value)
    return value if isinstance(value, str) else _json(value)


def _json(value: Any) -> str:
    if value is ABSENT:
        return "(absent)"
    return escaped(json.dumps(value, ensure_ascii=False))
