"""Settings: what a run was asked to do, decided once.

The command line wins over a marker, a marker over `[tool.llmprod]`, and that over the defaults.
"""

import difflib
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_llmprod.core.errors import SettingsError
from pytest_llmprod.wire.key import ModelChoice
from pytest_llmprod.wire.rules import (
    PlayRules,
    RecordMode,
    checked_clock,
    checked_repeats,
    checked_unplayed,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one run.

    `gate_valid_days` is how long a gate stays open after its newest recording; `concurrency` how
    many cases a `task=` runs at once; `judge_valid_days` how long the calibration of a judge holds.
    A feature that survived no drill for `drill_every_days` is told as overdue.
    """

    rootpath: Path
    record: RecordMode
    choice: ModelChoice
    concurrency: int
    is_strict: bool
    json_path: Path | None
    allow_hosts: tuple[str, ...]
    play_rules: PlayRules
    gate_valid_days: int
    judge_valid_days: int
    drill_every_days: int


def load(
    *,
    rootpath: Path,
    record: RecordMode,
    model: str | None,
    swaps: Sequence[str],
    models: str | None,
    concurrency: int | None,
    is_strict: bool,
    json_path: str | None,
) -> Settings:
    """Combine the command line with `[tool.llmprod]` of the pyproject.toml in `rootpath`."""
    table = _read_table(rootpath / "pyproject.toml")
    _refuse_unknown(table, _KEYS, "tool.llmprod")
    wire = _get(table, "wire", dict, {}, "tool.llmprod")
    _refuse_unknown(wire, _WIRE_KEYS, "tool.llmprod.wire")
    allow_hosts = _get(wire, "allow_hosts", list, [], "tool.llmprod.wire")
    if not all(isinstance(host, str) for host in allow_hosts):
        raise SettingsError(
            "pyproject.toml: [tool.llmprod.wire] allow_hosts must be a list of texts such as "
            '["localhost", "db.internal:5432"].'
        )
    _refuse_blank(model, "--llm-model", "the name of a model", "--llm-model=gpt-5-mini")
    _refuse_blank(json_path, "--llm-json", "the name of a file", "--llm-json=llmprod.json")
    if models is not None and (model is not None or swaps):
        raise SettingsError(
            "--llm-models says by itself which models are asked. Leave out --llm-model and "
            "--llm-swap, or --llm-models."
        )
    configured = _get(table, "concurrency", int, 8, "tool.llmprod")
    return Settings(
        rootpath=rootpath,
        record=record,
        choice=ModelChoice(override=model, swaps=_read_swaps(swaps), models=_read_models(models)),
        concurrency=_within(configured, f"{_TABLE} concurrency")
        if concurrency is None
        else _within(concurrency, "--llm-concurrency"),
        is_strict=is_strict,
        json_path=None if json_path is None else Path(json_path),
        allow_hosts=tuple(allow_hosts),
        play_rules=_play_rules(wire),
        gate_valid_days=_days(table, "gate_valid_days"),
        judge_valid_days=_days(table, "judge_valid_days"),
        drill_every_days=_days(table, "drill_every_days"),
    )


_KEYS = ("concurrency", "drill_every_days", "gate_valid_days", "judge_valid_days", "wire")
_WIRE_KEYS = ("allow_hosts", "clock", "max_age_days", "repeats", "unplayed")
_TABLE = "pyproject.toml: [tool.llmprod]"
_MOST_DAYS = 36500  # far more, and the calendar ends when the gates are to be written


def _days(table: Mapping[str, Any], key: str) -> int:
    days: int = _get(table, key, int, 90, "tool.llmprod")
    return _within(days, f"{_TABLE} {key}", most=_MOST_DAYS)


def _play_rules(wire: Mapping[str, Any]) -> PlayRules:
    try:
        return PlayRules(
            repeats=checked_repeats(wire.get("repeats", "strict")),
            clock_scale=checked_clock(wire.get("clock", "instant")),
            unplayed=checked_unplayed(wire.get("unplayed", "fail")),
            max_age_days=_max_age_days(wire),
        )
    except ValueError as error:
        raise SettingsError(f"pyproject.toml: [tool.llmprod.wire] {error}") from error


def max_age_days(folder: Path) -> int | None:
    """Return after how many days a recording is too old, None where that is not set.

    The pyproject.toml that is nearest to `folder`, at or above it, says so.
    """
    files = (each / "pyproject.toml" for each in (folder, *folder.parents))
    nearest = next((path for path in files if path.is_file()), None)
    if nearest is None:
        return None
    return _max_age_days(_get(_read_table(nearest), "wire", dict, {}, "tool.llmprod"))


def _max_age_days(wire: Mapping[str, Any]) -> int | None:
    if "max_age_days" not in wire:
        return None
    days: int = _get(wire, "max_age_days", int, 0, "tool.llmprod.wire")
    return _within(days, "pyproject.toml: [tool.llmprod.wire] max_age_days", most=_MOST_DAYS)


def _read_table(path: Path) -> Mapping[str, Any]:
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


def _refuse_unknown(table: Mapping[str, Any], known: Iterable[str], name: str) -> None:
    names = sorted(known)
    for key in table:
        if key not in names:
            close = difflib.get_close_matches(key, names, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise SettingsError(
                f"pyproject.toml: [{name}] has no key {key!r}.{hint} Known are {', '.join(names)}."
            )


def _get(table: Mapping[str, Any], key: str, kind: type, default: Any, name: str) -> Any:
    value = table.get(key, default)
    if isinstance(value, kind) and not isinstance(value, bool):
        return value
    raise SettingsError(
        f"pyproject.toml: [{name}] {key} must be a {_KIND_NAMES[kind]}, not {value!r}."
    )


_KIND_NAMES = {int: "whole number", list: "list", dict: "table"}


def _within(value: int, name: str, *, most: int | None = None) -> int:
    if value < 1 or (most is not None and value > most):
        limits = "at least 1" if most is None else f"from 1 to {most}"
        raise SettingsError(f"{name} must be {limits}, not {value}.")
    return value


def _refuse_blank(value: str | None, option: str, kind: str, example: str) -> None:
    if value is not None and not value.strip():
        raise SettingsError(
            f"{option} takes {kind}, not {value!r}. Write for instance {example}, or leave the "
            f"option out."
        )


def _read_models(models: str | None) -> tuple[str, ...]:
    if models is None:
        return ()
    names = tuple(each.strip() for each in models.split(","))
    if len(names) < 2 or not all(names) or len(set(names)) < len(names):
        raise SettingsError(
            f"--llm-models takes two or more model names, the old one first, each once, "
            f"not {models!r}. For instance --llm-models=gpt-5-mini,gpt-5-nano."
        )
    return names


def _read_swaps(swaps: Sequence[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for swap in swaps:
        old, sign, new = swap.partition("=")
        if not (old and sign and new) or "=" in new:
            raise SettingsError(
                f"--llm-swap takes OLD=NEW, two model names, not {swap!r}. For instance "
                f"--llm-swap gpt-5-mini=gpt-5-nano."
            )
        if old in pairs:
            raise SettingsError(
                f"--llm-swap names {old!r} twice, for {pairs[old]!r} and for {new!r}. Keep one of "
                f"them: a model is swapped for one other in a run."
            )
        pairs[old] = new
    return pairs
