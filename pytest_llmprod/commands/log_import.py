"""The command `llmprod log import`: an application's own log as a run of ours."""

import argparse
import json
import os
from functools import partial
from hashlib import sha256

from pytest_llmprod.core.errors import LogError
from pytest_llmprod.core.text import counted, printable
from pytest_llmprod.records import foreign
from pytest_llmprod.records.log import LogWriter
from pytest_llmprod.wire import masking
from pytest_llmprod.wire.scanners.known_secrets import environment_scanners


def run(options: argparse.Namespace) -> int:
    """Write the exchanges of a log as a run, and say how many these are."""
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
    scanners = (*masking.BUILT_IN, *environment_scanners(os.environ))
    mask = partial(masking.mask_strings, scanners=scanners)
    writer = LogWriter(options.folder, run_id, "import", mask)
    for line in imported.lines:
        writer.add(line)
    writer.close()
    if options.json:
        counts = {"exchanges": len(imported.lines), "left_out": imported.left_out}
        print(json.dumps({"run": run_id, **counts}))
        return 0
    print(f"{counted(len(imported.lines), 'exchange')} of {printable(str(options.file))}: {run_id}")
    if imported.left_out:
        print(f"{counted(imported.left_out, 'row')} left out that tell of no exchange")
    return 0
