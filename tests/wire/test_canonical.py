"""Canonical: what does not make two requests differ."""

import base64
import json
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lab import Lab
from replies import Reply
from samples import upload, wire_request
from server import Server

from pytest_llmprod.wire import bodies, canonical
from pytest_llmprod.wire.cassettes import cassette_file
from pytest_llmprod.wire.key import KEY_VERSION, stored_key

VERSION = f'"key_version": {KEY_VERSION}'
RESPONSES = "https://api.openai.com/v1/responses"
MESSAGES = "https://api.anthropic.com/v1/messages"
GEMINI = "https://generativelanguage.googleapis.com/v1beta/models/gemini-x:generateContent"


def chat_with_tools(first: str, second: str, *, swapped: bool = False) -> dict[str, Any]:
    answers = [
        {"role": "tool", "tool_call_id": first, "content": "sunny"},
        {"role": "tool", "tool_call_id": second, "content": "rainy"},
    ]
    if swapped:
        answers[0]["tool_call_id"], answers[1]["tool_call_id"] = second, first
    calls = [
        {"id": each, "type": "function", "function": {"name": "weather", "arguments": "{}"}}
        for each in (first, second)
    ]
    return {
        "model": "m",
        "messages": [{"role": "assistant", "content": None, "tool_calls": calls}, *answers],
    }


def responses_with_tools(call: str, response: str) -> dict[str, Any]:
    return {
        "model": "m",
        "previous_response_id": response,
        "input": [
            {"type": "reasoning", "id": f"rs_{call}", "summary": []},
            {"type": "function_call", "id": f"fc_{call}", "call_id": call, "name": "weather"},
            {"type": "function_call_output", "call_id": call, "output": "sunny"},
        ],
    }


def messages_with_tools(call: str) -> dict[str, Any]:
    use = {"type": "tool_use", "id": call, "name": "weather", "input": {"id": "here"}}
    answer = {"type": "tool_result", "tool_use_id": call, "content": "sunny"}
    return {
        "model": "m",
        "messages": [
            {"role": "assistant", "content": [use]},
            {"role": "user", "content": [answer]},
        ],
    }


def gemini_with_tools(call: str) -> dict[str, Any]:
    return {
        "contents": [
            {"parts": [{"functionCall": {"id": call, "name": "weather", "args": {}}}]},
            {"parts": [{"functionResponse": {"id": call, "name": "weather", "response": {}}}]},
        ]
    }


@pytest.mark.parametrize(
    ("url", "one", "two"),
    [
        (
            "https://api.openai.com/v1/chat/completions",
            chat_with_tools("call_1", "call_2"),
            chat_with_tools("x", "y"),
        ),
        (RESPONSES, responses_with_tools("a", "resp_1"), responses_with_tools("b", "resp_2")),
        (MESSAGES, messages_with_tools("toolu_1"), messages_with_tools("toolu_2")),
        (GEMINI, gemini_with_tools("one"), gemini_with_tools("two")),
    ],
    ids=["chat", "responses", "messages", "gemini"],
)
def test_made_up_ids_of_calls_and_answers_do_not_count(
    url: str, one: dict[str, Any], two: dict[str, Any]
) -> None:
    assert wire_request(one, url=url).key == wire_request(two, url=url).key


def test_which_call_a_tools_answer_belongs_to_counts() -> None:
    straight = chat_with_tools("call_1", "call_2")
    crossed = chat_with_tools("call_1", "call_2", swapped=True)

    assert wire_request(straight).key != wire_request(crossed).key


def test_an_id_in_the_arguments_of_a_call_counts() -> None:
    one, two = messages_with_tools("toolu_1"), messages_with_tools("toolu_1")
    two["messages"][0]["content"][0]["input"]["id"] = "there"

    assert wire_request(one, url=MESSAGES).key != wire_request(two, url=MESSAGES).key


def test_an_id_of_something_that_is_no_item_of_the_conversation_counts() -> None:
    one, two = ({"model": "m", "messages": [], "prompt": {"id": each}} for each in ("p1", "p2"))

    assert wire_request(one).key != wire_request(two).key


def image(content: bytes, prefix: str = "data:image/png;base64,") -> dict[str, Any]:
    url = prefix + base64.b64encode(content).decode()
    part = {"type": "image_url", "image_url": {"url": url}}
    return {"model": "m", "messages": [{"role": "user", "content": [part]}]}


