"""What genai-prices is asked, and what is made of its answers."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from pytest_llmprod.budgets.model_price import ModelPrice
from pytest_llmprod.budgets.price_source import look_up
from pytest_llmprod.core.errors import PricesError
from pytest_llmprod.core.exchange import Usage

WHEN = datetime(2026, 11, 22, tzinfo=UTC)


def test_a_price_is_in_usd_for_a_million_tokens() -> None:
    price = look_up("openai", "gpt-5-mini-2025-08-07", WHEN)

    assert (price.input, price.cached, price.output) == (Decimal("0.25"), Decimal("0.025"), 2)
    assert price.longer == ()


def test_cached_input_without_a_price_of_its_own_costs_as_much_as_other_input() -> None:
    price = look_up("openai", "gpt-4", WHEN)

    assert price.cached == price.input > 0


def test_long_requests_have_prices_of_their_own() -> None:
    price = look_up("google", "gemini-2.5-pro", WHEN)

    costs = [price.cost_usd(Usage(input_tokens=n, output_tokens=0)) for n in (200_000, 200_001)]
    assert costs == [Decimal("0.25"), Decimal("0.5000025")]


def test_service_tiers_have_prices_of_their_own() -> None:
    price = look_up("openai", "gpt-5-mini", WHEN)

    assert set(price.tiers) == {"batch", "fast", "flex", "priority"}
    assert price.tiers["batch"] == ModelPrice(
        input=Decimal("0.125"), cached=Decimal("0.0125"), output=Decimal(1)
    )


def test_the_tiers_of_another_provider_are_not_taken_over() -> None:
    assert look_up("azure", "gpt-5-mini", WHEN).tiers == {}


def test_what_is_written_to_a_cache_has_a_price() -> None:
    assert look_up("anthropic", "claude-3-haiku-20240307", WHEN).cache_write == Decimal("0.3")


def test_prices_are_those_of_the_day() -> None:
    old, new = (look_up("openai", "o3", datetime(2025, m, 1, tzinfo=UTC)).input for m in (6, 7))

    assert (old, new) == (10, 2)


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "llama-at-home"),
        ("127.0.0.1:80", "gpt-5-mini"),
        ("groq", "whisper-large-v3"),  # is paid by the hour
    ],
)
def test_a_model_without_a_price_of_tokens_is_told_with_the_cure(provider: str, model: str) -> None:
    with pytest.raises(
        PricesError, match=r"does not know '.*' of '.*'\. Add its prices to llmprod"
    ):
        look_up(provider, model, WHEN)


def test_a_model_that_writes_no_text_has_a_price_of_its_input() -> None:
    price = look_up("openai", "text-embedding-3-small", WHEN)

    assert (price.input, price.output) == (Decimal("0.02"), 0)
