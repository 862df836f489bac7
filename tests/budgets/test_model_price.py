"""What tokens cost: cached, written, heard, in long requests and in other tiers."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_llmprod.budgets.model_price import ModelPrice
from pytest_llmprod.core.exchange import Usage

MILLION = 1_000_000
PLAIN = ModelPrice(input=Decimal(2), cached=Decimal("0.5"), output=Decimal(8))
FULL = ModelPrice(
    input=Decimal(2),
    cached=Decimal("0.5"),
    output=Decimal(8),
    cache_write=Decimal("2.5"),
    input_audio=Decimal(30),
    output_audio=Decimal(60),
)
LONG = replace(PLAIN, longer=((1000, replace(PLAIN, input=Decimal(4), output=Decimal(12))),))


@pytest.mark.parametrize(
    ("price", "usage", "cost"),
    [
        (PLAIN, Usage(input_tokens=MILLION, output_tokens=0, cache_write_tokens=MILLION), "2"),
        (FULL, Usage(input_tokens=MILLION, output_tokens=0, cache_write_tokens=MILLION), "2.5"),
        (PLAIN, Usage(input_tokens=MILLION, output_tokens=0, input_audio_tokens=500_000), "2"),
        (FULL, Usage(input_tokens=MILLION, output_tokens=0, input_audio_tokens=500_000), "16"),
        (FULL, Usage(input_tokens=0, output_tokens=MILLION, output_audio_tokens=750_000), "47"),
        (
            FULL,
            Usage(
                input_tokens=MILLION,
                output_tokens=0,
                cache_read_tokens=400_000,
                cache_write_tokens=200_000,
            ),
            "1.5",
        ),
        # All but a tenth came from the cache, so no more than a tenth of the sound is new.
        (
            FULL,
            Usage(
                input_tokens=MILLION,
                output_tokens=0,
                cache_read_tokens=900_000,
                input_audio_tokens=500_000,
            ),
            "3.45",
        ),
    ],
)
def test_a_cost_is_the_sum_worked_out_by_hand(price: ModelPrice, usage: Usage, cost: str) -> None:
    assert price.cost_usd(usage) == Decimal(cost)


def test_a_long_request_pays_other_prices_for_all_its_tokens() -> None:
    long = ModelPrice(input=Decimal(4), cached=Decimal(1), output=Decimal(12))
    longest = ModelPrice(input=Decimal(6), cached=Decimal(1), output=Decimal(12))
    price = ModelPrice(
        input=Decimal(2),
        cached=Decimal("0.5"),
        output=Decimal(8),
        longer=((1000, long), (2000, longest)),
    )

    costs = [price.cost_usd(Usage(input_tokens=n, output_tokens=0)) for n in (1000, 1001, 2001)]

    assert costs == [Decimal("0.002"), Decimal("0.004004"), Decimal("0.012006")]


def test_without_cache_all_input_is_fresh() -> None:
    usage = Usage(
        input_tokens=MILLION, output_tokens=0, cache_read_tokens=800_000, cache_write_tokens=100_000
    )

    assert FULL.without_cache_usd(usage) == 2


@pytest.mark.parametrize("tier", ["", "default", "standard", "auto", "on_demand"])
def test_ordinary_tiers_are_the_price_itself(tier: str) -> None:
    assert PLAIN.at_tier(tier) is PLAIN


def test_a_tier_that_is_not_known_has_no_price() -> None:
    assert PLAIN.at_tier("priority") is None


COUNTS = st.integers(0, 5000)


@given(COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, st.sampled_from([PLAIN, FULL, LONG]))
def test_nothing_costs_more_than_the_worst_case(
    fresh: int, read: int, written: int, sound: int, output: int, price: ModelPrice
) -> None:
    usage = Usage(
        input_tokens=fresh + read + written,
        output_tokens=output,
        cache_read_tokens=read,
        cache_write_tokens=written,
        input_audio_tokens=min(sound, fresh),
        output_audio_tokens=min(sound, output),
    )

    assert price.cost_usd(usage) <= price.worst_case_usd(fresh + read + written, output)
