"""Keys: which requests are the same, and which model is asked."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import KEY, chat_request, wire_request

from pytest_llmprod.core.scanning import Finding
from pytest_llmprod.wire.key import NO_MODEL, ModelChoice, WireRequest

BASE = chat_request("hello", temperature=0.5, tools=[{"name": "search"}])


@pytest.mark.parametrize(
    "change",
    [
        {"model": "gpt-other"},
        {"temperature": 0.6},
        {"temperature": None},
        {"stream": True},
        {"tools": []},
        {"tools": [{"name": "search"}, {"name": "search"}]},
        {"messages": [{"role": "system", "content": "hello"}]},
        {"messages": [{"role": "user", "content": "hello "}]},
        {"messages": []},
        {"new": None},
    ],
    ids=lambda change: json.dumps(change)[:30],
)
def test_a_request_that_asks_something_else_has_another_key(change: dict[str, Any]) -> None:
    assert wire_request(BASE | change).key != wire_request(BASE).key


@pytest.mark.parametrize(
    "change",
    [{"user": "u-1"}, {"metadata": {"run": "7"}}, {"safety_identifier": "s"}],
    ids=lambda change: next(iter(change)),
)
def test_fields_that_name_the_caller_do_not_change_the_key(change: dict[str, Any]) -> None:
    assert wire_request(BASE | change).key == wire_request(BASE).key


@pytest.mark.parametrize(
    ("whole", "same"),
    [
        ({"temperature": 1}, {"temperature": 1.0}),
        ({"temperature": 0, "top_p": 1}, {"temperature": -0.0, "top_p": 1.0}),
        ({"generationConfig": {"topP": 1}}, {"generationConfig": {"topP": 1.0}}),
        ({"inferenceConfig": {"temperature": 0}}, {"inferenceConfig": {"temperature": 0.0}}),
    ],
    ids=json.dumps,
)
def test_a_parameter_that_is_a_float_is_the_same_however_a_whole_number_is_written(
    whole: dict[str, Any], same: dict[str, Any]
) -> None:
    assert wire_request(BASE | whole).key == wire_request(BASE | same).key
    assert wire_request(BASE | same).document == BASE | same


@pytest.mark.parametrize(
    ("sent", "other"),
    [
        ({"max_tokens": 1000}, {"max_tokens": 1000.0}),  # many a provider refuses the latter
        ({"temperature": 1}, {"temperature": True}),
        ({"temperature": 1}, {"temperature": "1"}),
        ({"temperature": 1.0}, {"temperature": 1.5}),
        ({"generationConfig": {"seed": 1}}, {"generationConfig": {"seed": 1.0}}),
        ({"input": {"temperature": 1}}, {"input": {"temperature": 1.0}}),
    ],
    ids=json.dumps,
)
def test_every_other_number_counts_as_it_is_written(
    sent: dict[str, Any], other: dict[str, Any]
) -> None:
    assert wire_request(BASE | sent).key != wire_request(BASE | other).key


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None, [1.0]], ids=str)
def test_a_temperature_that_is_no_number_has_a_key(value: Any) -> None:
    assert wire_request(BASE | {"temperature": value}).key != wire_request(BASE).key


def test_a_field_of_the_callers_name_deeper_in_the_body_counts() -> None:
    one, two = ({"model": "m", "input": [{"user": name}]} for name in ("a", "b"))

    assert wire_request(one).key != wire_request(two).key


def test_neither_the_order_nor_the_spaces_of_a_document_count() -> None:
    turned = dict(reversed(BASE.items()))
    spaced = json.dumps(turned, indent=4).encode()
    escaped = json.dumps(BASE | {"messages": "é"}).encode()
    raw = json.dumps(BASE | {"messages": "é"}, ensure_ascii=False).encode()

    assert wire_request(body=spaced).key == wire_request(BASE).key
    assert wire_request(body=escaped).key == wire_request(body=raw).key


def test_the_host_of_a_known_operation_does_not_count() -> None:
    proxied = wire_request(BASE, url="http://localhost:8080/proxy/v1/chat/completions?x=1")

    assert proxied.key == wire_request(BASE).key


def test_the_operation_counts() -> None:
    responses = wire_request(BASE, url="https://api.openai.com/v1/responses")

    assert responses.key != wire_request(BASE).key


def test_the_method_counts() -> None:
    assert wire_request(BASE, method="PUT").key != wire_request(BASE).key


@pytest.mark.parametrize(
    "url", ["https://x.com/other", "https://y.com/search", "https://x.com/search?page=2"]
)
def test_the_whole_url_counts_where_no_dialect_knows_it(url: str) -> None:
    known = wire_request(method="GET", body=b"", url="https://x.com/search")

    assert wire_request(method="GET", body=b"", url=url).key != known.key


@pytest.mark.parametrize(
    ("url", "is_same"),
    [
        ("http://127.0.0.1:4000/proxy/v1/models", True),
        ("http://127.0.0.1:4000/v1/proxy/v1/models", True),
        ("https://y.com/v1/models?page=2", False),
        ("https://y.com/v1/files", False),
        ("https://y.com/models?next=/v1/models", False),
    ],
)
def test_the_base_of_the_wire_of_openai_does_not_count(url: str, is_same: bool) -> None:
    known = wire_request(method="GET", body=b"", url="https://api.openai.com/v1/models")

    assert (wire_request(method="GET", body=b"", url=url).key == known.key) == is_same


def find_tenants(text: str) -> Iterator[Finding]:
    for found in re.finditer(r"\btenant-\w+", text):
        yield Finding("tenant", found.start(), found.end())


def test_what_a_scanner_of_the_project_finds_in_the_url_does_not_count() -> None:
    one, two = (
        wire_request(url=f"https://x.com/search?of=tenant-{name}", scanners=(find_tenants,))
        for name in ("abc", "def")
    )

    assert one.key == two.key


def test_a_secret_in_the_url_does_not_count() -> None:
    one, two = (wire_request(url=f"https://x.com/other?key={key}") for key in ("abc", "def"))

    assert one.key == two.key


@pytest.mark.parametrize("before", [" ", "\n", '"', "\\"])
def test_two_keys_of_a_provider_in_the_prompt_make_the_same_request(before: str) -> None:
    one, two = (wire_request(chat_request(f"use{before}{key}")) for key in (KEY, "sk-" + "z" * 25))

    assert one.key == two.key


def test_a_body_that_is_no_json_counts_by_its_bytes() -> None:
    assert wire_request(body=b"\xff1").key == wire_request(body=b"\xff1").key
    assert wire_request(body=b"\xff1").key != wire_request(body=b"\xff2").key
    assert wire_request(body=b"\xff1").key != wire_request(body=b"\xfe1").key


def test_a_key_of_a_provider_behind_an_escape_makes_the_same_request() -> None:
    one, two = (
        wire_request(chat_request(f"say\nsk-proj-{letter * 32}\tand more")) for letter in "kj"
    )

    assert one.key == two.key
    assert one.key != wire_request(chat_request("say\nand more")).key


def test_what_a_scanner_of_the_project_finds_behind_an_escape_does_not_count() -> None:
    one, two = (
        wire_request(chat_request(f"for\ntenant-{name}"), scanners=(find_tenants,))
        for name in ("abc", "def")
    )

    assert one.key == two.key


def test_what_is_asked_counts_beside_ids() -> None:
    def answered(text: str) -> WireRequest:
        tool = {"role": "tool", "tool_call_id": "call_1", "content": text}
        return wire_request(BASE | {"messages": [tool]})

    assert answered("sunny").key != answered("rainy").key


def test_keys_stay_what_they_were_in_recorded_cassettes() -> None:
    """A change here makes every cassette unreadable: raise KEY_VERSION with it."""
    assert (
        wire_request(chat_request("Grüße,\n\U0001f600")).key == "72a7226b4837a25e895230de8ef49175"
    )


@given(st.text())
def test_every_text_has_a_key(text: str) -> None:
    request = wire_request(chat_request(text))

    assert len(request.key) == 32
    assert request.document["messages"][0]["content"] == text


def test_a_lone_surrogate_has_a_key_and_may_be_asked_of_another_model() -> None:
    choice = ModelChoice(override="gpt-other", swaps={})

    request = wire_request(chat_request("\ud800"), choice=choice)

    assert json.loads(request.body) == chat_request("\ud800", "gpt-other")


def test_a_body_nested_beyond_pythons_recursion_is_taken_as_text() -> None:
    request = wire_request(body=b"[" * 100_000)

    assert request.document is None


@pytest.mark.parametrize(
    ("document", "model", "stream"),
    [
        ({"model": "m", "stream": True}, "m", True),
        ({"model": "m", "stream": False}, "m", False),
        ({"model": "m", "stream": "yes"}, "m", False),
        ({"model": 5}, NO_MODEL, False),
        ({}, NO_MODEL, False),
        ([1], NO_MODEL, False),
        ("text", NO_MODEL, False),
    ],
)
def test_the_model_and_the_stream_are_read_from_the_body(
    document: Any, model: str, stream: bool
) -> None:
    request = wire_request(body=json.dumps(document).encode())

    assert (request.model, request.named_model, request.stream) == (model, model, stream)
    assert request.document == document


def test_without_a_choice_the_body_goes_out_as_it_came() -> None:
    body = b'{ "model" : "m",\n "n": 1.0 }'

    request = wire_request(body=body, headers={"x-trace": ["7"]})

    assert request.body == body
    assert request.headers == {"x-trace": ["7"]}


@pytest.mark.parametrize(
    ("choice", "asked"),
    [
        (ModelChoice(swaps={}), "gpt-test"),
        (ModelChoice(override="new", swaps={}), "new"),
        (ModelChoice(swaps={"gpt-test": "new"}), "new"),
        (ModelChoice(swaps={"gpt": "new"}), "gpt-test"),
        (ModelChoice(override="over", swaps={"gpt-test": "new"}), "over"),
    ],
)
def test_the_choice_of_a_run_replaces_the_model(choice: ModelChoice, asked: str) -> None:
    request = wire_request(chat_request("hello"), choice=choice)

    assert request.model == asked
    assert json.loads(request.body) == chat_request("hello", asked)
    assert request.document == chat_request("hello", asked)
    assert request.key == wire_request(chat_request("hello", asked)).key
    assert request.named_model == "gpt-test"
    assert request.replaced_model == ("" if asked == "gpt-test" else "gpt-test")


def test_one_of_several_models_takes_the_place_of_each_other_one() -> None:
    run = ModelChoice(swaps={}, models=("old", "new", "newer"))

    asked = [wire_request({"model": "old"}, choice=run.of(each)).model for each in run.models]

    assert asked == ["old", "new", "newer"]
    assert wire_request({"model": "new"}, choice=run.of("newer")).model == "newer"
    assert wire_request({"model": "newer"}, choice=run.of("old")).model == "old"
    assert wire_request({"model": "other"}, choice=run.of("new")).model == "other"
    assert wire_request({"model": "new"}, choice=run.of("new").shared).model == "new"
    assert run.of("new").options == run.options == ["--llm-models=old,new,newer"]


@pytest.mark.parametrize("url", ["https://x.com/v1/embeddings", "https://x.com/v1/other"])
def test_an_override_leaves_requests_alone_that_generate_no_text(url: str) -> None:
    choice = ModelChoice(override="over", swaps={"small": "large"})

    assert wire_request({"model": "m"}, url=url, choice=choice).model == "m"
    assert wire_request({"model": "small"}, url=url, choice=choice).model == "large"


def test_a_request_names_its_provider_and_operation() -> None:
    known = wire_request(BASE)
    unknown = wire_request(BASE, url="https://me:secret@x.com:81/v1/other?a=1")

    assert (known.provider, known.operation) == ("openai", "chat")
    assert (unknown.provider, unknown.operation) == ("x.com:81", "/v1/other")
    assert wire_request(BASE, url="https://x.com/v1/other").provider == "x.com"


def test_models_that_only_the_url_names_have_keys_of_their_own() -> None:
    document = {"contents": [{"parts": [{"text": "hello"}]}]}
    gemini = "https://generativelanguage.googleapis.com/v1beta/models"

    keys = {
        wire_request(document, url=f"{gemini}/{model}:generateContent").key
        for model in ("gemini-small", "gemini-large")
    }

    assert len(keys) == 2


def test_the_operation_counts_where_only_the_url_names_the_model() -> None:
    model = "https://bedrock-runtime.eu-west-1.amazonaws.com/model/nova-lite"

    converse, invoke = (
        wire_request({"messages": []}, url=f"{model}/{name}") for name in ("converse", "invoke")
    )

    assert converse.named_model == invoke.named_model == "nova-lite"
    assert converse.key != invoke.key


def test_a_body_that_does_not_name_the_model_goes_out_as_it_came() -> None:
    gemini = "https://generativelanguage.googleapis.com/v1beta/models"
    body = b'{ "contents" : [] }'
    swapped = ModelChoice(swaps={"gemini-small": "gemini-large"})

    request = wire_request(body=body, url=f"{gemini}/gemini-small:generateContent", choice=swapped)

    assert request.url == f"{gemini}/gemini-large:generateContent"
    assert request.body == body
