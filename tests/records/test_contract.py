"""Whether an application's records explain its calls, and what is said where they do not."""

import json
import logging
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from log_samples import an_exchange, as_it_is

from pytest_llmprod.core.exchange import Exchange, calls_of
from pytest_llmprod.records import app_record, contract
from pytest_llmprod.records.app_record import AppRecord
from pytest_llmprod.records.contract import Rules
from pytest_llmprod.records.fields import FIELDS, aliases

QUESTION = "Customer 4711: where is my parcel?"
COMPLETE: dict[str, Any] = {
    "prompt": QUESTION,
    "output": "shipping",
    "latency_ms": 810,
    "cost_usd": "0.000125",
    "model": "gpt-5-mini-2025-08-07",
    "request_id": "req-1",
}


class Found(NamedTuple):
    kind: str
    start: int
    end: int


def find_email(text: str) -> Iterator[Found]:
    for match in re.finditer(r"\w+@\w+\.\w+", text):
        yield Found("pii.email", *match.span())


def mask_word(value: Any) -> Any:
    """Mask the word `hush`, and members of the name `api_key`."""
    if isinstance(value, dict):
        return {
            name: f"[masked {name}]" if name == "api_key" else mask_word(item)
            for name, item in value.items()
        }
    return value.replace("hush", "[masked word]") if isinstance(value, str) else value


RULES = Rules(mask=mask_word, find_pii=find_email)


def a_record(text: str = "asked", **told: Any) -> AppRecord:
    record = logging.makeLogRecord({"msg": text, "name": "app.triage", "levelname": "INFO", **told})
    return app_record.of_log_record(record)


def failure(
    exchanges: list[Exchange],
    records: list[AppRecord],
    fields: tuple[str, ...] = tuple(FIELDS),
    case: str = "t-001",
    rules: Rules = RULES,
) -> str:
    return contract.failure(calls_of(exchanges), records, fields, case=case, rules=rules)


def without(*names: str, **changed: Any) -> dict[str, Any]:
    return {name: value for name, value in {**COMPLETE, **changed}.items() if name not in names}


def test_a_complete_record_is_enough() -> None:
    assert failure([an_exchange()], [a_record(**COMPLETE)]) == ""


def test_no_call_needs_no_record() -> None:
    assert failure([], []) == ""


@pytest.mark.parametrize("field", FIELDS)
def test_each_field_that_is_missing_is_told_with_what_mends_it(field: str) -> None:
    name = {"input": "prompt", "latency": "latency_ms", "cost": "cost_usd"}.get(field, field)

    text = failure([an_exchange()], [a_record(**without(name))])

    assert text == (
        "The application's records lack what explains 1 of 1 call to a model later:\n"
        "  call 1 (case t-001, gpt-5-mini): INFO of app.triage, 'asked', lacks\n"
        f"    {field}: nothing; {FIELDS[field].mend}"
    )
    assert failure([an_exchange()], [a_record(**without(name))], tuple({*FIELDS} - {field})) == ""


def test_a_call_without_a_record_is_told_with_what_was_collected() -> None:
    exchanges = [an_exchange(), an_exchange(call=2, text="refund", model_requested="gpt-x\x1b[31m")]
    records = [a_record(**COMPLETE), a_record("HTTP Request: POST https://a.example", name="httpx")]

    text = failure(exchanges, records)

    assert text.startswith(
        "The application's records lack what explains 1 of 2 calls to a model later:\n"
        "  call 2 (case t-001, gpt-x\\x1b[31m): no record tells of it.\n"
        "  Collected: 2 records: INFO of app.triage, INFO of httpx.\n"
    )
    assert "at INFO or above" in text
    assert "Collected: nothing." in failure(exchanges, [])


@pytest.mark.parametrize(
    ("told", "problem"),
    [
        ({"model": "gpt-5-mini"}, "model: 'gpt-5-mini' under `model`, but 'gpt-5-mini-2025-08-07'"),
        ({"model": None}, "model: 'null' under `model`, which is no name"),
        ({"prompt": "  "}, "input: '' under `prompt`, which is empty"),
        ({"prompt": []}, "input: '[]' under `prompt`, which is empty"),
        ({"prompt": 3}, "input: '3' under `prompt`, which is no text"),
        ({"latency_ms": "soon"}, "latency: 'soon' under `latency_ms`, which is no time"),
        ({"latency_ms": "..."}, "latency: '...' under `latency_ms`, which is no time"),
        ({"latency_ms": "1.2.3 ms"}, "latency: '1.2.3 ms' under `latency_ms`, which is no time"),
        ({"cost_usd": "1.2.3"}, "cost: '1.2.3' under `cost_usd`, which is no number"),
        ({"latency_ms": -1}, "latency: '-1' under `latency_ms`, which is no amount"),
        ({"latency_ms": True}, "latency: 'true' under `latency_ms`, which is no number"),
        ({"latency_ms": float("nan")}, "latency: 'NaN' under `latency_ms`, which is no amount"),
        ({"cost_usd": "unknown"}, "cost: 'unknown' under `cost_usd`, which is no amount"),
        ({"cost_usd": None}, "cost: 'null' under `cost_usd`, which is no number"),
        ({"request_id": ""}, "request_id: '' under `request_id`, which is no id"),
    ],
)
def test_a_value_that_is_none_is_told(told: dict[str, Any], problem: str) -> None:
    assert f"    {problem}" in failure([an_exchange()], [a_record(**{**COMPLETE, **told})])


