"""Probing: can the callable of a feature be imported, and how is it called?"""

import json
import keyword
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_llmprod.core.errors import HandoffError
from pytest_llmprod.core.text import printable, shorten

_TIMEOUT_S = 60
_MARK = "llmprod-probed:"
# Runs in a process of its own: importing an application may do anything.
_SCRIPT = f"""
import importlib, inspect, json, sys

module, name, paths = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
sys.path[:0] = paths
found = {{}}
try:
    loaded = importlib.import_module(module)
    function = getattr(loaded, name, None)
    found["file"] = getattr(loaded, "__file__", None) or ""
    found["names"] = [n for n, v in vars(loaded).items() if inspect.isfunction(v)]
    if callable(function):
        found["is_async"] = inspect.iscoroutinefunction(function)
        found["parameters"] = [
            (each.name, each.kind.name, each.default is each.empty)
            for each in inspect.signature(function).parameters.values()
        ]
except ModuleNotFoundError as error:
    missing = error.name or ""
    found["is_missing"] = module == missing or module.startswith(missing + ".")
    found["error"] = str(error)
except BaseException as error:
    found["error"] = f"{{type(error).__name__}}: {{error}}"
print({_MARK!r} + json.dumps(found))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """A callable that can be imported.

    `path` is the file of its module. `parameters` are those that a call must give, or the first
    where none must be given; a call names them where `is_keyworded`.
    """

    path: Path
    parameters: tuple[str, ...]
    is_keyworded: bool
    is_async: bool


def read_name(text: str) -> tuple[str, str]:
    """Return module and name of a callable such as "app.triage:triage"; raise HandoffError."""
    module, _, name = text.strip().partition(":")
    words = [*module.split("."), name]
    if all(word.isidentifier() and not keyword.iskeyword(word) for word in words):
        return module, name
    raise HandoffError(
        f"{printable(text)!r} names no callable. Write module and function with a colon between, "
        f"for instance app.triage:triage."
    )


def probe(
    module: str, name: str, root: Path, paths: Sequence[Path], environ: Mapping[str, str]
) -> Probed | None:
    """Import `module` in a process of its own, with `paths` in front of Python's.

    Returns None where there is no such module. Raises HandoffError where it cannot be imported, or
    has no callable of this name that takes an argument.
    """
    found = _run(module, name, root, paths, environ)
    if found.get("is_missing"):
        return None
    if "error" in found:
        error = shorten(printable(str(found["error"])), 200)
        raise HandoffError(
            f"{module} cannot be imported: {error}. Mend that, or run the command with the Python "
            f"in which the application is installed."
        )
    if "parameters" not in found:
        names = ", ".join(sorted(found["names"])[:8]) or "none"
        raise HandoffError(f"{module} has no callable {name!r}. Its functions are: {names}.")
    return _probed(f"{module}:{name}", found)


def _probed(callable_name: str, found: Mapping[str, Any]) -> Probed:
    parameters: Sequence[tuple[str, str, bool]] = found["parameters"]
    plain = [each for each in parameters if not each[1].startswith("VAR_")]
    needed = [each for each in plain if each[2]] or plain[:1]
    if not needed:
        raise HandoffError(
            f"{callable_name} takes no argument, and an eval gives it the input of a case. Name a "
            f"function that takes one."
        )
    return Probed(
        path=Path(str(found["file"])),
        parameters=tuple(each[0] for each in needed),
        is_keyworded=len(needed) > 1 or needed[0][1] == "KEYWORD_ONLY",
        is_async=bool(found["is_async"]),
    )


def _run(
    module: str, name: str, root: Path, paths: Sequence[Path], environ: Mapping[str, str]
) -> dict[str, Any]:
    # -P: the folder of the command is on the path only where `paths` says so.
    command = [sys.executable, "-P", "-c", _SCRIPT, module, name, json.dumps(list(map(str, paths)))]
    try:
        result = subprocess.run(
            command,
            cwd=root,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"error": f"it takes longer than {_TIMEOUT_S} seconds"}
    for line in reversed(result.stdout.decode("utf-8", "replace").splitlines()):
        if line.startswith(_MARK):
            told: dict[str, Any] = json.loads(line.removeprefix(_MARK))
            return told
    return {"error": f"Python ended with exit status {result.returncode}"}
