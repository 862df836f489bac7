"""Settings: what a run was asked to do, decided once.

The command line wins over a marker, a marker over `[tool.llmprod]`, and that over the defaults.
"""

import difflib
import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from pytest_llmprod.composition import report_paths
from pytest_llmprod.composition.settings_keys import (
    FEATURE_KEYS,
    RUN_KEYS,
    WIRE_KEYS,
    home_of,
    names,
)
from pytest_llmprod.core.errors import BudgetError, SettingsError
from pytest_llmprod.wire.key import ModelChoice
from pytest_llmprod.wire.rules import (
    LEAVE_KEYS,
    LeaveRules,
    PlayRules,
    RecordMode,
    checked_clock,
    checked_repeats,
    checked_unplayed,
)

if TYPE_CHECKING:
    from pytest_llmprod.budgets.expression import Expression

LogMode = Literal["all", "live", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureSettings:
    """What is said of one feature: its budgets, and how many requests it gets in a month.

    `requests_per_month` is None where that is not known. `owner` runs the feature, `escalation` is
    called when it fails, and `prompts` are the files of its prompts. `model` is the version that
    may answer, `replacement` the one that follows it. '' and () where nobody says.
    """

    budgets: "tuple[Expression, ...]" = ()
    requests_per_month: int | None = None
    owner: str = ""
    escalation: str = ""
    prompts: tuple[str, ...] = ()
    model: str = ""
    replacement: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one run.

    `gate_valid_days` is how long a gate stays open after its newest recording; `concurrency` how
    many cases a `task=` runs at once; `judge_valid_days` how long the calibration of a judge holds.
    `budgets` are those of the whole run, `features` maps the name of a feature to what is said of
    it. `max_spend_usd` is the most that live requests may cost, None without a cap. `leave_rules`
    say what must not leave with a request.
    `log` says which exchanges go to the request log, `retention_days` how long what was said in
    them is kept there. `table_sha256` is the digest of `[tool.llmprod]`. A feature that survived no
    drill for `drill_every_days` is told as overdue. With `is_fallback_only` no eval gets an answer
    from a provider.
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
    log: LogMode
    retention_days: int
    drill_every_days: int
    leave_rules: LeaveRules = field(default_factory=LeaveRules)
    budgets: "tuple[Expression, ...]" = ()
    features: Mapping[str, FeatureSettings] = field(default_factory=dict)
    max_spend_usd: Decimal | None = None
    html_path: Path | None = None
    markdown_path: Path | None = None
    table_sha256: str = ""
    is_fallback_only: bool = False

    @property
    def options(self) -> tuple[str, ...]:
        """Return the options that say who answers in this run."""
        only = ["--llm-fallback-only"] if self.is_fallback_only else []
        return (*self.choice.options, *only)

    @property
    def keeps_answers(self) -> bool:
        """Say whether a report of this run shows what was answered."""
        return self.json_path is not None or self.html_path is not None


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
    max_spend: str | None = None,
    html_path: str | None = None,
    markdown_path: str | None = None,
    is_exported: bool = False,
    is_fallback_only: bool = False,
) -> Settings:
    """Combine the command line with `[tool.llmprod]` of the pyproject.toml in `rootpath`.

    `is_exported` says that `--llm-otel` was given: then there must be a log, and what sends it.
    """
    table = read_table(rootpath / "pyproject.toml")
    refuse_unknown(table, names(RUN_KEYS), "tool.llmprod")
    _get(table, "audit", dict, {}, "tool.llmprod")  # which `audit_settings` reads
    wire = _get(table, "wire", dict, {}, "tool.llmprod")
    refuse_unknown(wire, names(WIRE_KEYS), "tool.llmprod.wire")
    allow_hosts = _get(wire, "allow_hosts", list, [], "tool.llmprod.wire")
    if not all(isinstance(host, str) for host in allow_hosts):
        raise SettingsError(
            "pyproject.toml: [tool.llmprod.wire] allow_hosts must be a list of texts such as "
            '["localhost", "db.internal:5432"].'
        )
    _refuse_blank(model, "--llm-model", "the name of a model", "--llm-model=gpt-5-mini")
    if html_path is not None:
        _refuse_without_extra("--llm-html", ("jinja2", "leather"), "report")
    log = _log_mode(table.get("log", "all"))
    if is_exported:
        _refuse_without_extra("--llm-otel", ("opentelemetry.sdk", _OTLP), "otel")
        _refuse_without_log(log)
    if models is not None and (model is not None or swaps):
        raise SettingsError(
            "--llm-models says by itself which models are asked. Leave out --llm-model and "
            "--llm-swap, or --llm-models."
        )
    if is_fallback_only:
        _refuse_beside_fallback(record, model, swaps, models)
    configured = _get(table, "concurrency", int, 8, "tool.llmprod")
    return Settings(
        rootpath=rootpath,
        record=record,
        choice=ModelChoice(override=model, swaps=_read_swaps(swaps), models=_read_models(models)),
        concurrency=_within(configured, f"{_TABLE} concurrency")
        if concurrency is None
        else _within(concurrency, "--llm-concurrency"),
        is_strict=is_strict,
        json_path=report_paths.json_path(json_path),
        allow_hosts=tuple(allow_hosts),
        play_rules=_play_rules(wire),
        gate_valid_days=_days(table, "gate_valid_days"),
        judge_valid_days=_days(table, "judge_valid_days"),
        log=log,
        retention_days=_days(table, "retention_days", default=30),
        drill_every_days=_days(table, "drill_every_days"),
        leave_rules=_leave_rules(wire),
        budgets=_run_budgets(table),
        features=_features(table),
        max_spend_usd=_max_spend(max_spend),
        html_path=report_paths.html_path(html_path),
        markdown_path=report_paths.markdown_path(markdown_path),
        table_sha256=_digest(table),
        is_fallback_only=is_fallback_only,
    )


