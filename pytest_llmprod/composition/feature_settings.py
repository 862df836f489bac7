"""Feature settings: what is said of a feature and of the whole run, and which budgets they have."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_llmprod.composition.settings_keys import FEATURE_KEYS, names
from pytest_llmprod.composition.settings_table import TABLE, refuse_unknown, value_of, within
from pytest_llmprod.core.errors import BudgetError, SettingsError

if TYPE_CHECKING:
    from pytest_llmprod.budgets.expression import Expression


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


def features_of(table: Mapping[str, Any]) -> dict[str, FeatureSettings]:
    """Return the name of each feature in `[tool.llmprod]` -> what is said of it.

    Raises SettingsError where a key or a budget of a feature cannot be used.
    """
    features = value_of(table, "features", dict, {}, "tool.llmprod")
    return {feature: _feature(features, feature) for feature in features}


def _feature(features: Mapping[str, Any], feature: str) -> FeatureSettings:
    name = f"tool.llmprod.features.{feature}"
    table = value_of(features, feature, dict, {}, "tool.llmprod.features")
    refuse_unknown(table, names(FEATURE_KEYS), name)
    monthly = None
    if "requests_per_month" in table:
        monthly = value_of(table, "requests_per_month", int, 0, name)
        within(monthly, f"pyproject.toml: [{name}] requests_per_month")
    budgets = _budgets(table, name)
    _refuse_unprojected(budgets, monthly, name)
    return FeatureSettings(
        budgets=budgets,
        requests_per_month=monthly,
        owner=value_of(table, "owner", str, "", name),
        escalation=value_of(table, "escalation", str, "", name),
        prompts=_prompts(table, name),
        model=value_of(table, "model", str, "", name),
        replacement=value_of(table, "replacement", str, "", name),
    )


def run_budgets(table: Mapping[str, Any]) -> "tuple[Expression, ...]":
    """Return the budgets of the whole run; raise SettingsError where one cannot be used."""
    budgets = _budgets(table, "tool.llmprod")
    for expression in budgets:
        if expression.function == "monthly":
            raise SettingsError(
                f"{TABLE} budgets: '{expression}' is a budget of one feature, for only a feature "
                f"has requests_per_month. Move it to [tool.llmprod.features.<name>]."
            )
    return budgets


def _budgets(table: Mapping[str, Any], name: str) -> "tuple[Expression, ...]":
    texts = value_of(table, "budgets", list, [], name)
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


def _refuse_unprojected(
    budgets: "tuple[Expression, ...]", requests_per_month: int | None, name: str
) -> None:
    """Raise SettingsError for a budget of a month of a feature whose requests are not known."""
    if not budgets:
        return
    from pytest_llmprod.budgets.budget import Budget  # only a project with budgets needs it

    try:
        for expression in budgets:
            Budget(expression=expression, requests_per_month=requests_per_month)
    except BudgetError as error:
        raise SettingsError(f"pyproject.toml: [{name}] budgets: {error}") from error


def _prompts(table: Mapping[str, Any], name: str) -> tuple[str, ...]:
    paths = value_of(table, "prompts", list, [], name)
    if all(isinstance(path, str) for path in paths):
        return tuple(paths)
    raise SettingsError(
        f'pyproject.toml: [{name}] prompts must be a list of paths such as ["app/prompt.md"].'
    )
