"""Prices: what a call to a model costs, in USD.

Runs read prices from `llmprod.prices.toml` only, so that a verdict never moves by itself. The file
is written by `llmprod prices lock` from the package genai-prices, with its version and the date.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from pytest_llmprod.budgets import price_lock
from pytest_llmprod.budgets.model_price import ModelPrice as ModelPrice
from pytest_llmprod.budgets.price_lock import FILE_NAME, Name
from pytest_llmprod.core.exchange import Usage
from pytest_llmprod.core.text import counted


class PriceList:
    """The prices of a lock file. A model that is not in it is unpriced, which is not free."""

    def __init__(self, prices: Mapping[Name, ModelPrice]) -> None:
        """Make a list from (provider, model) -> price."""
        self._prices = prices

    def find(self, provider: str, model: str) -> ModelPrice | None:
        """Return the price of `model` at `provider`, or None where it is not locked."""
        return self._prices.get((provider, model))

    def versions(self, provider: str, model: str) -> list[ModelPrice]:
        """Return the prices of `model` and of its versions, such as `gpt-5-mini-2025-08-07`.

        By which of them an alias will be answered, nobody knows before it is.
        """
        return [
            price
            for (at, name), price in self._prices.items()
            if at == provider and (name == model or _is_version(name, model))
        ]


def _is_version(name: str, model: str) -> bool:
    return name.startswith(f"{model}-") and name[len(model) + 1 :].replace("-", "").isdecimal()


def worst_case_usd(
    lists: Iterable[Any], provider: str, model: str, request_bytes: int, most_output_tokens: int
) -> Decimal | None:
    """Return the most that a request can cost for its tokens, None where it has no price.

    Among the versions of a model, and the service tiers of each, the dearest one counts.
    """
    lists = list(lists)
    named = first_price(lists, provider, model)
    prices = [] if named is None else [named]
    for each in lists:
        if isinstance(each, PriceList):
            prices += each.versions(provider, model)
    tiers = [tier for price in prices for tier in (price, *price.tiers.values())]
    worst = (each.worst_case_usd(request_bytes, most_output_tokens) for each in tiers)
    return max(worst, default=None)


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
    """Return the prices of a lock file; raise PricesError where it cannot be read."""
    return PriceList(price_lock.read(path).prices)


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
        cost = None if price is None or usage is None else price.cost_usd(usage)
        self.add_cost(cost, usage, model)

    def add_cost(self, cost_usd: Decimal | None, usage: Usage | None, model: str) -> None:
        """Add one request to `model` that cost so much, None where nobody knows."""
        if usage is None:
            self.without_usage += 1
        elif cost_usd is None:
            self.unpriced += 1
            self.unpriced_models.add(model)
        else:
            self.cost_usd += cost_usd

    def __str__(self) -> str:
        """Return `0.42 USD + 3 unpriced requests`."""
        parts = [f"{usd_text(self.cost_usd)} USD"]
        if self.unpriced:
            parts.append(counted(self.unpriced, "unpriced request"))
        if self.without_usage:
            parts.append(f"{counted(self.without_usage, 'request')} without usage")
        return " + ".join(parts)

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


def tier_price(
    lists: Iterable[Any], provider: str, models: Iterable[str], tier: str = ""
) -> ModelPrice | None:
    """Return the price of a model at a service tier, None where it, or the tier, has none.

    Several names of one model are looked up in their order. `tier` is the one that the answer
    names; one that has no price leaves the request without one.
    """
    price = first_price(lists, provider, *models)
    return None if price is None else price.at_tier(tier)


def cost_usd(
    lists: Iterable[Any],
    provider: str,
    models: str | Sequence[str],
    usage: Usage | None,
    tier: str = "",
) -> Decimal | None:
    """Return what `usage` of a model costs, None where it, or the price of `tier`, is unknown."""
    names = [models] if isinstance(models, str) else models
    price = None if usage is None else tier_price(lists, provider, names, tier)
    return None if price is None or usage is None else price.cost_usd(usage)


def usd_text(amount: Decimal) -> str:
    """Return an amount for a reader, without its currency: in cents, small ones in two digits."""
    if not amount.is_finite() or amount == 0 or abs(amount) >= 1:
        return f"{amount:,.2f}" if amount.is_finite() else "unlimited"
    places = max(2, 1 - amount.adjusted())
    return f"{amount:.{places}f}"
