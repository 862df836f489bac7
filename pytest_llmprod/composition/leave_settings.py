"""Leave settings: the keys of `[tool.llmprod.wire]` that say what may leave, read and checked."""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from pytest_llmprod.composition.forbidding import FORBIDDABLE
from pytest_llmprod.core.errors import SettingsError
from pytest_llmprod.wire.hygiene import REQUIREMENTS
from pytest_llmprod.wire.rules import LeaveRules

_TABLE = "pyproject.toml: [tool.llmprod.wire]"
#: Letters and digits of a pattern: one with fewer fits nearly everything.
_LEAST_OF_PATTERN = 2


def read(wire: Mapping[str, Any]) -> LeaveRules:
    """Return what the table says; raise SettingsError where a key cannot be used."""
    rules = LeaveRules(
        forbid=_names(wire, "forbid", FORBIDDABLE),
        allow=_patterns(wire, "allow", "support@acme.example"),
        require=_names(wire, "require", REQUIREMENTS),
        pinned_models=_patterns(wire, "pinned_models", "my-deployment"),
    )
    if rules.allow and not rules.forbid:
        raise SettingsError(_idle("allow", "forbid"))
    if rules.pinned_models and "pinned_model" not in rules.require:
        raise SettingsError(_idle("pinned_models", 'require = ["pinned_model"]'))
    return rules


def _idle(key: str, needed: str) -> str:
    return f"{_TABLE} {key} says nothing without {needed}. Add that, or leave {key} out."


def _names(wire: Mapping[str, Any], key: str, known: Sequence[str]) -> tuple[str, ...]:
    names = _texts(wire, key, f'["{known[0]}", "{known[1]}"]')
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise SettingsError(
                f"{_TABLE} {key} cannot name {name!r}.{hint} It may name {', '.join(known)}."
            )
    return names


def _patterns(wire: Mapping[str, Any], key: str, example: str) -> tuple[str, ...]:
    patterns = _texts(wire, key, f'["{example}"]')
    for pattern in patterns:
        if sum(char.isalnum() for char in pattern) < _LEAST_OF_PATTERN:
            raise SettingsError(
                f"{_TABLE} {key} has {pattern!r}, which fits nearly everything. Write what it is "
                f"to fit, for instance {example!r}."
            )
    return patterns


def _texts(wire: Mapping[str, Any], key: str, example: str) -> tuple[str, ...]:
    texts = wire.get(key, [])
    if not isinstance(texts, list) or not all(isinstance(each, str) for each in texts):
        raise SettingsError(
            f"{_TABLE} {key} must be a list of texts such as {example}, not {texts!r}."
        )
    return tuple(dict.fromkeys(texts))
