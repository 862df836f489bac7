"""Settings table: `[tool.llmprod]` of a file, and how a value in it is read and checked."""

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pytest_llmprod.composition.settings_keys import home_of
from pytest_llmprod.core.errors import SettingsError

#: How a message begins that is about a key of the table itself.
TABLE = "pyproject.toml: [tool.llmprod]"
_MOST_DAYS = 36500  # far more, and the calendar ends when the gates are to be written


def read_table(path: Path) -> Mapping[str, Any]:
    """Return `[tool.llmprod]` of a file, empty where it has none; may raise SettingsError."""
    if not path.is_file():
        return {}
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path}: cannot be read ({error}). Correct the file.") from error
    table = document.get("tool", {}).get("llmprod", {})
    if not isinstance(table, dict):
        raise SettingsError(f"{path}: tool.llmprod must be a table: write [tool.llmprod].")
    return table


def refuse_unknown(table: Mapping[str, Any], known: Iterable[str], name: str) -> None:
    """Raise SettingsError for a key that is not among the `known` ones of the table `name`."""
    names = sorted(known)
    for key in table:
        if key not in names:
            close = difflib.get_close_matches(key, names, n=1)
            home = home_of(key)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            hint = f" It is one of [{home}]." if home else hint
            raise SettingsError(
                f"pyproject.toml: [{name}] has no key {key!r}.{hint} Known are {', '.join(names)}."
            )


def value_of(table: Mapping[str, Any], key: str, kind: type, default: Any, name: str) -> Any:
    """Return what a key of the table `name` says, `default` where it is not set.

    `kind` is int, list, dict or str. Raises SettingsError for a value of another kind.
    """
    value = table.get(key, default)
    if isinstance(value, kind) and not isinstance(value, bool):
        return value
    raise SettingsError(
        f"pyproject.toml: [{name}] {key} must be a {_KIND_NAMES[kind]}, not {value!r}."
    )


_KIND_NAMES = {int: "whole number", list: "list", dict: "table", str: "text"}


def days_of(table: Mapping[str, Any], key: str, default: int, name: str) -> int:
    """Return a number of days, from 1 to 100 years; raise SettingsError for anything else."""
    days: int = value_of(table, key, int, default, name)
    return within(days, f"pyproject.toml: [{name}] {key}", most=_MOST_DAYS)


def within(value: int, name: str, *, most: int | None = None) -> int:
    """Return a number from 1 to `most`; raise SettingsError that begins with `name` otherwise."""
    if value < 1 or (most is not None and value > most):
        limits = "at least 1" if most is None else f"from 1 to {most}"
        raise SettingsError(f"{name} must be {limits}, not {value}.")
    return value
