"""The command `llmprod cassette check`: are the cassettes in the repository in order?"""

import argparse
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_llmprod.commands.layout import beside
from pytest_llmprod.composition import departed_cases
from pytest_llmprod.composition.wire_settings import max_age_days
from pytest_llmprod.core.errors import CassetteError
from pytest_llmprod.core.text import counted, printable
from pytest_llmprod.wire import masking
from pytest_llmprod.wire.cassettes import any_cassette, folders, inspection
from pytest_llmprod.wire.cassettes.inspection import Finding
from pytest_llmprod.wire.cassettes.owner import find_owners
from pytest_llmprod.wire.scanners.known_secrets import environment_scanners

if TYPE_CHECKING:
    from pytest_llmprod.wire.recording import Recording

_INDENT = 15
_MOST_OF_A_KIND = 5
_MENDS = {
    "secret": "withdraw it, take it out of the file, keep it out of the prompt",
    "unreadable": "restore the file from version control, or record it again",
    "old": "pytest --llm-eval --llm-record=rewrite",
    "orphan": "llmprod cassette prune; after a rename, move the file instead",
    "duplicate": "llmprod cassette prune",
    "gone case": "llmprod cassette prune; after a rename, rename the case in the file instead",
}


class _Checked(NamedTuple):
    """What a check went through, and what it found, file by file."""

    cassettes: int
    recordings: int
    findings: list[Finding]


def run(options: argparse.Namespace) -> int:
    """Print what is wrong with cassettes; exit with 1 where something has to be mended."""
    checked = _check(folders.find(options.places), datetime.now(UTC), os.environ)
    is_wrong = any(not finding.is_note for finding in checked.findings)
    if options.json:
        print(json.dumps(_to_json(checked), indent=1))
    else:
        for line in _lines(checked):
            print(line)
    return 1 if is_wrong else 0


def _check(paths: Sequence[Path], now: datetime, environ: Mapping[str, str]) -> _Checked:
    scanners = [*masking.BUILT_IN, *environment_scanners(environ)]
    findings: list[Finding] = []
    ours: dict[Path, list[Recording]] = {}
    foreign: dict[Path, list[Recording]] = {}
    number = 0
    for path in paths:
        text, recordings = "", []
        try:
            text = any_cassette.read_bytes(path).decode("utf-8", "replace")
            recordings = any_cassette.read(path, scanners=())  # a masked secret is found no more
            (ours if any_cassette.is_ours(path) else foreign)[path] = recordings
        except CassetteError as error:
            findings.append(Finding(path=path, kind="unreadable", text=_reason(path, error)))
        number += len(recordings)
        findings += inspection.find_secrets(path, text, recordings, scanners)
    ages = _ages(ours)
    for path, standing in find_owners(ours).items():
        age = ages[path.absolute().parent]
        findings += inspection.judge_owner(path, standing)
        findings += departed_cases.judge(path, ours[path], standing.dataset)
        findings += inspection.inspect(path, ours[path], now=now, max_age_days=age)
    for path, recordings in foreign.items():
        findings += inspection.judge_foreign(path, recordings, ours)
    return _Checked(len(paths), number, sorted(findings, key=_place))


def _place(finding: Finding) -> tuple[Path, bool, str, int]:
    return finding.path, finding.is_note, finding.kind, finding.line or 0


def _reason(path: Path, error: CassetteError) -> str:
    """Return the first sentence of an error, without the path that stands above it."""
    return str(error).removeprefix(str(path)).lstrip(":, ").partition(". ")[0]


def _ages(paths: Iterable[Path]) -> dict[Path, int | None]:
    """Return for each folder of cassettes after how many days a recording is too old."""
    return {folder: max_age_days(folder) for folder in {each.absolute().parent for each in paths}}


def _to_json(checked: _Checked) -> dict[str, Any]:
    return {
        "cassettes": checked.cassettes,
        "recordings": checked.recordings,
        "findings": [each.to_json() for each in checked.findings],
    }


def _lines(checked: _Checked) -> Iterator[str]:
    for path, about in groupby(checked.findings, key=lambda each: each.path):
        yield printable(str(path))
        for kind, group in groupby(about, key=lambda each: each.kind):
            yield from _kind_lines(kind, list(group))
    kinds = Counter(finding.kind for finding in checked.findings)
    mends = [(kind, mend) for kind, mend in _MENDS.items() if kind in kinds]
    if mends:
        yield "mend"
    for kind, mend in mends:
        yield from beside(_INDENT, kind, mend)
    notes = sum(finding.is_note for finding in checked.findings)
    yield (
        f"{counted(checked.cassettes, 'cassette')}, {counted(checked.recordings, 'recording')}: "
        f"{counted(len(checked.findings) - notes, 'finding')}, {counted(notes, 'note')}"
    )


def _kind_lines(kind: str, findings: Sequence[Finding]) -> Iterator[str]:
    for finding in findings[:_MOST_OF_A_KIND]:
        line = "" if finding.line is None else f"line {finding.line}: "
        yield from beside(_INDENT, kind, line + printable(finding.text))
    if len(findings) > _MOST_OF_A_KIND:
        more = len(findings) - _MOST_OF_A_KIND
        yield from beside(_INDENT, kind, f"and {more} more: --json lists all of them")
