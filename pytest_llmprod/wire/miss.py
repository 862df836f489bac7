"""Miss: why a request found no recording, and the command that mends it."""

import json
import os
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from pytest_llmprod.core.text import printable, shorten
from pytest_llmprod.wire.bodies import decode_document
from pytest_llmprod.wire.key import ModelChoice, WireRequest
from pytest_llmprod.wire.label import TapeLabel
from pytest_llmprod.wire.masking import Scanner, mask, mask_strings, mask_url
from pytest_llmprod.wire.recording import Recording
from pytest_llmprod.wire.tape import Tape

_MOST_DIFFERENCES = 6
_MOST_CANDIDATES = 100
_COLUMNS = 68


def explain(
    tape: Tape, request: WireRequest, choice: ModelChoice, scanners: Sequence[Scanner]
) -> str:
    """Return what was sent, the nearest recording, what differs, and the command that mends it.

    The text is masked: it ends up in terminals and CI logs. It is masked before anything is cut,
    for half of a secret looks like none.
    """
    label = tape.label
    request = replace(
        request,
        document=mask_strings(request.document, scanners),
        url=mask_url(request.url, scanners),
    )
    cassette = tape.cassette(request.model)
    section = cassette.section(label.case)
    lines = [
        f"A request of this test is in no recording, and --llm-record={tape.mode} sends nothing.",
        "",
        f"  sent      {request.method} {request.operation} to {printable(request.model)}"
        f"{' (stream)' if request.stream else ''}: {_gist(request.document)}",
        f"  cassette  {_relative(tape, request)}: {_count(len(cassette))}, "
        f"{len(section)} of them for {printable(label.case) or 'this test'}",
    ]
    nearest = _nearest(request, section or cassette.all()[:_MOST_CANDIDATES])
    if nearest is not None:
        lines += [f"  nearest   {_describe(nearest)}", *_differences(nearest, request)]
    elif not len(cassette):
        lines.append("  nearest   none: this cassette does not exist yet")
    lines += ["", f"  mend      {_command(label, choice)}"]
    return mask("\n".join(lines), scanners)


def _command(label: TapeLabel, choice: ModelChoice) -> str:
    flag = ["--llm-eval"] if label.is_eval else []
    words = ["pytest", *flag, "--llm-record=new_episodes", *choice.options, label.nodeid]
    return shlex.join(words)


def _relative(tape: Tape, request: WireRequest) -> str:
    path = os.path.realpath(tape.cassette_path(request.model))
    try:
        return os.path.relpath(path)
    except ValueError:  # on another drive
        return path


def _count(number: int) -> str:
    return "1 recording" if number == 1 else f"{number} recordings"


def _gist(document: Any) -> str:
    """Return the last thing that the request says, in one short line."""
    text: Any = ""
    if isinstance(document, dict):
        messages = document.get("messages") or document.get("input") or ""
        last = messages[-1] if isinstance(messages, list) and messages else messages
        text = last.get("content", "") if isinstance(last, dict) else last
    if not isinstance(text, str):
        text = json.dumps(text, ensure_ascii=False)
    return f'"{shorten(printable(text), 44)}"' if text else "no text"


def _describe(recording: Recording) -> str:
    where = f"of {recording.case}" if recording.case else "of this test"
    return printable(f"{where}, answered by {recording.model}, recorded {recording.recorded_at}")


def _nearest(request: WireRequest, candidates: Iterable[Recording]) -> Recording | None:
    """Return the recording whose request shares the most words with `request`."""
    wanted = _words(request.document if request.document is not None else request.url)
    best: tuple[float, Recording] | None = None
    for recording in candidates:
        words = _words(decode_document(recording.request["body"]))
        shared = len(wanted & words) / max(1, len(wanted | words))
        if best is None or shared > best[0]:
            best = (shared, recording)
    return best[1] if best else None


def _words(document: Any) -> set[str]:
    return set(re.findall(r"\w+", json.dumps(document, ensure_ascii=False)))


def _differences(recording: Recording, request: WireRequest) -> Iterator[str]:
    recorded = decode_document(recording.request["body"])
    if recording.key == request.key:
        yield "            the same request: it was made once more than it was recorded"
        return
    yield "            differs in"
    found = list(_compare(recorded, request.document))
    if not found and _is_same_place(recording, request):
        yield "              nothing that can be seen: its key was edited or made by another"
        yield "              version; record it again"
    elif not found:
        yield "              the URL or the method"
    for path, old, new in found[:_MOST_DIFFERENCES]:
        yield f"              {path}"
        before, after = _around_the_change(old, new)
        yield f"                - {before}"
        yield f"                + {after}"
    if len(found) > _MOST_DIFFERENCES:
        yield f"              and {len(found) - _MOST_DIFFERENCES} more places"


def _is_same_place(recording: Recording, request: WireRequest) -> bool:
    """Say whether both went to the same place, as far as a key tells places apart."""
    if recording.request["method"] != request.method:
        return False
    recorded = str(recording.request["uri"])
    if request.dialect is None:
        return recorded == request.url
    return urlsplit(recorded).path == urlsplit(request.url).path


def _compare(recorded: Any, sent: Any) -> Iterator[tuple[str, str, str]]:
    """Yield the path, the recorded and the sent value of each place in which the two differ."""
    # Only a miss needs deepdiff, which takes longer to import than a test to replay.
    from deepdiff import DeepDiff

    tree = DeepDiff(recorded, sent, view="tree")
    for kind in sorted(tree):
        for change in tree[kind]:
            yield _place(change.path(output_format="list")), _shown(change.t1), _shown(change.t2)


def _place(path: Sequence[str | int]) -> str:
    """Name a place in a document: `messages[0].content`."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return printable("".join(steps).removeprefix(".")) or "the body"


def _shown(value: Any) -> str:
    if type(value).__name__ == "NotPresent":
        return "(absent)"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _around_the_change(old: str, new: str) -> tuple[str, str]:
    """Return both texts cut to the neighbourhood of their first difference."""
    start = 0
    for start, (left, right) in enumerate(zip(old, new, strict=False)):  # noqa: B007  # used below
        if left != right:
            break
    else:
        start = min(len(old), len(new))
    begin = max(0, start - 24)
    lead = "..." if begin else ""
    return (
        shorten(lead + printable(old[begin : begin + 400]), _COLUMNS - 4),
        shorten(lead + printable(new[begin : begin + 400]), _COLUMNS - 4),
    )
