"""Prices: what a call to a model costs, in USD.

Runs read prices from `llmprod.prices.toml` only, so that a verdict never moves by itself. The file
is written by `llmprod prices lock` from the package genai-prices, with its version and the date.
"""

import json
import shlex
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from pytest_llmprod.core.errors import PricesError
from pytest_llmprod.core.exchange import Usage

FILE_NAME = "llmprod.prices.toml"
_MILLION = Decimal(1_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPrice:
    """Prices of one model in USD for a million tokens.

    `cached` is the price of input that the provider read from its prompt cache.
    """

    input: Decimal
    cached: Decimal
    output: Decimal

    def cost_usd(self, usage: Usage) -> Decimal:
        """Return what `usage` costs."""
        fresh = usage.input_tokens - usage.cache_read_tokens
        total = (
            fresh * self.input
            + usage.cache_read_tokens * self.cached
            + usage.output_tokens * self.output
        )
        return total / _MILLION


class PriceList:
    """The prices of a lock file. A model that is not in it is unpriced, which is not free."""

    def __init__(self, prices: Mapping[tuple[str, str], ModelPrice]) -> None:
        """Make a list from (provider, model) -> price."""
        self._prices = prices

    def find(self, provider: str, model: str) -> ModelPrice | None:
        """Return the price of `model` at `provider`, or None where it is not locked."""
        return self._prices.get((provider, model))


def find_lock(start: Path, rootpath: Path) -> Path | None:
    """Return the nearest price lock at or above `start`, no higher than `rootpath`."""
    for folder in (start, *start.parents):
        path = folder / FILE_NAME
        if path.is_file():
            return path
        if folder == rootpath:
            return None
    return None


def load(path: Path) -> PriceList:
    """Read a price lock; raise PricesError where it cannot be read."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
        models = document.get("models", [])
        prices = {
            (row["provider"], row["model"]): ModelPrice(
                input=_price(row, "input"),
                cached=_price(row, "cached"),
                output=_price(row, "output"),
            )
            for row in models
        }
    except (OSError, KeyError, TypeError, ValueError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise PricesError(
            f"{path}: cannot be read ({reason}). Correct it, or delete it and write it anew with "
            f"`llmprod prices lock {shlex.quote(str(path.parent))}`."
        ) from error
    return PriceList(prices)


def _price(row: Mapping[str, Any], key: str) -> Decimal:
    value = row[key]
    try:
        price = Decimal(value) if isinstance(value, str | int | Decimal) else None
    except ArithmeticError:
        price = None
    if price is None or isinstance(value, bool) or not price.is_finite() or price < 0:
        raise ValueError(f"{key} of {row['model']!r} must be USD from 0 up, not {value!r}")
    return price


def look_up(provider: str, model: str, when: datetime) -> ModelPrice:
    """Ask genai-prices what `model` costs at `provider`.

    Raises PricesError where the package does not know the model.
    """
    # genai-prices takes half a second to import; only `llmprod prices lock` asks it.
    from genai_prices import Usage as PricedUsage
    from genai_prices import calc_price

    def unit(usage: PricedUsage) -> Decimal:
        found = calc_price(
            usage, model_ref=model, provider_id=provider, genai_request_timestamp=when
        )
        return found.total_price * _MILLION / _UNIT

    try:
        return ModelPrice(
            input=unit(PricedUsage(input_tokens=_UNIT)),
            cached=unit(PricedUsage(input_tokens=_UNIT, cache_read_tokens=_UNIT)),
            output=unit(PricedUsage(output_tokens=_UNIT)),
        )
    except LookupError as error:
        raise PricesError(
            f"genai-prices does not know {model!r} of {provider!r}. Add its prices to {FILE_NAME} "
            f"by hand, under [[models]]."
        ) from error


# Small enough to stay in the first tier of every model whose price depends on the length.
_UNIT = 1000


def dump(prices: Mapping[tuple[str, str], ModelPrice], *, source: str, locked_on: date) -> str:
    """Return the text of a price lock, models in order of their names."""
    lines = [
        "# Prices in USD for a million tokens. Written by `llmprod prices lock`; runs read nothing",
        "# else. Negotiated or self-hosted prices may be set here by hand.",
        f'source = "{source}"',
        f'locked_on = "{locked_on.isoformat()}"',
    ]
    for (provider, model), price in sorted(prices.items()):
        lines += [
            "",
            "[[models]]",
            f"provider = {_quoted(provider)}",
            f"model = {_quoted(model)}",
            f'input = "{_plain(price.input)}"',
            f'cached = "{_plain(price.cached)}"',
            f'output = "{_plain(price.output)}"',
        ]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    # A string of JSON is one of TOML, but for this character.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _plain(value: Decimal) -> str:
    return format(value.normalize(), "f")


@dataclass(slots=True)
class Bill:
    """A sum of costs that never hides what could not be priced.

    `unpriced` counts requests whose model has no price, `unpriced_models` names these, and
    `without_usage` counts requests of which nobody knows how many tokens they took.
    """

    cost_usd: Decimal = Decimal(0)
    unpriced: int = 0
    unpriced_models: set[str] = field(default_factory=set)
    without_usage: int = 0

    @property
    def is_complete(self) -> bool:
        """Say whether every request is in the sum."""
        return not (self.unpriced or self.without_usage)

    def add(self, price: ModelPrice | None, usage: Usage | None, model: str) -> None:
        """Add one request to `model`."""
        if usage is None:
            self.without_usage += 1
        elif price is None:
            self.unpriced += 1
            self.unpriced_models.add(model)
        else:
            self.cost_usd += price.cost_usd(usage)

    def join(self, other: "Bill") -> None:
        """Add all requests of another bill."""
        self.cost_usd += other.cost_usd
        self.unpriced += other.unpriced
        self.unpriced_models |= other.unpriced_models
        self.without_usage += other.without_usage


def first_price(lists: Iterable[Any], provider: str, *models: str) -> ModelPrice | None:
    """Return the first price that one of several price lists knows.

    `models` are the names of one model, the one under which it answered before the one by which it
    was asked.
    """
    lists = list(lists)
    for model in filter(None, models):
        for prices in lists:
            found = prices.find(provider, model)
            if isinstance(found, ModelPrice):
                return found
    return None


def cost_usd(
    lists: Iterable[Any], provider: str, models: str | Sequence[str], usage: Usage | None
) -> Decimal | None:
    """Return what `usage` of a model costs, None where it, or the price, is unknown.

    Several names of one model are looked up in their order.
    """
    names = [models] if isinstance(models, str) else models
    price = None if usage is None else first_price(lists, provider, *names)
    return None if price is None or usage is None else price.cost_usd(usage)
