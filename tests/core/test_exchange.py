import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_llmprod.core.exchange import Exchange, Usage, calls_of, usage_from_json, usage_to_json
from pytest_llmprod.core.results import Trace

COUNTS = st.integers(0, 10**9)


def exchange(**changes: object) -> Exchange:
    values: dict[str, object] = {
        "provider": "openai",
        "operation": "chat.completions",
        "model_requested": "gpt-5-mini",
        "model": "gpt-5-mini-2025-08-07",
        "stream": False,
        "status": 200,
        "usage": Usage(input_tokens=10, output_tokens=5),
        "latency_s": 0.5,
        "ttft_s": None,
        "text": "SECRET ANSWER",
        "replayed": True,
        "recorded_at": "2026-11-22T16:07:52Z",
        "request": {"messages": "SECRET QUESTION"},
        "key": "abc",
    }
    return Exchange(**{**values, **changes})  # type: ignore[arg-type]


@given(st.builds(Usage, **dict.fromkeys(Usage.__dataclass_fields__, COUNTS)))
def test_usage_survives_a_file(usage: Usage) -> None:
    assert usage_from_json(json.loads(json.dumps(usage_to_json(usage)))) == usage


def test_counts_that_are_absent_are_zero() -> None:
    assert usage_from_json({"input_tokens": 7}) == Usage(input_tokens=7, output_tokens=0)


def test_a_row_holds_figures_and_nothing_that_was_said() -> None:
    row = exchange().to_row()

    assert row == {
        "provider": "openai",
        "asked": "gpt-5-mini",
        "model": "gpt-5-mini-2025-08-07",
        "latency_s": 0.5,
        "replayed": True,
        "recorded_at": "2026-11-22T16:07:52Z",
        "usage": {
            "input_tokens": 10,
            "output_tokens": 5,
            "cache_read_tokens": 0,
            "reasoning_tokens": 0,
        },
    }


def test_a_row_says_which_try_of_a_call_it_was_and_that_it_costs_nothing() -> None:
    row = exchange(attempt=2, status=429, usage=None).to_row()

    assert (row["attempt"], row["free"]) == (2, True)
    assert {"attempt", "free"}.isdisjoint(exchange().to_row())


def test_a_row_without_usage_says_nothing_about_tokens() -> None:
    assert "usage" not in exchange(usage=None).to_row()


@pytest.mark.parametrize("outcome", ["hit", "miss", "error", "skip"])
def test_a_trace_travels_as_plain_json(outcome: str) -> None:
    trace = Trace(exchanges=[exchange()], judged=[exchange()], scores={"exact": 1.0}, why="because")
    trace.outcome = outcome  # type: ignore[assignment]

    row = trace.to_dict()

    assert json.loads(json.dumps(row)) == row
    assert row["outcome"] == outcome
    assert row["why"] == "because"
    assert row["scores"] == {"exact": 1.0}
    assert row["exchanges"] == row["judged"] == [exchange().to_row()]


def test_the_tries_of_a_call_are_grouped_whatever_their_order() -> None:
    second = exchange(call=1, attempt=2, latency_s=0.25, backoff_s=20.0, text="ok")
    other = exchange(call=2)
    first = exchange(call=1, attempt=1, latency_s=0.5, status=429)

    call, single = calls_of([second, other, first])

    assert call.attempts == (first, second)
    assert (call.latency_s, call.backoff_s, call.last.latency_s) == (20.75, 20.0, 0.25)
    assert call.last.text == "ok"
    assert single.attempts == (other,)
    assert (single.latency_s, single.backoff_s) == (0.5, 0.0)
    assert calls_of([]) == ()
