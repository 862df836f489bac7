"""Option values: what the options of a run may be given, alone and beside one another."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from importlib.util import find_spec

from pytest_llmprod.core.errors import SettingsError
from pytest_llmprod.wire.rules import RecordMode


def refuse_blank_model(model: str | None) -> None:
    """Raise SettingsError where --llm-model was given without a name."""
    if model is not None and not model.strip():
        raise SettingsError(
            f"--llm-model takes the name of a model, not {model!r}. Write for instance "
            f"--llm-model=gpt-5-mini, or leave the option out."
        )


def read_swaps(swaps: Sequence[str]) -> dict[str, str]:
    """Return old model -> new model of each --llm-swap; raise SettingsError where it is no pair."""
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


def read_models(models: str | None) -> tuple[str, ...]:
    """Return the models of --llm-models in their order; raise SettingsError for less than two."""
    if models is None:
        return ()
    names = tuple(each.strip() for each in models.split(","))
    if len(names) < 2 or not all(names) or len(set(names)) < len(names):
        raise SettingsError(
            f"--llm-models takes two or more model names, the old one first, each once, "
            f"not {models!r}. For instance --llm-models=gpt-5-mini,gpt-5-nano."
        )
    return names


def read_max_spend(text: str | None) -> Decimal | None:
    """Return the USD of --llm-max-spend, None without; raise SettingsError for no such amount."""
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


def refuse_beside_models(model: str | None, swaps: Sequence[str], models: str | None) -> None:
    """Raise SettingsError where --llm-models and another option say which models are asked."""
    if models is not None and (model is not None or swaps):
        raise SettingsError(
            "--llm-models says by itself which models are asked. Leave out --llm-model and "
            "--llm-swap, or --llm-models."
        )


def refuse_beside_fallback(
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


def refuse_without_extra(option: str, modules: Sequence[str], extra: str) -> None:
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
