"""The command `llmprod log import`: an application's own log as a run of ours."""

import argparse
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_llmprod.composition.imported_cases import AddedCases, add_cases
from pytest_llmprod.composition.imported_recordings import AddedRecordings, add_recordings
from pytest_llmprod.composition.masked_log import with_masked_figures, without_personal
from pytest_llmprod.core.errors import LogError
from pytest_llmprod.core.text import counted, printable
from pytest_llmprod.records import foreign
from pytest_llmprod.records.foreign import Imported
from pytest_llmprod.records.log import LogWriter
from pytest_llmprod.wire import masking
from pytest_llmprod.wire.scanners.known_secrets import environment_scanners

if TYPE_CHECKING:
    from pytest_llmprod.records.line import LogLine


def run(options: argparse.Namespace) -> int:
    """Write the exchanges of a log as a run, and say how many these are."""
    imported, run_id = _read(options)
    if options.cases is not None or options.test is not None:
        imported = without_personal(imported)
    known = environment_scanners(os.environ)
    scanners = (*masking.BUILT_IN, *known)
    lines: Sequence[LogLine] = [with_masked_figures(each, scanners) for each in imported.lines]
    cases = recordings = None
    if options.cases is not None:
        cases = add_cases(options.cases, lines, scanners)
        lines = cases.lines
    if options.test is not None:
        recordings = add_recordings(options.test, lines, imported.rows, known)
        lines = recordings.lines
    mask = partial(masking.mask_strings, scanners=scanners)
    writer = LogWriter(options.folder, run_id, "import", mask)
    for line in lines:
        writer.add(line)
    writer.close()
    if options.json:
        counts = {"exchanges": len(lines), "left_out": imported.left_out}
        more = {**_cases_json(cases), **_recordings_json(recordings)}
        print(json.dumps({"run": run_id, **counts, **more}))
        return 0
    print(f"{counted(len(lines), 'exchange')} of {printable(str(options.file))}: {run_id}")
    if imported.left_out:
        print(f"{counted(imported.left_out, 'row')} left out that tell of no exchange")
    for text in (*_cases_lines(options.cases, cases), *_recordings_lines(recordings)):
        print(text)
    return 0


def _read(options: argparse.Namespace) -> tuple[Imported, str]:
    """Return the exchanges in the file, and the name of the run that they become."""
    try:
        content = options.file.read_bytes()
    except OSError as error:
        raise LogError(f"{options.file}: cannot be read ({error.strerror}).") from error
    run_id = f"import-{sha256(content).hexdigest()[:8]}"
    if (options.folder / run_id).exists():
        raise LogError(
            f"{options.file}: was imported already. Remove that run first: llmprod log purge "
            f"--run {run_id}"
        )
    imported = foreign.read(content, options.feature)
    if not imported.lines:
        raise LogError(
            f"{options.file}: holds no exchange. Expected are JSON lines with `model`, `input` and "
            f"`output`, or traces of OpenTelemetry in JSON."
        )
    return imported, run_id


def _cases_lines(path: Path, found: AddedCases | None) -> Iterator[str]:
    if found is None:
        return
    known = f", {found.known:,} were there already" if found.known else ""
    yield f"{printable(str(path))}: added {counted(found.added, 'case')}{known}"
    if found.left_out:
        yield f"{counted(found.left_out, 'exchange')} made no case: no answer, or no text of a user"
    if found.added:
        yield "write into the new rows what is expected; a logged answer is none"


def _recordings_lines(found: AddedRecordings | None) -> Iterator[str]:
    if found is None:
        return
    for path, count in found.counts.items():
        yield f"{printable(str(path))}: {counted(count, 'recording')}"
    if found.kept:
        yield f"{counted(found.kept, 'case')} had recordings already, which stay"
    if found.left_out:
        yield f"{counted(found.left_out, 'exchange')} made no recording"


def _cases_json(found: AddedCases | None) -> Mapping[str, Any]:
    if found is None:
        return {}
    return {"cases": {"added": found.added, "known": found.known, "left_out": found.left_out}}


def _recordings_json(found: AddedRecordings | None) -> Mapping[str, Any]:
    if found is None:
        return {}
    counts = {str(path): count for path, count in found.counts.items()}
    return {"recordings": {"added": counts, "kept": found.kept, "left_out": found.left_out}}
