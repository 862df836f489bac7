"""The calls that the exchanges of a test make up, and what they cost."""

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from pytest_llmprod.budgets.cost import Cost
from pytest_llmprod.budgets.measured import Measured, measure
from pytest_llmprod.core.exchange import Exchange, Usage

ANSWER = Exchange(
    provider="openai",
    operation="chat",
    model_requested="mini",
    model="mini-2026",
    stream=True,
    status=200,
    usage=Usage(
        input_tokens=10,
        output_tokens=5,
        cache_read_tokens=4,
        cache_write_tokens=3,
        reasoning_tokens=2,
        input_audio_tokens=1,
        output_audio_tokens=1,
    ),
    latency_s=0.5,
    ttft_s=0.1,
    text="hello",
    replayed=True,
    recorded_at="2026-11-22T12:30:00Z",
    request={},
    key="k",
)
LIMIT = replace(ANSWER, status=429, usage=None, latency_s=0.02, ttft_s=None, model="")


def cent(exchange: Exchange) -> Cost | None:
    if exchange.usage is None:
        return nobody(exchange)
    return Cost(usd=Decimal("0.01"), without_cache_usd=Decimal("0.02"))


def nobody(exchange: Exchange) -> Cost | None:
    return Cost(usd=Decimal(0), without_cache_usd=Decimal(0)) if exchange.is_free else None


def test_a_call_is_measured_as_its_last_attempt() -> None:
    tries = [LIMIT, replace(ANSWER, attempt=2, backoff_s=1.5)]

    (found,) = measure(tries, cent, case="t-1", request=3)

    assert (found.latency_s, found.ttft_s, found.model) == (0.5, 0.1, "mini-2026")
    assert (found.retries, found.retried_s, found.backoff_s) == (1, 0.02, 1.5)
    assert (found.cost_usd, found.without_cache_usd) == (Decimal("0.01"), Decimal("0.02"))
    assert (found.case, found.request, found.is_timeout) == ("t-1", 3, False)
    assert (found.is_replayed, found.recorded_at) == (True, ANSWER.recorded_at)
    assert not found.is_judge


def test_attempts_that_were_answered_cost_together() -> None:
    (found,) = measure([ANSWER, replace(ANSWER, attempt=2)], cent)

    assert found.cost_usd == Decimal("0.02")
    assert found.usage == Usage(
        input_tokens=20,
        output_tokens=10,
        cache_read_tokens=8,
        cache_write_tokens=6,
        reasoning_tokens=4,
        input_audio_tokens=2,
        output_audio_tokens=2,
    )


def test_calls_are_told_apart() -> None:
    assert len(measure([ANSWER, replace(ANSWER, call=2)], cent)) == 2
    assert measure([], cent) == []


def test_a_call_that_was_only_refused_costs_nothing_and_got_no_answer() -> None:
    (found,) = measure([LIMIT], nobody)

    assert (found.cost_usd, found.unpriced, found.is_timeout) == (0, "", True)
    assert (found.usage, found.model) == (Usage(input_tokens=0, output_tokens=0), "mini")


def test_a_request_that_is_refused_for_what_is_in_it_was_answered() -> None:
    (found,) = measure([replace(LIMIT, status=400)], nobody)

    assert not found.is_timeout


def test_a_time_limit_leaves_the_cost_unknown() -> None:
    (found,) = measure([replace(ANSWER, usage=None, status=0, failure="ReadTimeout")], cent)

    assert (found.cost_usd, found.unpriced, found.is_timeout) == (None, "no usage", True)
    assert found.usage is None


def test_a_model_without_a_price_is_unpriced() -> None:
    (found,) = measure([ANSWER], nobody)

    assert (found.cost_usd, found.unpriced) == (None, "no price")


def test_replays_of_one_recording_are_one_sample() -> None:
    one, two = measure([ANSWER], cent), measure([ANSWER], cent, case="other")
    live = measure([replace(ANSWER, latency_s=0.51)], cent)

    assert one[0].recording == two[0].recording != live[0].recording


def test_the_last_digits_of_a_time_do_not_make_another_sample() -> None:
    one, two = (
        measure([replace(ANSWER, latency_s=seconds)], cent)[0] for seconds in (0.3, 0.1 + 0.2)
    )
    near, other = (
        measure([replace(ANSWER, latency_s=seconds)], cent)[0] for seconds in (0.3000001, 0.31)
    )

    assert one.recording == two.recording == near.recording != other.recording


def test_a_recording_without_times_has_none() -> None:
    (found,) = measure([replace(ANSWER, latency_s=0.0, ttft_s=0.0)], cent)

    assert (found.latency_s, found.ttft_s) == (None, None)


def test_calls_of_judges_say_so() -> None:
    assert measure([ANSWER], cent, is_judge=True)[0].is_judge


@pytest.mark.parametrize("cost", [cent, nobody])
def test_a_row_tells_all_that_budgets_need(cost: Callable[[Exchange], Cost | None]) -> None:
    tries = [LIMIT, replace(ANSWER, attempt=2, backoff_s=1.5)]
    (call,) = measure(tries, cost, case="t-1", request=2)

    row = json.loads(json.dumps(call.to_row()))

    assert Measured.from_row(row, case="t-1", request=2) == call
    assert "case" not in row