@pytest.mark.parametrize(
    "told",
    [
        {"latency_ms": "810 ms"},
        {"latency_ms": 0},
        {"cost_usd": "$0.002"},
        {"cost_usd": "1.2e-5 USD"},
        {"cost_usd": 0},
        {"request_id": 77},
        {"model": "openai/gpt-5-mini-2025-08-07"},
        {"prompt": [{"role": "user", "content": QUESTION}]},
    ],
)
def test_values_may_have_several_forms(told: dict[str, Any]) -> None:
    assert failure([an_exchange()], [a_record(**{**COMPLETE, **told})]) == ""


GENAI = {
    "gen_ai.input.messages": json.dumps([{"role": "user", "content": QUESTION}]),
    "gen_ai.output.messages": '[{"role": "assistant"}]',
    "gen_ai.response.model": "gpt-5-mini-2025-08-07",
    "gen_ai.request.model": "gpt-5-mini",
    "gen_ai.response.id": "chatcmpl-1",
    "llmprod.cost.usd": "0.1",
    "duration_s": 0.8,
}
TRACELOOP = {
    "gen_ai.prompt.0.content": QUESTION,
    "gen_ai.completion.0.content": "shipping",
    "gen_ai.response.model": "gpt-5-mini-2025-08-07",
    "gen_ai.response.id": "chatcmpl-1",
    "gen_ai.usage.cost": 0.1,
    "elapsed": 0.8,
}
OPENINFERENCE = {
    "llm.input_messages.0.message.content": QUESTION,
    "llm.output_messages.0.message.content": "shipping",
    "llm.model_name": "gpt-5-mini-2025-08-07",
    "llm.cost.total": 0.1,
    "metadata.requestId": "chatcmpl-1",
    "latency": 0.8,
}
NESTED = {
    "llm": {
        "question": QUESTION,
        "answer": "shipping",
        "responseModel": "gpt-5-mini-2025-08-07",
        "usage": {"cost": 0.1},
        "Duration-MS": 800,
        "x-request-id": "r",
    }
}


@pytest.mark.parametrize("told", [GENAI, TRACELOOP, OPENINFERENCE, NESTED])
def test_fields_go_by_the_names_of_others(told: dict[str, Any]) -> None:
    in_extra = a_record(**told)
    in_dict = app_record.of_log_record(logging.makeLogRecord({"msg": told}))
    in_json = app_record.of_log_record(logging.makeLogRecord({"msg": json.dumps(told)}))
    in_argument = app_record.of_log_record(logging.makeLogRecord({"msg": "asked", "args": told}))
    (in_line,) = app_record.of_lines(f"\n{json.dumps(told)}\n")
    in_event = app_record.of_event({"event": "asked", "level": "info", **told})

    for record in (in_extra, in_dict, in_json, in_argument, in_line, in_event):
        assert failure([an_exchange()], [record]) == "", record


def test_the_id_of_something_else_is_no_request_id() -> None:
    text = failure([an_exchange()], [a_record(**without("request_id"), user={"id": "u-1"})])

    assert "request_id: nothing" in text
    assert list(aliases("user.id")) == ["user_id"]
    assert list(aliases("id")) == ["id"]


def test_a_field_may_be_one_of_the_application() -> None:
    record = a_record(prompt=QUESTION, promptVersion="v7", tenant="")

    assert failure([an_exchange()], [record], ("prompt_version",)) == ""
    assert "tenant: '' under `tenant`, which is empty; log it as `tenant`" in failure(
        [an_exchange()], [record], ("tenant",)
    )


def test_a_call_that_was_tried_again_is_one_call() -> None:
    refused = an_exchange(status=429, usage=None, text="", attempt=1)
    answered = an_exchange(attempt=2)

    assert failure([refused, answered], [a_record(**COMPLETE)]) == ""


@pytest.mark.parametrize("how", [{"status": 500}, {"status": 0, "failure": "ReadTimeout"}])
def test_a_call_without_an_answer_needs_what_can_be_known(how: dict[str, Any]) -> None:
    exchange = an_exchange(usage=None, text="", model="", **how)

    assert failure([exchange], [a_record(prompt=QUESTION, latency_ms=3)]) == ""
    assert "latency: nothing" in failure([exchange], [a_record(prompt=QUESTION)])
    assert "no record tells of it" in failure([exchange], [])


def test_records_are_found_by_what_they_quote_and_not_by_their_order() -> None:
    first, second = an_exchange(text="shipping"), an_exchange(call=2, text="refund")
    records = [a_record(**{**COMPLETE, "output": "refund"}), a_record(**without("cost_usd"))]

    text = failure([first, second], records)

    assert "call 1 (case t-001, gpt-5-mini): INFO of app.triage" in text
    assert "call 2" not in text


