"""The reference page says what the code has, and no more."""

import dataclasses
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from pytest_llmprod.budgets import price_lock
from pytest_llmprod.composition import audit_settings, settings_keys
from pytest_llmprod.core.errors import SettingsError
from pytest_llmprod.evals.dataset import Case
from pytest_llmprod.evals.lock import Lock, Revision
from pytest_llmprod.settings import of_project
from pytest_llmprod.wire.rules import PlayRules
from scripts import file_keys, reference


def test_the_page_is_the_one_that_the_code_makes() -> None:
    assert reference.PAGE.read_text(encoding="utf-8") == reference.page(), "run `make reference`"


def test_every_entry_says_something() -> None:
    _, *entries = reference.page().split("\n### ")

    assert len(entries) > 40
    assert [entry for entry in entries if len(entry.split("\n\n", 1)[1].strip()) < 20] == []


#: A value of each key, and one that is refused.
VALUES: dict[str, tuple[Any, Any]] = {
    "audit": ({}, 1),
    "budgets": (["sum(cost) < 1"], ["sum(price) < 1"]),
    "concurrency": (3, 0),
    "drill_every_days": (30, 0),
    "features": ({}, 1),
    "gate_valid_days": (30, 36501),
    "judge_valid_days": (30, "long"),
    "log": ("live", "some"),
    "retention_days": (7, 0),
    "wire": ({}, 1),
    "escalation": ("Ann", 4711),
    "model": ("gpt-5-mini-2025-08-07", 4711),
    "owner": ("Ann", 4711),
    "prompts": (["app/prompt.md"], [1]),
    "replacement": ("gpt-5-nano", 4711),
    "requests_per_month": (1000, 0),
    "allow": (["support@acme.example"], [1]),
    "allow_hosts": (["localhost"], [1]),
    "clock": (0.5, 101),
    "forbid": (["pii"], ["money"]),
    "max_age_days": (30, 0),
    "pinned_models": (["my-deployment"], [1]),
    "repeats": ("cycle", "often"),
    "require": (["pinned_model"], ["politeness"]),
    "unplayed": ("allow", "warn"),
}
#: Those of the audit, of which a run reads nothing.
AUDIT = "tool.llmprod.audit"
AUDIT_VALUES: dict[str, tuple[Any, Any]] = {
    "features": (["triage"], "triage"),
    "not_applicable": ({}, {"pii": ""}),
    "report": ("report.html", 1),
    "runbook": ("RUNBOOK.md", 1),
    "waived": ({}, 1),
}
#: What some keys say nothing without.
BESIDE = {"allow": 'forbid = ["pii"]\n', "pinned_models": 'require = ["pinned_model"]\n'}
EVERY_KEY = [(table, key) for table, keys in settings_keys.TABLES.items() for key in keys]


def read_setting(folder: Path, table: str, key: str, value: Any) -> object:
    text = json.dumps(value).replace(": ", " = ") if isinstance(value, dict) else json.dumps(value)
    header = table.replace("<name>", "triage")
    (folder / "pyproject.toml").write_text(f"[{header}]\n{BESIDE.get(key, '')}{key} = {text}\n")
    return audit_settings.load(folder) if table == AUDIT else of_project(folder)


@pytest.mark.parametrize(("table", "key"), EVERY_KEY, ids=[k.name for _, k in EVERY_KEY])
def test_a_setting_of_the_reference_is_one_that_is_read(
    tmp_path: Path, table: str, key: settings_keys.Key
) -> None:
    good, wrong = (AUDIT_VALUES if table == AUDIT else VALUES)[key.name]

    read_setting(tmp_path, table, key.name, good)

    assert f"\n| `{key.name}` | " in reference.page()
    with pytest.raises(SettingsError):
        read_setting(tmp_path, table, key.name, wrong)


@pytest.mark.parametrize("table", settings_keys.TABLES)
def test_each_setting_stands_once_and_in_its_place(table: str) -> None:
    names = settings_keys.names(settings_keys.TABLES[table])

    assert list(names) == sorted(set(names))


def test_the_defaults_of_the_reference_are_those_of_a_project_that_sets_nothing(
    tmp_path: Path,
) -> None:
    found = of_project(tmp_path)

    told = {key.name: key.default.strip('`"') for _, key in EVERY_KEY}
    for name in ("concurrency", "drill_every_days", "gate_valid_days", "judge_valid_days"):
        assert told[name] == str(getattr(found, name))
    assert told["retention_days"] == str(found.retention_days)
    assert told["log"] == found.log
    assert (told["repeats"], told["unplayed"]) == (PlayRules().repeats, PlayRules().unplayed)
    assert (told["clock"], PlayRules().clock_scale) == ("instant", 0.0)
    assert (told["max_age_days"], PlayRules().max_age_days) == ("no limit", None)


def below(keys: dict[str, str], parent: str) -> set[str]:
    return {key.removeprefix(parent) for key in keys if key.startswith(parent)} - {""}


def test_the_keys_of_data_sets_and_their_locks_are_those_of_the_code() -> None:
    assert set(file_keys.DATA_SET) == {each.name for each in dataclasses.fields(Case)}
    names = {field.alias or name for name, field in Lock.model_fields.items()}
    assert {key for key in file_keys.LOCK if "." not in key} == names
    assert below(file_keys.LOCK, "latest.") == set(Revision.model_fields)


def test_the_keys_of_a_price_lock_are_those_that_it_may_have() -> None:
    assert {k for k in file_keys.PRICES if "." not in k} == set(price_lock._TOP_KEYS)
    assert below(file_keys.PRICES, "models.") == set(price_lock._ROW_KEYS)


def test_the_lock_files_of_the_example_have_these_keys() -> None:
    folder = Path(__file__).parents[1] / "examples" / "support_triage"
    prices = tomllib.loads((folder / "llmprod.prices.toml").read_text())
    lock = json.loads((folder / "evals" / "tickets.lock").read_text())

    assert set(prices) <= set(file_keys.PRICES)
    assert {f"models.{key}" for row in prices["models"] for key in row} <= set(file_keys.PRICES)
    assert set(lock) <= set(file_keys.LOCK)
