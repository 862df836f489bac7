"""Requests whose URL names the model or the stream: their keys, and the way over the wire."""

import json
from typing import Any

import answers
import httpx2
import pytest
from lab import Lab
from replies import Reply
from samples import chat_request, wire_request
from server import Server

from pytest_llmprod.core.exchange import Usage
from pytest_llmprod.wire.key import ModelChoice

GOOGLE = "https://generativelanguage.googleapis.com/v1beta/models"
AZURE = "https://me.openai.azure.com/openai/deployments"
ASKED = {"contents": [{"parts": [{"text": "hello"}]}]}


def key(url: str, document: Any = ASKED) -> str:
    return wire_request(document, url=url).key


def test_the_model_in_the_url_is_the_one_that_is_asked() -> None:
    request = wire_request(ASKED, url=f"{GOOGLE}/gemini-x:generateContent")

    assert (request.model, request.provider, request.stream) == ("gemini-x", "google", False)


def test_the_model_in_the_url_counts_and_its_host_does_not() -> None:
    plain = key(f"{GOOGLE}/gemini-x:generateContent")

    assert plain == key("http://127.0.0.1:8080/v1/models/gemini-x:generateContent?key=abc")
    assert plain != key(f"{GOOGLE}/gemini-y:generateContent")


def test_a_stream_that_the_url_asks_for_counts() -> None:
    request = wire_request(ASKED, url=f"{GOOGLE}/gemini-x:streamGenerateContent?alt=sse")

    assert request.stream
    assert request.key != key(f"{GOOGLE}/gemini-x:generateContent")


def test_what_azure_names_twice_has_the_key_that_it_has_elsewhere() -> None:
    asked = chat_request("hello", "mine")

    assert key(f"{AZURE}/mine/chat/completions", asked) == wire_request(asked).key
    assert key(f"{AZURE}/other/chat/completions", asked) != wire_request(asked).key


def test_a_url_that_holds_an_id_counts() -> None:
    one, two = (f"https://api.openai.com/v1/threads/t/runs/{run}" for run in ("one", "two"))

    assert key(one, {}) != key(two, {})


def test_another_wire_has_another_key() -> None:
    messages = wire_request(url="https://api.anthropic.com/v1/messages")

    assert messages.key != wire_request().key


@pytest.mark.parametrize(
    ("choice", "asked"),
    [
        (ModelChoice(swaps={}), "gemini-x"),
        (ModelChoice(override="new", swaps={}), "new"),
        (ModelChoice(swaps={"gemini-x": "new"}), "new"),
        (ModelChoice(swaps={"gemini": "new"}), "gemini-x"),
    ],
)
def test_the_choice_of_a_run_replaces_the_model_in_the_url(choice: ModelChoice, asked: str) -> None:
    body = json.dumps(ASKED, indent=2).encode()

    request = wire_request(body=body, url=f"{GOOGLE}/gemini-x:generateContent", choice=choice)

    assert request.url == f"{GOOGLE}/{asked}:generateContent"
    assert request.model == asked
    assert request.body == body
    assert request.key == key(f"{GOOGLE}/{asked}:generateContent")


def test_an_override_leaves_embeddings_of_a_deployment_alone() -> None:
    url = f"{AZURE}/mine/embeddings"

    request = wire_request({"input": "a"}, url=url, choice=ModelChoice(override="new", swaps={}))

    assert (request.url, request.model) == (url, "mine")


def test_a_stream_of_gemini_is_recorded_from_another_model_and_replayed(
    lab: Lab, wire: Server, http: httpx2.Client
) -> None:
    choice = ModelChoice(override="gemini-y", swaps={})
    events = [f"data: {json.dumps(each)}\r\n\r\n".encode() for each in answers.GEMINI_STREAM]
    wire.reply = lambda body: Reply(events, kind="text/event-stream")
    path = "/v1beta/models/gemini-x:streamGenerateContent?alt=sse"

    with lab.test("once", choice=choice):
        http.post(f"http://127.0.0.1:{wire.server_port}{path}", json=ASKED)
    with lab.test("none", choice=choice) as tape:
        http.post(f"https://generativelanguage.googleapis.com{path}", json=ASKED)

    (exchange,) = tape.exchanges
    assert wire.paths == [path.replace("gemini-x", "gemini-y")]
    assert (exchange.provider, exchange.operation) == ("google", "generate_content")
    assert (exchange.model_requested, exchange.model) == ("gemini-y", "gemini-x-1")
    assert (exchange.text, exchange.stream) == ("let me see", True)
    assert [call.name for call in exchange.tool_calls] == ["weather"]
    assert exchange.usage == Usage(
        input_tokens=100,
        output_tokens=50,
        cache_read_tokens=64,
        reasoning_tokens=32,
        input_audio_tokens=4,
        output_audio_tokens=2,
    )
    assert lab.path("gemini-y").exists()
