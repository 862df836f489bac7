"""Audit settings: what `[tool.llmprod.audit]` says, decided once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pytest_llmprod.composition.settings_keys import AUDIT_KEYS, names
from pytest_llmprod.composition.settings_table import read_table, refuse_unknown
from pytest_llmprod.core.errors import SettingsError
from pytest_llmprod.handoff.audit.lines import NAMES
from pytest_llmprod.handoff.audit.waivers import Excuses, Waiver

_NAME = "tool.llmprod.audit"
_WAIVER_EXAMPLE = '{ until = 2026-12-31, by = "Ann Lee", why = "the tests come with release 2" }'


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditSettings:
    """Which features are audited (none named: all), where evidence lies, and what is excused.

    `report` and `runbook` are relative to the project; `runbook` is '' where none is named.
    """

    features: tuple[str, ...]
    report: str
    runbook: str
    excuses: Excuses


def load(rootpath: Path) -> AuditSettings:
    """Read `[tool.llmprod.audit]` of the pyproject.toml in `rootpath`; may raise SettingsError."""
    table = read_table(rootpath / "pyproject.toml").get("audit", {})
    if not isinstance(table, dict):
        raise SettingsError(f"pyproject.toml: {_NAME} must be a table: write [{_NAME}].")
    refuse_unknown(table, names(AUDIT_KEYS), _NAME)
    features = table.get("features", [])
    if not (isinstance(features, list) and all(isinstance(each, str) for each in features)):
        raise _wrong("features", 'must be a list of names such as ["ticket-triage"]', features)
    return AuditSettings(
        features=tuple(features),
        report=_text(table, "report", "report.html"),
        runbook=_text(table, "runbook", ""),
        excuses=Excuses(
            waived={line: _waiver(line, row) for line, row in _rows(table, "waived").items()},
            not_applicable={
                line: _reason(line, row) for line, row in _rows(table, "not_applicable").items()
            },
        ),
    )


def _text(table: Mapping[str, Any], key: str, default: str) -> str:
    value = table.get(key, default)
    if isinstance(value, str):
        return value
    raise _wrong(key, "must be a path", value)


def _rows(table: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return line -> value of a table whose keys are lines of the checklist."""
    rows = table.get(key, {})
    if not isinstance(rows, dict):
        raise _wrong(key, "must be a table with the ids of lines", rows)
    for line in rows:
        if line not in NAMES:
            close = get_close_matches(line, NAMES, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise SettingsError(
                f"pyproject.toml: [{_NAME}.{key}] names {line!r}, which is no line of the "
                f"checklist.{hint} `llmprod audit` lists them."
            )
    return rows


def _waiver(line: str, row: Any) -> Waiver:
    """Return the waiver of a line: nobody is excused without a day, a name and a reason."""
    given = row if isinstance(row, dict) else {}
    until, by, why = given.get("until"), given.get("by"), given.get("why")
    is_day = type(until) is date  # a datetime is a date too
    is_whole = is_day and _is_told(by) and _is_told(why)
    if not is_whole or set(given) != {"until", "by", "why"}:
        raise _wrong(f"waived.{line}", f"must be a table such as {_WAIVER_EXAMPLE}", row)
    assert isinstance(until, date)
    return Waiver(until=until, by=str(by).strip(), why=str(why).strip())


def _reason(line: str, row: Any) -> str:
    if not _is_told(row):
        raise _wrong(f"not_applicable.{line}", "must be the reason, as a text", row)
    return str(row).strip()


def _is_told(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _wrong(key: str, expected: str, value: Any) -> SettingsError:
    return SettingsError(f"pyproject.toml: [{_NAME}] {key} {expected}, not {value!r}.")
