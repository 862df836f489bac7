"""Found: the simplest failing example of a property, as a JSON file that keeps it from coming back.

A file holds the arguments by name under `input`, so that `llmprod dataset add` takes it as a row.
Values of the strategies keep their type in `$type`; what JSON has no form for has one in `$`-names.
"""

import base64
import dataclasses
import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import example

from pytest_llmprod.core.errors import RegressionError
from pytest_llmprod.core.files import write_whole
from pytest_llmprod.core.planted import Document, Pii, Span
from pytest_llmprod.strategies.benign import Benign
from pytest_llmprod.strategies.completions import Completion
from pytest_llmprod.strategies.conversations import Conversation
from pytest_llmprod.strategies.goals import Goal
from pytest_llmprod.strategies.injection import Injection
from pytest_llmprod.strategies.jailbreak import Jailbreak
from pytest_llmprod.strategies.lookalikes import Lookalike
from pytest_llmprod.strategies.malformed import MalformedText
from pytest_llmprod.strategies.malformed_json import MalformedJson
from pytest_llmprod.strategies.model_outputs import ModelOutput, ToolCall
from pytest_llmprod.strategies.streams import Stream

Test = TypeVar("Test", bound=Callable[..., Any])
_TYPES: Mapping[str, type[Any]] = {
    each.__name__: each
    for each in (
        *(Benign, Completion, Conversation, Document, Goal, Injection, Jailbreak, Lookalike),
        *(MalformedJson, MalformedText, ModelOutput, Pii, Span, Stream, ToolCall),
    )
}
FOLDER = "regressions"
_DIGEST = 8


def write(test_file: Path, test: Any, nodeid: str, arguments: Mapping[str, Any]) -> Path:
    """Write the arguments of a test beside its file and return where; equal ones share a file.

    Raises RegressionError where an argument has no form in JSON, or the file cannot be written.
    """
    try:
        given = {name: _as_json(value) for name, value in arguments.items()}
    except TypeError as error:
        raise RegressionError(f"{error}. Keep it with @example of Hypothesis instead.") from None
    row = {"input": given, "tags": ["fuzz"], "test": nodeid}
    content = json.dumps(row, indent=1).encode() + b"\n"
    digest = hashlib.sha256(json.dumps(given, sort_keys=True).encode()).hexdigest()[:_DIGEST]
    path = _folder(test_file) / f"{_name(test)}-{digest}.json"
    try:
        write_whole(path, content)
    except OSError as error:
        raise RegressionError(f"{path}: cannot be written ({error.strerror}).") from error
    return path


def regression(path: Path | str) -> dict[str, Any]:
    """Return the arguments that a file holds: `@example(**regression("..."))`.

    Raises RegressionError for a file that is not as `--llm-fuzz` has written it.
    """
    try:
        row = json.loads(Path(path).read_text(encoding="utf-8"))
        arguments: dict[str, Any] = {name: _as_value(each) for name, each in row["input"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RegressionError(
            f"{path}: is no example that --llm-fuzz has written ({error!r}). Delete it, or let "
            f"pytest --llm-fuzz find it again."
        ) from error
    return arguments


def regressions(test: Test) -> Test:
    """Run a property on the examples that `--llm-fuzz` has found of it before it draws others.

    They are the files `regressions/<file of the test>/<name of the test>-*.json` beside the test.
    """
    test_file = Path(test.__code__.co_filename)
    for path in sorted(_folder(test_file).glob(f"{_name(test)}-*.json")):
        test = example(**regression(path))(test)
    test.llmprod_has_regressions = True  # type: ignore[attr-defined]  # a function takes any
    return test


def is_run_on_files(test: Any) -> bool:
    """Say whether a test runs on the files that `write` has written of it."""
    return getattr(test, "llmprod_has_regressions", False)


def _folder(test_file: Path) -> Path:
    return test_file.parent / FOLDER / test_file.stem


def _name(test: Any) -> str:
    """Return the name of a test for files; `-` ends it, and no name of Python has one."""
    handle = getattr(test, "hypothesis", None)  # @given forgets in which class its test is
    inner = test if handle is None else handle.inner_test
    name: str = inner.__qualname__
    return name.rpartition("<locals>.")[2]


def _as_json(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"$float": str(value)}
    if isinstance(value, bytes):
        return {"$bytes": base64.b64encode(value).decode()}
    if isinstance(value, list):
        return [_as_json(each) for each in value]
    if isinstance(value, tuple):
        return {"$tuple": [_as_json(each) for each in value]}
    if isinstance(value, dict):
        return _object_as_json(value)
    name = type(value).__name__
    if _TYPES.get(name) is not type(value):
        raise TypeError(f"A value of the type {type(value).__qualname__} has no form in JSON")
    fields = ((each.name, getattr(value, each.name)) for each in dataclasses.fields(value))
    return {"$type": name} | {field: _as_json(each) for field, each in fields}


def _object_as_json(value: Mapping[Any, Any]) -> Any:
    if all(isinstance(key, str) and not key.startswith("$") for key in value):
        return {key: _as_json(each) for key, each in value.items()}
    return {"$dict": [[_as_json(key), _as_json(each)] for key, each in value.items()]}


def _as_value(given: Any) -> Any:
    if isinstance(given, list):
        return [_as_value(each) for each in given]
    if not isinstance(given, dict):
        return given
    if "$type" in given:
        fields = {name: _as_value(each) for name, each in given.items() if name != "$type"}
        return _TYPES[given["$type"]](**fields)
    for name, read in _READERS.items():
        if name in given:
            return read(given[name])
    return {key: _as_value(each) for key, each in given.items()}


def _pairs(given: Iterable[Any]) -> dict[Any, Any]:
    return {_as_value(key): _as_value(each) for key, each in given}


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "$float": float,
    "$bytes": base64.b64decode,
    "$tuple": lambda given: tuple(_as_value(each) for each in given),
    "$dict": _pairs,
}
