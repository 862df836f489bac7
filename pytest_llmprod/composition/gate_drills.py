"""Gate drills: what an application finds in a drill when it asks whether its feature is on."""

import json
import tempfile
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pytest_llmprod import gates
from pytest_llmprod.core.fault_names import GATE_NAMES


@contextmanager
def drilled_gates(name: str, environ: MutableMapping[str, str]) -> Iterator[list[str]]:
    """Let the application find the gates file of a drill in this block, wherever it looks.

    The gate is open but in a drill called "gate-...": else no request would meet a fault. Yields
    the features of which the application asks. A process that it starts finds the file by the
    variable.
    """
    asked: list[str] = []
    read, before = gates._read_entry, environ.get(gates.ENVIRONMENT_VARIABLE)
    with tempfile.TemporaryDirectory() as folder:
        drilled = Path(folder, gates.FILE_NAME)

        def read_drilled(file: Path, feature: str) -> dict[str, Any]:
            asked.append(feature)
            _write(drilled, name, feature)
            return read(drilled, feature)

        _write(drilled, name, "")
        environ[gates.ENVIRONMENT_VARIABLE] = str(drilled)
        gates._read_entry = read_drilled
        try:
            yield asked
        finally:
            gates._read_entry = read
            if before is None:
                environ.pop(gates.ENVIRONMENT_VARIABLE, None)
            else:
                environ[gates.ENVIRONMENT_VARIABLE] = before


def _write(file: Path, name: str, feature: str) -> None:
    is_open = name not in GATE_NAMES
    entry = {
        "enabled": is_open,
        "why": f"a drill has {'opened' if is_open else 'closed'} it",
        "valid_until": "9999-12-31T00:00:00+00:00",
        "suites": [{"enabled": is_open, "dataset": "", "dataset_sha256": ""}],
    }
    whole = json.dumps({"schema": gates.SCHEMA, "gates": {feature: entry}})
    if name == "gate-file-broken":
        file.write_text(whole[: len(whole) // 2], encoding="utf-8")
    elif name != "gate-file-missing":
        file.write_text(whole, encoding="utf-8")
