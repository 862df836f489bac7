"""Settings: what a run was asked to do, decided once.

The command line wins over a marker, a marker over `[tool.llmprod]`, and that over the defaults.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from pytest_llmprod.composition import option_values, report_paths, wire_settings
from pytest_llmprod.composition.feature_settings import FeatureSettings, features_of, run_budgets
from pytest_llmprod.composition.settings_keys import RUN_KEYS, names
from pytest_llmprod.composition.settings_table import (
    TABLE,
    days_of,
    read_table,
    refuse_unknown,
    value_of,
    within,
)
from pytest_llmprod.core.errors import SettingsError
from pytest_llmprod.wire.key import ModelChoice
from pytest_llmprod.wire.rules import LeaveRules, PlayRules, RecordMode

if TYPE_CHECKING:
    from pytest_llmprod.budgets.expression import Expression

LogMode = Literal["all", "live", "none"]
_NAME = "tool.llmprod"
_OTLP = "opentelemetry.exporter.otlp.proto.http"


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
    refuse_unknown(table, names(RUN_KEYS), _NAME)
    value_of(table, "audit", dict, {}, _NAME)  # which `audit_settings` reads
    wire = wire_settings.wire_table(table)
    allow_hosts = wire_settings.allow_hosts(wire)
    option_values.refuse_blank_model(model)
    if html_path is not None:
        option_values.refuse_without_extra("--llm-html", ("jinja2", "leather"), "report")
    log = _log_mode(table.get("log", "all"))
    if is_exported:
        option_values.refuse_without_extra("--llm-otel", ("opentelemetry.sdk", _OTLP), "otel")
        _refuse_without_log(log)
    option_values.refuse_beside_models(model, swaps, models)
    if is_fallback_only:
        option_values.refuse_beside_fallback(record, model, swaps, models)
    return Settings(
        rootpath=rootpath,
        record=record,
        choice=ModelChoice(
            override=model,
            swaps=option_values.read_swaps(swaps),
            models=option_values.read_models(models),
        ),
        concurrency=_concurrency(table, concurrency),
        is_strict=is_strict,
        json_path=report_paths.json_path(json_path),
        allow_hosts=allow_hosts,
        play_rules=wire_settings.play_rules(wire),
        gate_valid_days=days_of(table, "gate_valid_days", 90, _NAME),
        judge_valid_days=days_of(table, "judge_valid_days", 90, _NAME),
        log=log,
        retention_days=days_of(table, "retention_days", 30, _NAME),
        drill_every_days=days_of(table, "drill_every_days", 90, _NAME),
        leave_rules=wire_settings.leave_rules(wire),
        budgets=run_budgets(table),
        features=features_of(table),
        max_spend_usd=option_values.read_max_spend(max_spend),
        html_path=report_paths.html_path(html_path),
        markdown_path=report_paths.markdown_path(markdown_path),
        table_sha256=_digest(table),
        is_fallback_only=is_fallback_only,
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


def _concurrency(table: Mapping[str, Any], given: int | None) -> int:
    configured = value_of(table, "concurrency", int, 8, _NAME)
    if given is not None:
        return within(given, "--llm-concurrency")
    return within(configured, f"{TABLE} concurrency")


def _log_mode(value: Any) -> LogMode:
    for mode in get_args(LogMode):
        if value == mode:
            return cast("LogMode", mode)
    raise SettingsError(
        f'{TABLE} log must be "all", "live" (only what was really sent) or "none", not {value!r}.'
    )


def _refuse_without_log(log: LogMode) -> None:
    if log == "none":
        raise SettingsError(
            f'--llm-otel sends the request log, and {TABLE} log = "none" says that there is none. '
            f'Set it to "all" or "live", or leave the option out.'
        )
