"""Wire settings: what `[tool.llmprod.wire]` says of requests and recordings, read and checked."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_llmprod.composition.settings_keys import WIRE_KEYS, names
from pytest_llmprod.composition.settings_table import (
    days_of,
    read_table,
    refuse_unknown,
    value_of,
)
from pytest_llmprod.core.errors import SettingsError
from pytest_llmprod.wire.rules import (
    LEAVE_KEYS,
    LeaveRules,
    PlayRules,
    checked_clock,
    checked_repeats,
    checked_unplayed,
)

_NAME = "tool.llmprod.wire"


def wire_table(table: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the wire's table of `[tool.llmprod]`; raise SettingsError for a key not known."""
    wire: Mapping[str, Any] = value_of(table, "wire", dict, {}, "tool.llmprod")
    refuse_unknown(wire, names(WIRE_KEYS), _NAME)
    return wire


def allow_hosts(wire: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the hosts that tests may reach while recordings are played."""
    hosts = value_of(wire, "allow_hosts", list, [], _NAME)
    if not all(isinstance(host, str) for host in hosts):
        raise SettingsError(
            "pyproject.toml: [tool.llmprod.wire] allow_hosts must be a list of texts such as "
            '["localhost", "db.internal:5432"].'
        )
    return tuple(hosts)


def play_rules(wire: Mapping[str, Any]) -> PlayRules:
    """Return how a test plays its recordings; raise SettingsError where a key cannot be used."""
    try:
        return PlayRules(
            repeats=checked_repeats(wire.get("repeats", "strict")),
            clock_scale=checked_clock(wire.get("clock", "instant")),
            unplayed=checked_unplayed(wire.get("unplayed", "fail")),
            max_age_days=_max_age_days(wire),
        )
    except ValueError as error:
        raise SettingsError(f"pyproject.toml: [tool.llmprod.wire] {error}") from error


def leave_rules(wire: Mapping[str, Any]) -> LeaveRules:
    """Return what must not leave; raise SettingsError where a key cannot be used."""
    if LEAVE_KEYS.isdisjoint(wire):
        return LeaveRules()
    from pytest_llmprod.composition import leave_settings  # only who forbids something needs it

    return leave_settings.read(wire)


def max_age_days(folder: Path) -> int | None:
    """Return after how many days a recording is too old, None where that is not set.

    The pyproject.toml that is nearest to `folder`, at or above it, says so.
    """
    files = (each / "pyproject.toml" for each in (folder, *folder.parents))
    nearest = next((path for path in files if path.is_file()), None)
    if nearest is None:
        return None
    return _max_age_days(value_of(read_table(nearest), "wire", dict, {}, "tool.llmprod"))


def _max_age_days(wire: Mapping[str, Any]) -> int | None:
    if "max_age_days" not in wire:
        return None
    return days_of(wire, "max_age_days", 0, _NAME)
