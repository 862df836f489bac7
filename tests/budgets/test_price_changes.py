"""What the same requests would cost at other prices."""

from decimal import Decimal

from pytest_llmprod.budgets.price_changes import Change, Request, compare, total
from pytest_llmprod.budgets.prices import Bill, ModelPrice, PriceList
from pytest_llmprod.core.exchange import Usage

USAGE = Usage(input_tokens=1_000_000, output_tokens=0)


def price(input_usd: str, **tiers: ModelPrice) -> ModelPrice:
    return ModelPrice(input=Decimal(input_usd), cached=Decimal(0), output=Decimal(9), tiers=tiers)


def request(model: str = "mini", provider: str = "openai", tier: str = "") -> Request:
    return Request(provider=provider, model=model, asked=model, tier=tier, usage=USAGE)


BEFORE = PriceList({("openai", "mini"): price("1"), ("openai", "large"): price("10")})
AFTER = PriceList({("openai", "mini"): price("1.2"), ("openai", "large"): price("10")})


def test_each_model_has_its_requests_and_its_costs_in_the_order_of_names() -> None:
    changes = compare([request(), request("large"), request()], BEFORE, AFTER)

    assert changes == [
        Change(
            provider="openai",
            model="large",
            requests=1,
            before=Bill(cost_usd=Decimal(10)),
            after=Bill(cost_usd=Decimal(10)),
        ),
        Change(
            provider="openai",
            model="mini",
            requests=2,
            before=Bill(cost_usd=Decimal(2)),
            after=Bill(cost_usd=Decimal("2.4")),
        ),
    ]
    assert [change.is_change for change in changes] == [False, True]
    assert [change.share for change in changes] == [0, Decimal("0.2")]


def test_a_model_of_one_name_at_two_providers_is_two() -> None:
    changes = compare([request(provider="openai"), request(provider="azure")], BEFORE, AFTER)

    assert [(each.provider, each.requests) for each in changes] == [("azure", 1), ("openai", 1)]
    assert changes[0].before == Bill(unpriced=1, unpriced_models={"mini"})


def test_a_request_is_priced_by_the_name_that_was_asked_where_the_answer_has_another() -> None:
    aliased = Request(
        provider="openai", model="mini-2026-08-07", asked="mini", tier="", usage=USAGE
    )

    assert compare([aliased], BEFORE, AFTER)[0].after == Bill(cost_usd=Decimal("1.2"))
    both = PriceList({("openai", "mini"): price("1"), ("openai", "mini-2026-08-07"): price("3")})
    assert compare([aliased], BEFORE, both)[0].after == Bill(cost_usd=Decimal(3))


def test_a_request_is_priced_at_the_tier_that_served_it() -> None:
    tiered = PriceList({("openai", "mini"): price("1", batch=price("0.5"))})

    (change,) = compare([request(tier="batch")], tiered, BEFORE)

    assert change.before == Bill(cost_usd=Decimal("0.5"))
    assert change.after == Bill(unpriced=1, unpriced_models={"mini"})
    assert change.is_change
    assert change.share is None


def test_the_total_has_all_requests_and_all_that_has_no_price() -> None:
    changes = compare(
        [request(), request("large"), request("new"), request("newer")], BEFORE, AFTER
    )

    whole = total(changes)

    assert whole.requests == 4
    assert whole.before == Bill(cost_usd=Decimal(11), unpriced=2, unpriced_models={"new", "newer"})
    assert whole.after.cost_usd == Decimal("11.2")
    assert (whole.provider, whole.model) == ("", "")


def test_a_joined_bill_counts_what_was_without_usage() -> None:
    bill = Bill(cost_usd=Decimal(1), without_usage=1, unpriced=1, unpriced_models={"a"})

    bill.join(Bill(cost_usd=Decimal(2), without_usage=2, unpriced=3, unpriced_models={"b"}))

    assert bill == Bill(
        cost_usd=Decimal(3), without_usage=3, unpriced=4, unpriced_models={"a", "b"}
    )


def test_the_total_of_nothing_is_no_change() -> None:
    assert not total([]).is_change
    assert total([]).share is None
