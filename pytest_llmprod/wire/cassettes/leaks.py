"""Leaks: secrets in what is about to be written, and in files that are there."""

import json
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pytest_llmprod.core.credential_names import SECRET_NAME
from pytest_llmprod.core.encoded_secrets import find_encoded
from pytest_llmprod.core.errors import CassetteError
from pytest_llmprod.core.scanning import findings
from pytest_llmprod.wire.bodies import decode_body, decode_document, join_lines, join_text
from pytest_llmprod.wire.documents import views
from pytest_llmprod.wire.masking import Finding, Scanner
from pytest_llmprod.wire.recording import Recording
from pytest_llmprod.wire.scanners.joined import Pieces
from pytest_llmprod.wire.scanners.known_secrets import is_secret


class Leak(NamedTuple):
    """A secret in a file: what it is, and the line in which it, or its recording, begins."""

    kind: str
    line: int


def refuse_leaking_text(text: str, scanners: Sequence[Scanner], whose: str) -> None:
    """Raise CassetteError where a text that is about to be written holds a secret after all.

    `whose` says what it is that the kinds of the scanners name.
    """
    for finding in findings(text, scanners):
        raise CassetteError(
            f"What was recorded holds the value of {whose} {finding.kind} where it cannot be "
            f"masked: in the name of a case or of a file, for instance. It was not stored. Take "
            f"the secret out of that name, or use another secret, and record again with "
            f"--llm-record=once."
        )


def refuse_leaks(recording: Mapping[str, Any], known: Mapping[str, Sequence[Scanner]]) -> None:
    """Raise CassetteError where a recording that is about to be stored holds a secret after all.

    `known` has scanners for secrets, by what it is that their kinds name.
    """
    if any(known.values()):
        for text in (json.dumps(recording), *readings(recording)):
            for whose, scanners in known.items():
                refuse_leaking_text(text, scanners, whose)


def readings(recording: Mapping[str, Any]) -> Iterator[str]:
    """Yield the texts in a stored recording as a reader would put them together.

    These are the strings of the bodies with their lines joined, base64 decoded, and the texts that
    the events of a stream make.
    """
    for message in (recording["request"], recording["response"]):
        for documents in _views(message["body"]):
            pieces = Pieces(documents)
            yield "\0".join(pieces.texts)
            yield from pieces.joined()


def _views(body: Mapping[str, Any]) -> Iterator[list[Any]]:
    """Yield the documents in a stored body, in each way in which it can be read."""
    if "stream" in body:
        yield [_event(each) for each in body["stream"]]
        return
    yield [decode_document(dict(body))]
    if "json" not in body:
        yield from views(decode_body(dict(body)))


def _event(stored: Mapping[str, Any]) -> Any:
    document = join_lines(stored["data"]) if "data" in stored else join_text(stored["raw"])
    return document if isinstance(document, dict | list | str) else json.dumps(document)


def find_leaks(
    text: str, recordings: Sequence[Recording], scanners: Sequence[Scanner]
) -> list[Leak]:
    """Return the secrets in the text of a file, in the order of its lines, without telling them.

    The text is searched as it stands. The recordings in it, which must not be masked, are searched
    as a reader would put them together: bodies decoded, and the pieces of a stream joined.
    """
    scanners = [*scanners, find_encoded, _find_headers]
    ends = [match.start() for match in re.finditer("\n", text)]
    leaks = {
        Leak(finding.kind, bisect_right(ends, finding.start) + 1)
        for finding in findings(text, scanners)
    }
    lines = _first_lines(text, len(recordings))
    nexts = [*lines[1:], len(ends) + 2]
    for line, end, recording in zip(lines, nexts, recordings, strict=False):
        known = {leak.kind for leak in leaks if line <= leak.line < end}
        parts = readings(recording.to_json())
        kinds = {each.kind for part in parts for each in findings(part, scanners)}
        leaks |= {Leak(kind, line) for kind in kinds - known}
    return sorted(leaks, key=lambda leak: (leak.line, leak.kind))


def _first_lines(text: str, count: int) -> list[int]:
    """Return the line in which each of `count` recordings begins, 1 where that cannot be told."""
    opening = "  {" if text.startswith("{") else "- request:"
    lines = [number for number, line in enumerate(text.split("\n"), 1) if line == opening]
    return lines if len(lines) == count else [1] * count


# As vcrpy writes headers, in YAML or JSON: one value, or a list of values.
_HEADER = (  # kept as a text: only a run that writes compiles it
    rf"(?im)^[ \t]*[\"']?({SECRET_NAME})[\"']?:(?:[ \t]*|\s*(?:-|\[)\s*)[\"']?([^\s\"'][^\n\"']*)"
)
_PLACEHOLDER = re.compile(r"(?i)dummy|example|fake|filter|mask|placeholder|redact|scrub|test|xxx")


def _find_headers(text: str) -> Iterator[Finding]:
    for match in re.finditer(_HEADER, text):
        name, value = match[1].lower(), match[2].rstrip()
        if name.endswith("authorization"):
            value = value.rpartition(" ")[2]
        is_value = name.endswith("cookie") or " " not in value
        if is_value and is_secret(value) and not _PLACEHOLDER.search(value):
            yield Finding(name, match.start(2), match.end(2))
