from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from pytest_llmprod.budgets.prices import (
    Bill,
    ModelPrice,
    PriceList,
    cost_usd,
    find_lock,
    first_price,
    load,
    usd_text,
    worst_case_usd,
)
from pytest_llmprod.core.exchange import Usage

MINI = ModelPrice(input=Decimal("0.25"), cached=Decimal("0.025"), output=Decimal(2))


def write(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "llmprod.prices.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def row(**changes: str) -> str:
    values = {
        "provider": '"openai"',
        "model": '"m"',
        "input": '"1"',
        "cached": '"0.5"',
        "output": '"2"',
    }
    return "[[models]]\n" + "".join(f"{k} = {v}\n" for k, v in {**values, **changes}.items() if v)


@pytest.mark.parametrize(
    ("usage", "cost"),
    [
        (Usage(input_tokens=1_000_000, output_tokens=0), "0.25"),
        (Usage(input_tokens=0, output_tokens=1_000_000), "2"),
        (Usage(input_tokens=1_000_000, output_tokens=0, cache_read_tokens=400_000), "0.16"),
        (Usage(input_tokens=373, output_tokens=14), "0.00012125"),
        (Usage(input_tokens=0, output_tokens=10, reasoning_tokens=8), "0.00002"),
        (Usage(input_tokens=0, output_tokens=0), "0"),
    ],
)
def test_a_cost_is_the_sum_worked_out_by_hand(usage: Usage, cost: str) -> None:
    assert MINI.cost_usd(usage) == Decimal(cost)


@pytest.mark.parametrize("price", ['"0.1"', "0.1", '" 0.1"'])
def test_a_price_set_by_hand_may_be_text_or_number(tmp_path: Path, price: str) -> None:
    found = load(write(tmp_path, row(input=price))).find("openai", "m")

    assert found is not None
    assert found.input == Decimal("0.1")


def test_an_empty_lock_prices_nothing(tmp_path: Path) -> None:
    assert load(write(tmp_path, "")).find("openai", "m") is None


def test_a_model_of_another_provider_is_unpriced(tmp_path: Path) -> None:
    prices = load(write(tmp_path, row()))

    assert prices.find("openai", "m") is not None
    assert prices.find("azure", "m") is None
    assert prices.find("openai", "m-2026") is None


def test_the_nearest_lock_at_or_above_counts(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    top = write(tmp_path, "")

    assert find_lock(inner, tmp_path) == top
    assert find_lock(inner, tmp_path / "a") is None

    near = write(tmp_path / "a", "")

    assert find_lock(inner, tmp_path) == near


def test_what_has_no_price_is_counted_and_not_added() -> None:
    bill = Bill()

    bill.add(None, Usage(input_tokens=1, output_tokens=1), "mini")

    assert bill == Bill(cost_usd=Decimal(0), unpriced=1, unpriced_models={"mini"})
    assert not bill.is_complete


@pytest.mark.parametrize("price", [MINI, None])
def test_what_does_not_tell_its_usage_is_counted_apart(price: ModelPrice | None) -> None:
    bill = Bill()

    bill.add(price, None, "mini")
    bill.add(price, None, "mini")

    assert bill == Bill(cost_usd=Decimal(0), without_usage=2)
    assert not bill.is_complete


def test_a_bill_sums_without_rounding() -> None:
    bill = Bill()

    for _ in range(10):
        bill.add(MINI, Usage(input_tokens=1, output_tokens=1), "mini")

    assert bill == Bill(cost_usd=Decimal("0.0000225"), unpriced=0)


class NoPrices:
    def find(self, provider: str, model: str) -> None:
        return None


def test_the_first_list_that_knows_a_price_wins() -> None:
    other = ModelPrice(input=Decimal(9), cached=Decimal(9), output=Decimal(9))
    lists = [NoPrices(), PriceList({("p", "m"): MINI}), PriceList({("p", "m"): other})]

    assert first_price(lists, "p", "m") == MINI
    assert first_price(lists, "p", "other") is None
    assert first_price([], "p", "m") is None


def test_the_name_that_answered_is_looked_up_before_the_one_that_was_asked() -> None:
    other = ModelPrice(input=Decimal(9), cached=Decimal(9), output=Decimal(9))
    alias, both = PriceList({("p", "m"): other}), {("p", "m"): other, ("p", "m-2026"): MINI}

    assert first_price([alias], "p", "m-2026", "m") == other
    assert first_price([PriceList(both)], "p", "m-2026", "m") == MINI


def test_a_cost_is_known_where_the_price_and_the_tokens_are() -> None:
    lists, usage = [PriceList({("p", "mini"): MINI})], Usage(input_tokens=1000, output_tokens=100)

    assert cost_usd(lists, "p", "mini", usage) == MINI.cost_usd(usage) > 0
    assert cost_usd(lists, "p", "mini", None) is None
    assert cost_usd(lists, "p", "other", usage) is None


@pytest.mark.parametrize(
    ("unpriced", "without_usage", "text"),
    [
        (0, 0, "0.42 USD"),
        (3, 0, "0.42 USD + 3 unpriced requests"),
        (1, 2, "0.42 USD + 1 unpriced request + 2 requests without usage"),
    ],
)
def test_a_bill_tells_what_is_not_in_the_sum(unpriced: int, without_usage: int, text: str) -> None:
    bill = Bill(cost_usd=Decimal("0.42"), unpriced=unpriced, without_usage=without_usage)

    assert str(bill) == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0", "0.00"),
        ("0.42", "0.42"),
        ("0.054723", "0.055"),
        ("0.00012125", "0.00012"),
        ("0.999", "1.00"),
        ("1234.567", "1,234.57"),
        ("-0.0051", "-0.0051"),
        ("Infinity", "unlimited"),
    ],
)
def test_an_amount_is_told_in_cents_or_two_digits(amount: str, text: str) -> None:
    assert usd_text(Decimal(amount)) == text


def test_a_tier_without_a_price_leaves_a_request_unpriced() -> None:
    batch = ModelPrice(input=Decimal(1), cached=Decimal(1), output=Decimal(1))
    lists = [PriceList({("p", "m"): replace(MINI, tiers={"batch": batch})})]
    usage = Usage(input_tokens=1000, output_tokens=0)

    assert cost_usd(lists, "p", "m", usage, "default") == Decimal("0.00025")
    assert cost_usd(lists, "p", "m", usage, "batch") == Decimal("0.001")
    assert cost_usd(lists, "p", "m", usage, "scale") is None


def test_the_worst_case_of_an_alias_is_that_of_its_dearest_version_and_tier() -> None:
    def price(output: str, **tiers: str) -> ModelPrice:
        return ModelPrice(
            input=Decimal(0),
            cached=Decimal(0),
            output=Decimal(output),
            tiers={name: price(each) for name, each in tiers.items()},
        )

    locked = PriceList(
        {
            ("openai", "gpt-5-2025-01-01"): price("1", priority="4"),
            ("openai", "gpt-5-2025-02-02"): price("3", flex="2"),
            ("openai", "gpt-5-mini-2025-02-02"): price("9"),
            ("openai", "gpt-5-x2025"): price("9"),
            ("azure", "gpt-5-2025-02-02"): price("9"),
        }
    )

    def worst(model: str) -> Decimal | None:
        return worst_case_usd([locked], "openai", model, 10, 1_000_000)

    assert worst("gpt-5") == 4
    assert worst("gpt-5-2025-02-02") == 3
    assert worst("gpt-4") is None
