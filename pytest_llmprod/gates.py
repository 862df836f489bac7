"""Gates: what an application asks to know whether a feature is on.

Standard library only, so that production needs neither pytest nor anything else of this package's
dependencies. Whatever is wrong closes the gate: the feature then runs on its fallback, and
`reason` says why.

    from pytest_llmprod.gates import gate

    if gate("ticket-triage").enabled:
        ...
"""

import difflib
import hashlib
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FILE_NAME = "llmprod-gates.json"
ENVIRONMENT_VARIABLE = "LLMPROD_GATES"
SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Gate:
    """Whether a feature is on, and why, in one sentence."""

    feature: str
    enabled: bool
    reason: str

    def __bool__(self) -> bool:
        """Refuse to be a truth value: `if gate(...)` would always be true without this."""
        raise TypeError("ask for gate(...).enabled: a gate itself is neither true nor false")


def gate(feature: str, path: str | os.PathLike[str] | None = None) -> Gate:
    """Read the gate of `feature`.

    The file is `path`, or what the environment variable LLMPROD_GATES names, or
    `llmprod-gates.json` in the working directory. The gate is closed when the file is missing or
    broken, does not know the feature, has expired, or was written for other data than the data set
    that lies beside it. This function never raises.
    """
    source = path or os.environ.get(ENVIRONMENT_VARIABLE) or FILE_NAME
    try:
        file = Path(source)
        entry = _read_entry(file, feature)
        _check_expiry(entry)
        _check_suites(file, entry)
        why = str(entry["why"])
        if entry["enabled"] is not True:
            return Gate(feature, False, why)
    except _Closed as closed:
        return Gate(feature, False, str(closed))
    except Exception as error:  # whatever the file holds, the application must go on
        problem = f"{source!s} cannot be understood: {type(error).__name__} {error}"
        return Gate(feature, False, f"{problem}; {_CURE}")
    return Gate(feature, True, why)


_CURE = "run `pytest --llm-eval` again"


class _Closed(Exception):
    """The gate is closed; the text says why."""


def _read_entry(file: Path, feature: str) -> dict[str, Any]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise _Closed(
            f"there is no {file}; `pytest --llm-eval` writes {FILE_NAME} into pytest's rootdir, "
            f"ship it to this place"
        ) from None
    except OSError as error:
        raise _Closed(f"{file} cannot be read: {error.strerror}") from None
    try:
        document = json.loads(text)
    except ValueError as error:
        raise _Closed(f"{file} is not valid JSON: {error}; {_CURE}") from None
    if document["schema"] != SCHEMA:
        raise _Closed(f"{file} has schema {document['schema']!r}, this version reads {SCHEMA}")
    gates = document["gates"]
    if feature not in gates:
        close = difflib.get_close_matches(feature, gates, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise _Closed(f"{file} has no gate for {feature!r}{hint}")
    entry = gates[feature]
    if not isinstance(entry, dict):
        raise _Closed(f"{file}: the gate for {feature!r} is no object")
    return entry


def _check_expiry(entry: dict[str, Any]) -> None:
    valid_until = datetime.fromisoformat(entry["valid_until"])
    if datetime.now(UTC) > valid_until:
        raise _Closed(
            f"the gate expired on {valid_until:%Y-%m-%d}; record its answers anew with "
            f"`pytest --llm-eval --llm-record=rewrite`"
        )


def _check_suites(file: Path, entry: dict[str, Any]) -> None:
    """Compare the data sets with the digests in the file, where they were shipped along.

    An entry that is open without a suite, or against one of its suites, was not written by us.
    """
    suites = entry["suites"]
    if not isinstance(suites, list) or not suites:
        raise _Closed(f"{file}: the gate names no suite; {_CURE}")
    for suite in suites:
        if entry["enabled"] is True and suite["enabled"] is not True:
            raise _Closed(f"{file}: the gate is open although one of its suites is closed")
        data, expected = file.parent / suite["dataset"], suite["dataset_sha256"]
        if not data.is_file():
            continue
        found = hashlib.sha256(data.read_bytes().replace(b"\r\n", b"\n")).hexdigest()
        if found != expected:
            raise _Closed(f"the gate was made for other data: {data} has changed since; {_CURE}")
