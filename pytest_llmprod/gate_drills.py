"""Gate drills: what an application finds when it asks whether its feature is on."""

import json
import tempfile
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pytest_llmprod import gates

_CLOSED = {
    "enabled": False,
    "why": "a drill has closed it",
    "valid_until": "9999-12-31T00:00:00+00:00",
    "suites": [{"enabled": False, "dataset": "", "dataset_sha256": ""}],
}


@contextmanager
def switched_off(name: str, environ: MutableMapping[str, str]) -> Iterator[list[str]]:
    """Let the application find the gates file of a drill in this block, wherever it looks.

    Yields the features of which it asks. A process that it starts finds the file by the variable.
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
    whole = json.dumps({"schema": gates.SCHEMA, "gates": {feature: _CLOSED}})
    if name == "gate-closed":
        file.write_text(whole, encoding="utf-8")
    elif name == "gate-file-broken":
        file.write_text(whole[: len(whole) // 2], encoding="utf-8")
