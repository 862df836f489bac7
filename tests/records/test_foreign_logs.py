import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_llmprod.core.exchange import Usage
from pytest_llmprod.records import foreign, synonyms
from pytest_llmprod.records.line import LogLine, figures_of

MESSAGES = [{"role": "user", "parts": [{"type": "text", "content": "Where is my parcel?"}]}]
ANSWER = [{"role": "assistant", "parts": [{"type": "text", "content": "shipping"}]}]
ATTRIBUTES = {
    "gen_ai.operation.name": {"stringValue": "chat"},
    "gen_ai.system": {"stringValue": "openai"},
    "gen_ai.request.model": {"stringValue": "gpt-5-mini"},
    "gen_ai.response.model": {"stringValue": "gpt-5-mini-2025-08-07"},
    "gen_ai.response.id": {"stringValue": "chatcmpl-77"},
    "gen_ai.response.finish_reasons": {"arrayValue": {"values": [{"stringValue": "stop"}]}},
    "gen_ai.usage.input_tokens": {"intValue": "120"},
    "gen_ai.usage.output_tokens": {"intValue": 12},
    "gen_ai.input.messages": {"stringValue": json.dumps(MESSAGES)},
    "gen_ai.output.messages": {"stringValue": json.dumps(ANSWER)},
}


def traces(*spans: dict[str, Any]) -> dict[str, Any]:
    return {"resourceSpans": [{"scopeSpans": [{"spans": list(spans)}]}]}


def span(attributes: dict[str, Any], **changed: Any) -> dict[str, Any]:
    times = {"startTimeUnixNano": "1795096921000000000", "endTimeUnixNano": "1795096921810000000"}
    return {
        "name": "chat",
        **times,
        "attributes": [{"key": key, "value": value} for key, value in attributes.items()],
        **changed,
    }


def imported(*documents: Any, feature: str = "") -> foreign.Imported:
    return foreign.read("\n".join(map(json.dumps, documents)).encode(), feature)


def the_only_line(*documents: Any, feature: str = "") -> LogLine:
    result = imported(*documents, feature=feature)
    assert result.left_out == 0
    (line,) = result.lines
    return line


def test_a_plain_row_is_an_exchange() -> None:
    row = {
        "time": "2026-11-19T15:02:01+01:00",
        "model": "gpt-5-mini",
        "prompt": "Customer 4711: where is my parcel?",
        "answer": "shipping",
        "latency_ms": 810,
        "usage": {"prompt_tokens": 120, "completion_tokens": 12},
        "cost_usd": 0.000125,
        "request_id": "r-1",
        "status": 200,
    }

    line = the_only_line(row, feature="ticket-triage")

    assert line.timestamp == line.exchange.recorded_at == "2026-11-19T14:02:01Z"
    assert line.feature == "ticket-triage"
    assert (line.cost_usd, line.cost_status) == (Decimal("0.000125"), "priced")
    assert line.response_id == "r-1"
    assert line.exchange.request == "Customer 4711: where is my parcel?"
    assert line.exchange.text == "shipping"
    assert line.exchange.model == line.exchange.model_requested == "gpt-5-mini"
    assert line.exchange.latency_s == 0.81
    assert line.exchange.usage == Usage(input_tokens=120, output_tokens=12)
    assert line.exchange.status == 200
    assert not line.exchange.replayed


def test_a_row_without_a_cost_is_unpriced() -> None:
    assert the_only_line({"model": "m"}).cost_status == "unpriced"


@pytest.mark.parametrize("layout", ["a line each", "one value", "a list"])
def test_a_span_of_opentelemetry_is_an_exchange(layout: str) -> None:
    document = traces(span(ATTRIBUTES))
    text = {
        "a line each": json.dumps(document) + "\n\n",
        "one value": json.dumps(document, indent=2),
        "a list": json.dumps([document]),
    }[layout]

    (line,) = foreign.read(text.encode(), "").lines

    assert line.timestamp == "2026-11-19T14:02:01Z"
    assert line.response_id == "chatcmpl-77"
    assert line.exchange.provider == "openai"
    assert line.exchange.model_requested == "gpt-5-mini"
    assert line.exchange.model == "gpt-5-mini-2025-08-07"
    assert line.exchange.latency_s == 0.81
    assert line.exchange.usage == Usage(input_tokens=120, output_tokens=12)
    assert line.exchange.finish_reasons == ("stop",)
    assert line.exchange.request == {"messages": MESSAGES}
    assert line.exchange.text == "shipping"


