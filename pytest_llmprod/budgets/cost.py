"""Cost: what did one exchange of a run cost?

Every figure of a run comes from here: its totals, its budgets, its spend cap and its request log.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pytest_llmprod.budgets.prices import tier_price
from pytest_llmprod.core.exchange import Exchange


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one exchange cost in USD, and what it would have cost without the provider's cache."""

    usd: Decimal
    without_cache_usd: Decimal


_FREE = Cost(usd=Decimal(0), without_cache_usd=Decimal(0))


class Costs:
    """What the exchanges of a tape cost, each computed once.

    `price_lists` is called for the first exchange that may have a price.
    """

    def __init__(self, price_lists: Callable[[], Sequence[Any]]) -> None:
        """Make one that has priced nothing."""
        self._price_lists = price_lists
        # The exchange stays with its cost: another one cannot get its id then.
        self._known: dict[int, tuple[Exchange, Cost | None]] = {}

    def usd(self, exchange: Exchange) -> Decimal | None:
        """Return what an exchange cost in USD, None where nobody knows."""
        cost = self.of(exchange)
        return None if cost is None else cost.usd

    def of(self, exchange: Exchange) -> Cost | None:
        """Return what an exchange cost, None where its model has no price, or it tells no usage."""
        known = self._known.get(id(exchange))
        if known is None:
            known = self._known[id(exchange)] = (exchange, self._computed(exchange))
        return known[1]

    def _computed(self, exchange: Exchange) -> Cost | None:
        usage = exchange.usage
        if exchange.is_free:
            return _FREE
        if usage is None:
            return None
        names = (exchange.model, exchange.model_requested)
        price = tier_price(self._price_lists(), exchange.provider, names, exchange.tier)
        if price is None:
            return None
        usd = price.cost_usd(usage)
        is_cached = usage.cache_read_tokens or usage.cache_write_tokens
        return Cost(usd=usd, without_cache_usd=price.without_cache_usd(usage) if is_cached else usd)
