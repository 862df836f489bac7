import tomllib
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_llmprod.budgets.prices import (
    Bill,
    ModelPrice,
    PriceList,
    cost_usd,
    dump,
    find_lock,
    first_price,
    load,
    look_up,
)
from pytest_llmprod.core.errors import PricesError
from pytest_llmprod.core.exchange import Usage

MINI = ModelPrice(input=Decimal("0.25"), cached=Decimal("0.025"), output=Decimal(2))
WHEN = datetime(2026, 11, 22, tzinfo=UTC)


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


PRICES = st.decimals(0, 10_000, places=6).map(Decimal)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
LISTS = st.dictionaries(
    st.tuples(NAMES, NAMES),
    st.builds(ModelPrice, input=PRICES, cached=PRICES, output=PRICES),
    max_size=4,
)


@given(LISTS)
def test_a_lock_reads_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, prices: dict[tuple[str, str], ModelPrice]
) -> None:
    path = write(
        tmp_path_factory.getbasetemp(), dump(prices, source="s", locked_on=date(2026, 11, 22))
    )

    found = load(path)

    assert {key: found.find(*key) for key in prices} == prices


def test_a_lock_is_sorted_and_says_where_it_came_from() -> None:
    text = dump(
        {("openai", "b"): MINI, ("openai", "a"): MINI},
        source="genai-prices 0.2.3",
        locked_on=date(2026, 11, 22),
    )

    document = tomllib.loads(text)
    assert document["source"] == "genai-prices 0.2.3"
    assert document["locked_on"] == "2026-11-22"
    assert [each["model"] for each in document["models"]] == ["a", "b"]
    assert document["models"][0] == {
        "provider": "openai",
        "model": "a",
        "input": "0.25",
        "cached": "0.025",
        "output": "2",
    }


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


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\xff", "can't decode"),
        ("[[models]", "Expected"),
        (row(output=""), "'output' is missing"),
        (row(provider=""), "'provider' is missing"),
        (row(input='"cheap"'), "input of 'm' must be USD from 0 up, not 'cheap'"),
        (row(input='"NaN"'), "input of 'm' must be USD from 0 up, not 'NaN'"),
        (row(cached='"Infinity"'), "cached of 'm' must be USD from 0 up, not 'Infinity'"),
        (row(output='"-1"'), "output of 'm' must be USD from 0 up, not '-1'"),
        (row(output="true"), "output of 'm' must be USD from 0 up, not True"),
        (row(output="nan"), "output of 'm' must be USD from 0 up"),
        (row(output="[1]"), "output of 'm' must be USD from 0 up"),
        ("models = 5", "not iterable"),
        ("models = [5]", "not subscriptable"),
        ("[models]\ninput = 1", "indices"),
    ],
)
def test_a_broken_lock_is_told_with_the_cure(
    tmp_path: Path, content: str | bytes, reason: str
) -> None:
    path = write(tmp_path, content)

    with pytest.raises(PricesError) as caught:
        load(path)

    message = str(caught.value)
    assert message.startswith(f"{path}: cannot be read (")
    assert reason in message
    assert message.endswith(
        f"Correct it, or delete it and write it anew with `llmprod prices lock {tmp_path}`."
    )


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

    assert bill == Bill(cost_usd=Decimal(0), without_usage=1)
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
    lists, usage = [PriceList({("p", "m"): MINI})], Usage(input_tokens=1000, output_tokens=100)

    assert cost_usd(lists, "p", "m", usage) == MINI.cost_usd(usage) > 0
    assert cost_usd(lists, "p", "m", None) is None
    assert cost_usd(lists, "p", "other", usage) is None


def test_genai_prices_is_asked_in_usd_for_a_million_tokens() -> None:
    assert look_up("openai", "gpt-5-mini-2025-08-07", WHEN) == MINI


def test_cached_input_without_a_price_of_its_own_costs_as_much_as_other_input() -> None:
    price = look_up("openai", "gpt-4", WHEN)

    assert price.cached == price.input > 0


@pytest.mark.parametrize(
    ("provider", "model"), [("openai", "llama-at-home"), ("127.0.0.1:80", "gpt-5-mini")]
)
def test_a_model_that_genai_prices_does_not_know_is_told_with_the_cure(
    provider: str, model: str
) -> None:
    with pytest.raises(
        PricesError, match=r"does not know '.*' of '.*'\. Add its prices to llmprod"
    ):
        look_up(provider, model, WHEN)
