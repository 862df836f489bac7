from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from pytest_llmprod.budgets.cost import Costs
from pytest_llmprod.budgets.prices import ModelPrice, PriceList
from pytest_llmprod.core.exchange import Exchange, Usage

PRICE = ModelPrice(
    input=Decimal(1),
    cached=Decimal("0.5"),
    output=Decimal(2),
    tiers={"batch": ModelPrice(input=Decimal("0.5"), cached=Decimal("0.25"), output=Decimal(1))},
)
PRICES = PriceList({("openai", "m"): PRICE})
MILLION = 1_000_000
ANSWER = Exchange(
    provider="openai",
    operation="chat",
    model_requested="m",
    model="m",
    stream=False,
    status=200,
    usage=Usage(input_tokens=MILLION, output_tokens=MILLION),
    latency_s=0.5,
    ttft_s=None,
    text="",
    replayed=True,
    recorded_at="2026-11-22T00:00:00Z",
    request={},
    key="k",
)


def costs() -> Costs:
    return Costs(lambda: [PRICES])


@pytest.mark.parametrize(
    ("changes", "usd"),
    [
        ({}, 3),
        ({"tier": "batch"}, Decimal("1.5")),
        ({"model": "m-2026-01-01"}, 3),
        ({"usage": None, "status": 429, "model": ""}, 0),
        ({"model": "other", "model_requested": "other"}, None),
        ({"provider": "azure"}, None),
        ({"tier": "unheard-of"}, None),
        ({"usage": None}, None),
    ],
)
def test_an_exchange_has_its_price_or_none(changes: dict[str, Any], usd: Decimal | None) -> None:
    assert costs().usd(replace(ANSWER, **changes)) == usd


def test_the_cost_without_prompt_cache_is_told_apart() -> None:
    usage = Usage(input_tokens=MILLION, output_tokens=0, cache_read_tokens=MILLION)

    found = costs().of(replace(ANSWER, usage=usage))

    assert found is not None
    assert (found.usd, found.without_cache_usd) == (Decimal("0.5"), 1)


def test_an_exchange_is_priced_once() -> None:
    asked = []

    def price_lists() -> list[PriceList]:
        asked.append(1)
        return [PRICES]

    known = Costs(price_lists)

    assert (known.usd(ANSWER), known.usd(ANSWER)) == (3, 3)
    assert len(asked) == 1


def test_nothing_reads_a_price_for_what_was_free() -> None:
    def price_lists() -> list[PriceList]:
        raise AssertionError("asked for prices")

    assert Costs(price_lists).usd(replace(ANSWER, usage=None, status=500)) == 0