def test_a_long_base64_payload_is_known_by_its_digest() -> None:
    request = wire_request(image(bytes(range(256)) * 4))

    url = request.document["messages"][0]["content"][0]["image_url"]["url"]
    assert url.startswith("data:image/png;base64,sha256:")
    assert url.endswith(" (1024 bytes)")
    assert json.loads(request.body) == image(bytes(range(256)) * 4)


def test_another_payload_is_another_request() -> None:
    one, two = (wire_request(image(each * 1000)) for each in (b"a", b"b"))

    assert one.key != two.key


@pytest.mark.parametrize(("size", "is_digested"), [(747, False), (750, True)])
def test_a_payload_is_long_from_a_thousand_characters_on(size: int, is_digested: bool) -> None:
    payload = base64.b64encode(b"a" * size).decode()

    document = wire_request({"image": payload}).document

    assert (document["image"] != payload) is is_digested


def test_a_short_payload_and_a_long_text_stay_as_they_are() -> None:
    text = "a long text " * 200
    document = {**image(b"short"), "instructions": text}

    assert wire_request(document).document == document


@given(st.binary(min_size=750, max_size=1500), st.booleans())
def test_the_digest_names_the_size_of_the_payload(content: bytes, is_url_safe: bool) -> None:
    encode = base64.urlsafe_b64encode if is_url_safe else base64.b64encode

    digest = canonical.digest_payloads(encode(content).decode())

    assert digest.endswith(f" ({len(content)} bytes)")
    assert canonical.digest_payloads(digest) == digest


@pytest.mark.parametrize(
    "request_of",
    [
        lambda: wire_request(chat_with_tools("call_1", "call_2")),
        lambda: wire_request({"model": "m", "temperature": 1.0, "seed": 1.0}),
        lambda: wire_request(image(b"x" * 1000)),
        lambda: wire_request(**upload("abc")),
        lambda: wire_request(body=b"no json"),
        lambda: wire_request(method="GET", body=b"", url="https://x.com/v1/models?key=abc"),
        lambda: wire_request(method="GET", body=b"", url="https://x.com/v1/models?apiKey=abc"),
    ],
    ids=["chat", "floats", "image", "form", "text", "unknown", "camel"],
)
def test_the_key_can_be_had_from_what_a_cassette_stores(request_of: Any) -> None:
    request = request_of()
    stored = {
        "method": request.method,
        "uri": request.url,
        "headers": request.headers,
        "body": bodies.encode_body(request.stored_body),
    }

    assert stored_key(json.loads(json.dumps(stored))) == request.key


def wire_says_length(body: bytes) -> Reply:
    return Reply(json.dumps({"bytes": len(body)}).encode())


def test_a_cassette_with_keys_of_an_older_version_replays(
    lab: Lab, wire: Server, http: httpx2.Client
) -> None:
    document = chat_with_tools("call_1", "call_2")
    wire.reply = lambda body: wire_says_length(json.dumps(body).encode())
    with lab.test("once"):
        live = http.post(wire.chat_url, json=document).json()
    path = lab.path("m")
    key = lab.cassette("m").all()[0].key
    old = path.read_text().replace(VERSION, '"key_version": 1').replace(key, "0" * 32)
    path.write_text(old)

    with lab.test("none"):
        again = http.post(wire.chat_url, json=document).json()

    assert again == live
    assert cassette_file.load(path).all()[0].key == key


def test_new_recordings_bring_the_older_keys_of_a_file_up_to_date(
    lab: Lab, wire: Server, http: httpx2.Client
) -> None:
    with lab.test("once"):
        http.post(wire.chat_url, json={"model": "m", "messages": [{"content": "one"}]})
    path = lab.path("m")
    key = lab.cassette("m").all()[0].key
    old = path.read_text().replace(VERSION, '"key_version": 1').replace(key, "0" * 32)
    path.write_text(old)

    with lab.test("new_episodes"):
        http.post(wire.chat_url, json={"model": "m", "messages": [{"content": "two"}]})

    assert VERSION in path.read_text()
    assert lab.cassette("m").all()[0].key == key
    assert len(lab.cassette("m")) == 2