def _refuse_beside_fallback(
    record: RecordMode, model: str | None, swaps: Sequence[str], models: str | None
) -> None:
    """Raise SettingsError where a run without a model is to ask one."""
    given = {
        f"--llm-record={record}": record != "none",
        "--llm-model": model is not None,
        "--llm-swap": bool(swaps),
        "--llm-models": models is not None,
    }
    for option, is_given in given.items():
        if is_given:
            raise SettingsError(
                f"--llm-fallback-only asks no model, and {option} says how one is asked. Leave out "
                f"one of them."
            )


def of_project(rootpath: Path) -> Settings:
    """Return the settings of a run in `rootpath` that is called without any option."""
    return load(
        rootpath=rootpath,
        record="none",
        model=None,
        swaps=(),
        models=None,
        concurrency=None,
        is_strict=False,
        json_path=None,
    )


def _digest(table: Mapping[str, Any]) -> str:
    # TOML has dates, which JSON has not; of no key that is known.
    return sha256(json.dumps(table, sort_keys=True, default=str).encode()).hexdigest()


_OTLP = "opentelemetry.exporter.otlp.proto.http"


def _refuse_without_extra(option: str, modules: Sequence[str], extra: str) -> None:
    """Refuse an option before any test runs where the libraries that it needs are missing."""
    missing = [name for name in modules if not _is_installed(name)]
    if missing:
        raise SettingsError(
            f"{option} needs {' and '.join(missing)}. Install what it needs with: "
            f"pip install 'pytest-llmprod[{extra}]'"
        )


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # of the package in which it would be
        return False


def _refuse_without_log(log: LogMode) -> None:
    if log == "none":
        raise SettingsError(
            f'--llm-otel sends the request log, and {_TABLE} log = "none" says that there is none. '
            f'Set it to "all" or "live", or leave the option out.'
        )


_TABLE = "pyproject.toml: [tool.llmprod]"
_MOST_DAYS = 36500  # far more, and the calendar ends when the gates are to be written


def _days(table: Mapping[str, Any], key: str, *, default: int = 90) -> int:
    days: int = _get(table, key, int, default, "tool.llmprod")
    return _within(days, f"{_TABLE} {key}", most=_MOST_DAYS)


def _run_budgets(table: Mapping[str, Any]) -> "tuple[Expression, ...]":
    budgets = _budgets(table, "tool.llmprod")
    for expression in budgets:
        if expression.function == "monthly":
            raise SettingsError(
                f"{_TABLE} budgets: '{expression}' is a budget of one feature, for only a feature "
                f"has requests_per_month. Move it to [tool.llmprod.features.<name>]."
            )
    return budgets