def test_a_second_record_of_one_call_is_none_of_another() -> None:
    other = an_exchange(call=2, request={"messages": [{"role": "user", "content": "Refund me!"}]})

    text = failure([an_exchange(), other], [a_record(**COMPLETE), a_record("span", **COMPLETE)])

    assert "1 of 2 calls" in text
    assert "call 2 (case t-001, gpt-5-mini): no record tells of it." in text


@pytest.mark.parametrize(
    ("text", "said", "is_quoted"),
    [
        ("no", "no\n", True),
        ("no", "yes\nno", True),
        ("no", "not sure", False),
        ("no", '[{"content": "no"}]', True),
        ("two\nlines, ä", '[{"content": "two\\nlines, ä"}]', True),
        ("two\nlines, ä", '[{"content": "two\\nlines, \\u00e4 and more"}]', True),
        (QUESTION, f"user: {QUESTION}", True),
        ("", "", False),
        (QUESTION, "", False),
    ],
)
def test_what_counts_as_quoted(text: str, said: str, is_quoted: bool) -> None:
    assert contract._Quotable.of(text).is_in(said) is is_quoted


def test_masked_records_are_taken_in_their_order() -> None:
    """An application that masks what was said quotes nothing."""
    exchanges = [an_exchange(), an_exchange(call=2)]
    secret = {"prompt": "[redacted]", "output": "[redacted]"}
    records = [a_record(model="gpt-5-mini"), a_record(**without(**secret))]

    text = failure(exchanges, [*records, a_record(**without("cost_usd", **secret))])

    assert "call 1" not in text
    assert "call 2 (case t-001, gpt-5-mini): INFO of app.triage, 'asked', lacks\n    cost" in text


def test_of_a_log_record_and_a_span_of_one_call_the_better_one_counts() -> None:
    span = a_record("chat", **{"gen_ai.response.model": "gpt-5-mini-2025-08-07", "output": ""})

    assert failure([an_exchange()], [span, a_record(**COMPLETE)]) == ""


def test_a_secret_in_any_record_is_told_masked() -> None:
    records = [
        a_record(**COMPLETE),
        a_record("calling with hush", name="app.http"),
        a_record(headers={"api_key": "abc", "list": ["a", "hush"]}),
    ]

    text = failure([an_exchange()], records)

    assert text.splitlines() == [
        "The application's records hold what no log may hold:",
        "  INFO of app.http: its message holds 'calling with [masked word]'",
        "  INFO of app.triage: `headers.api_key` holds '[masked api_key]'",
        '  INFO of app.triage: `headers.list` holds \'["a", "[masked word]"]\'',
        "  Mask it before it is logged, in a logging.Filter or a processor for instance.",
    ]


def test_what_is_personal_is_told_masked() -> None:
    record = a_record(**without(prompt=f"{QUESTION} I am ann@example.org, or bob@example.org"))

    text = failure([an_exchange()], [record])

    assert (
        "`prompt` holds '...is my parcel? I am [masked pii.email], or [masked pii.email]'" in text
    )
    assert "example.org" not in text
    assert failure([an_exchange()], [record], rules=Rules(mask=as_it_is)) == ""


def test_overlapping_findings_leave_nothing_of_the_earlier_one() -> None:
    def find(text: str) -> list[Found]:
        return [Found("b", 2, 9), Found("a", 0, 5)]

    assert Rules(mask=as_it_is, find_pii=find).masked("0123456789") == "[masked a]56789"


def test_a_message_that_is_json_is_told_by_its_members_only() -> None:
    record = app_record.of_log_record(logging.makeLogRecord({"msg": '{"note": "hush"}'}))

    text = failure([], [record])

    assert text.count("[masked word]") == 1
    assert "`note` holds" in text


def test_what_is_wrong_is_told_masked_and_without_control_sequences() -> None:
    record = a_record("hush \x1b[31m", **without(latency_ms="hush \x1b[2J"))

    text = failure([an_exchange()], [record])

    assert "INFO of app.triage, '[masked word] \\\\x1b[31m', lacks" in text
    assert "hush" not in text
    assert "\x1b" not in text


def test_many_lines_are_cut() -> None:
    text = failure([an_exchange(call=n) for n in range(1, 31)], [])

    assert "  ... and 20 more\n" in text


def test_an_exception_is_part_of_the_message() -> None:
    error = ValueError("the key is hush")
    record = a_record("failed", exc_info=(ValueError, error, None))

    assert "failed: the key is [masked word]" in failure([], [record])


def test_arguments_that_do_not_fit_are_no_error() -> None:
    record = app_record.of_log_record(logging.makeLogRecord({"msg": "%s and %s", "args": ("one",)}))

    assert record.text.startswith("%s and %s (not enough arguments")


def test_a_mapping_that_holds_itself_is_no_error() -> None:
    told: dict[str, Any] = {"prompt": QUESTION}
    told["again"] = told

    assert "latency: nothing" in failure([an_exchange()], [a_record(told=told)])