def test_a_log_record_of_opentelemetry_is_an_exchange() -> None:
    record = span(ATTRIBUTES, timeUnixNano="1795096921000000000")
    del record["startTimeUnixNano"]
    del record["endTimeUnixNano"]

    line = the_only_line({"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]})

    assert line.timestamp == "2026-11-19T14:02:01Z"
    assert line.exchange.text == "shipping"


def test_spans_of_something_else_are_left_out() -> None:
    result = imported(traces(span({"db.system": {"stringValue": "sqlite"}}), span(ATTRIBUTES)))

    assert (len(result.lines), result.left_out) == (1, 1)


@pytest.mark.parametrize("error", [{"error": "Timeout"}, {"error.type": "Timeout"}])
def test_a_failure_is_kept(error: dict[str, str]) -> None:
    assert the_only_line({"model": "m", **error}).exchange.failure == "Timeout"


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        (1795096921, "2026-11-19T14:02:01Z"),
        (1795096921000, "2026-11-19T14:02:01Z"),
        ("2026-11-19T14:02:01", "2026-11-19T14:02:01Z"),
        ("yesterday", ""),
        (1795096921.5, "2026-11-19T14:02:01.500000Z"),
        (1795096921000000, "2026-11-19T14:02:01Z"),
        (1795096921000000000, "2026-11-19T14:02:01Z"),
        ("1999-12-31T23:30:00-01:00", "2000-01-01T00:30:00Z"),
        (946684800, "2000-01-01T00:00:00Z"),
        (946684799, ""),
        (4102444800000, ""),
        ("1999-12-31T23:59:59", ""),
        ("2100-01-01T00:00:00Z", ""),
        ("9999-12-31T23:59:59-10:00", ""),
        ("0001-01-01T00:00:00+10:00", ""),
        (0, ""),
        (-1795096921, ""),
        (1e17, ""),
        (1e300, ""),
        (-1e300, ""),
        (1e400, ""),
        (10**400, ""),
        (float("nan"), ""),
        (True, ""),
        ([], ""),
    ],
)
def test_a_time_is_one_in_utc_or_none(time: Any, expected: str) -> None:
    assert the_only_line({"model": "m", "time": time}).timestamp == expected


@pytest.mark.parametrize(
    "cost", [-1, "-0.1", "1e999999", "1e-99999", "0e99999", 1e300, "NaN", "Infinity", True, [1]]
)
def test_a_cost_that_nobody_paid_is_unpriced(cost: Any) -> None:
    line = the_only_line({"model": "m", "cost": cost})

    assert (line.cost_usd, line.cost_status) == (None, "unpriced")


@pytest.mark.parametrize("cost", ["0.00042", 0.00042, "4.2e-4"])
def test_a_cost_may_be_a_number_or_a_text(cost: Any) -> None:
    assert the_only_line({"model": "m", "cost": cost}).cost_usd == Decimal("0.00042")


@pytest.mark.parametrize("latency", [-5, True, float("nan"), 10**400, "810"])
def test_a_latency_that_no_clock_measured_is_none(latency: Any) -> None:
    assert the_only_line({"model": "m", "latency_ms": latency}).exchange.latency_s == 0.0


@pytest.mark.parametrize("end", [1, 10**400])
def test_a_span_whose_end_cannot_be_has_no_latency(end: int) -> None:
    line = the_only_line(traces(span(ATTRIBUTES, endTimeUnixNano=end)))

    assert line.timestamp == "2026-11-19T14:02:01Z"
    assert line.exchange.latency_s == 0.0


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [(120, 120), ("120", 120), (120.0, 120), (-1, None), (1.5, None), (10**400, None), ("²", None)],
)
def test_tokens_are_a_count_however_it_is_written(tokens: Any, expected: int | None) -> None:
    usage = the_only_line({"model": "m", "input_tokens": tokens}).exchange.usage

    assert (None if usage is None else usage.input_tokens) == expected


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "hot", None])
def test_a_parameter_that_is_no_number_is_no_figure(value: Any) -> None:
    line = the_only_line({"model": "m", "input": {"temperature": value, "seed": 7}})
    figures = figures_of(line)

    assert "gen_ai.request.temperature" not in figures
    assert figures["gen_ai.request.seed"] == 7


def test_lines_that_are_no_json_are_left_out() -> None:
    result = foreign.read(b'{"model": "m"}\nTraceback (most recent call last):\n\n[1]\n', "")

    assert (len(result.lines), result.left_out) == (1, 2)


NAMES = sorted(
    {
        *foreign._TIMES, *synonyms.INPUTS, *synonyms.OUTPUTS, *foreign._ASKED, *synonyms.IDS,
        *foreign._TOKENS_IN, *synonyms.SECONDS, *synonyms.COSTS, *foreign._STATUSES,
        *("attributes", "value", "key", "arrayValue", "kvlistValue", "values", "usage"),
        *("resourceSpans", "scopeSpans", "spans", "gen_ai.response.finish_reasons"),
    }
)  # fmt: skip


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)
        ),
        max_leaves=12,
    )
)
def test_any_json_is_read_without_an_error(document: Any) -> None:
    result = imported({"model": "m", "input": document}, document)

    assert result.lines[0].exchange.model == "m"
