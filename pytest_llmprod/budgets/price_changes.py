"""Price changes: what would the same requests cost at other prices?"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from pytest_llmprod.budgets.prices import Bill, PriceList, first_price
from pytest_llmprod.core.exchange import Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What has to be known of a request to price it; `asked` is the model that it named."""

    provider: str
    model: str
    asked: str
    tier: str
    usage: Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What the requests to one model cost, before and after."""

    provider: str
    model: str
    requests: int
    before: Bill
    after: Bill

    @property
    def is_change(self) -> bool:
        """Say whether the sum, or what could not be priced, is another one."""
        return self.before != self.after

    @property
    def share(self) -> Decimal | None:
        """Return 0.2 for 20 % more, None where a sum lacks something or was 0."""
        if not (self.before.is_complete and self.after.is_complete and self.before.cost_usd):
            return None
        return self.after.cost_usd / self.before.cost_usd - 1


def compare(requests: Iterable[Request], before: PriceList, after: PriceList) -> list[Change]:
    """Return what the requests to each model cost at both prices, models by their names."""
    by_model: dict[tuple[str, str], list[Request]] = {}
    for request in requests:
        by_model.setdefault((request.provider, request.model), []).append(request)
    return [
        Change(
            provider=provider,
            model=model,
            requests=len(asked),
            before=_bill(asked, before),
            after=_bill(asked, after),
        )
        for (provider, model), asked in sorted(by_model.items())
    ]


def total(changes: Iterable[Change]) -> Change:
    """Return the sum of all changes."""
    before, after, requests = Bill(), Bill(), 0
    for change in changes:
        before.join(change.before)
        after.join(change.after)
        requests += change.requests
    return Change(provider="", model="", requests=requests, before=before, after=after)


def _bill(requests: Iterable[Request], prices: PriceList) -> Bill:
    bill = Bill()
    for request in requests:
        price = first_price([prices], request.provider, request.model, request.asked)
        at_tier = None if price is None else price.at_tier(request.tier)
        bill.add(at_tier, request.usage, request.model)
    return bill