def _features(table: Mapping[str, Any]) -> dict[str, FeatureSettings]:
    features = _get(table, "features", dict, {}, "tool.llmprod")
    if not features:
        return {}
    from pytest_llmprod.budgets.budget import Budget  # only who set something needs it

    found = {}
    for feature in features:
        name = f"tool.llmprod.features.{feature}"
        of_feature = _get(features, feature, dict, {}, "tool.llmprod.features")
        refuse_unknown(of_feature, names(FEATURE_KEYS), name)
        monthly = None
        if "requests_per_month" in of_feature:
            monthly = _get(of_feature, "requests_per_month", int, 0, name)
            _within(monthly, f"pyproject.toml: [{name}] requests_per_month")
        budgets = _budgets(of_feature, name)
        try:
            for expression in budgets:
                Budget(expression=expression, requests_per_month=monthly)
        except BudgetError as error:
            raise SettingsError(f"pyproject.toml: [{name}] budgets: {error}") from error
        found[feature] = FeatureSettings(
            budgets=budgets,
            requests_per_month=monthly,
            owner=_get(of_feature, "owner", str, "", name),
            escalation=_get(of_feature, "escalation", str, "", name),
            prompts=_prompts(of_feature, name),
            model=_get(of_feature, "model", str, "", name),
            replacement=_get(of_feature, "replacement", str, "", name),
        )
    return found


def _prompts(table: Mapping[str, Any], name: str) -> tuple[str, ...]:
    paths = _get(table, "prompts", list, [], name)
    if all(isinstance(path, str) for path in paths):
        return tuple(paths)
    raise SettingsError(
        f'pyproject.toml: [{name}] prompts must be a list of paths such as ["app/prompt.md"].'
    )


def _budgets(table: Mapping[str, Any], name: str) -> "tuple[Expression, ...]":
    texts = _get(table, "budgets", list, [], name)
    for text in texts:
        if not isinstance(text, str):
            raise SettingsError(
                f"pyproject.toml: [{name}] budgets must be a list of texts such as "
                f'["cost < 0.002"], not {texts!r}.'
            )
    if not texts:
        return ()
    from pytest_llmprod.budgets.expression import parse  # only a project with budgets needs it

    try:
        return tuple(dict.fromkeys(map(parse, texts)))
    except BudgetError as error:
        raise SettingsError(f"pyproject.toml: [{name}] budgets: {error}") from error


def _max_spend(text: str | None) -> Decimal | None:
    if text is None:
        return None
    from pytest_llmprod.budgets.spend_cap import MOST_USD  # brings sqlite3: only a cap needs it

    try:
        amount = Decimal(text)
        is_amount = amount.is_finite() and 0 <= amount <= MOST_USD
    except InvalidOperation:
        is_amount = False
    if not is_amount:
        raise SettingsError(
            f"--llm-max-spend takes an amount in USD from 0 to {MOST_USD:,}, not {text!r}. Write "
            f"for instance --llm-max-spend=0.50."
        )
    return amount


def _log_mode(value: Any) -> LogMode:
    for mode in get_args(LogMode):
        if value == mode:
            return cast("LogMode", mode)
    raise SettingsError(
        f'{_TABLE} log must be "all", "live" (only what was really sent) or "none", not {value!r}.'
    )


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


def _leave_rules(wire: Mapping[str, Any]) -> LeaveRules:
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
    return _max_age_days(_get(read_table(nearest), "wire", dict, {}, "tool.llmprod"))


def _max_age_days(wire: Mapping[str, Any]) -> int | None:
    if "max_age_days" not in wire:
        return None
    days: int = _get(wire, "max_age_days", int, 0, "tool.llmprod.wire")
    return _within(days, "pyproject.toml: [tool.llmprod.wire] max_age_days", most=_MOST_DAYS)


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


def _get(table: Mapping[str, Any], key: str, kind: type, default: Any, name: str) -> Any:
    value = table.get(key, default)
    if isinstance(value, kind) and not isinstance(value, bool):
        return value
    raise SettingsError(
        f"pyproject.toml: [{name}] {key} must be a {_KIND_NAMES[kind]}, not {value!r}."
    )


_KIND_NAMES = {int: "whole number", list: "list", dict: "table", str: "text"}


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
