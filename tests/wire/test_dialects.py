"""Dialects: what an answer says about itself."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lab import chat_answer, chat_chunk

from pytest_llmprod.core.exchange import Usage
from pytest_llmprod.wire.dialects import (
    BUILT_IN,
    Answer,
    Dialect,
    find_dialect,
    read_chat,
    read_chat_stream,
    read_embeddings,
    read_plain,
    read_responses,
    read_responses_stream,
    stored_text,
)

CHAT, RESPONSES, EMBEDDINGS = BUILT_IN


@pytest.mark.parametrize(
    ("path", "dialect"),
    [
        ("/v1/chat/completions", CHAT),
        ("/v1/responses", RESPONSES),
        ("/v1/embeddings", EMBEDDINGS),
        ("/openai/deployments/mine/chat/completions", CHAT),
        ("/v1/models", None),
        ("/v1/responses/resp_1", None),
        ("", None),
    ],
)
def test_a_path_tells_the_dialect(path: str, dialect: Dialect | None) -> None:
    assert find_dialect(BUILT_IN, path) is dialect


def test_the_dialect_that_stands_first_is_asked_first() -> None:
    mine = replace(CHAT, provider="mine")

    assert find_dialect([mine, *BUILT_IN], "/v1/chat/completions") is mine


def test_only_embeddings_generate_no_text() -> None:
    assert [dialect.generates for dialect in BUILT_IN] == [True, True, False]


CHAT_USAGE = {
    "prompt_tokens": 100,
    "completion_tokens": 50,
    "total_tokens": 150,
    "prompt_tokens_details": {"cached_tokens": 64},
    "completion_tokens_details": {"reasoning_tokens": 32},
}
RESPONSES_USAGE = {
    "input_tokens": 100,
    "output_tokens": 50,
    "input_tokens_details": {"cached_tokens": 64},
    "output_tokens_details": {"reasoning_tokens": 32},
}
USAGE = Usage(input_tokens=100, output_tokens=50, cache_read_tokens=64, reasoning_tokens=32)


def test_a_chat_tells_its_model_usage_and_text() -> None:
    body = chat_answer("yes", "gpt-x") | {"usage": CHAT_USAGE}

    assert read_chat(body) == Answer(model="gpt-x", usage=USAGE, text="yes")


def test_a_refusal_is_the_text_of_a_chat() -> None:
    body = {"choices": [{"message": {"content": None, "refusal": "no"}}]}

    assert read_chat(body).text == "no"


def test_usage_without_details_has_none_cached() -> None:
    answer = read_chat({"usage": {"prompt_tokens": 5, "completion_tokens": None}})

    assert answer.usage == Usage(input_tokens=5, output_tokens=0)


def test_a_chat_stream_is_put_together() -> None:
    last = {"model": "gpt-test-1", "choices": [], "usage": CHAT_USAGE}

    answer = read_chat_stream([chat_chunk("a"), "noise", chat_chunk("b"), last])

    assert answer == Answer(model="gpt-test-1", usage=USAGE, text="ab")


def test_usage_that_comes_before_the_end_of_a_stream_is_kept() -> None:
    events = [chat_chunk("a") | {"usage": CHAT_USAGE}, chat_chunk("b") | {"usage": None}]

    assert read_chat_stream(events).usage == USAGE


def response(text: str) -> dict[str, Any]:
    return {
        "model": "gpt-x",
        "usage": RESPONSES_USAGE,
        "output": [
            {"type": "reasoning", "summary": []},
            {"type": "message", "content": [{"type": "output_text", "text": text}]},
            {"type": "message", "content": [{"type": "refusal", "refusal": "!"}]},
        ],
    }


def test_a_response_tells_its_model_usage_and_text() -> None:
    assert read_responses(response("yes")) == Answer(model="gpt-x", usage=USAGE, text="yes!")


def test_the_last_whole_response_of_a_stream_wins() -> None:
    events = [
        {"type": "response.created", "response": {"model": "gpt-x", "output": []}},
        {"type": "response.output_text.delta", "delta": "ye"},
        {"type": "response.completed", "response": response("yes")},
    ]

    assert read_responses_stream(events) == Answer(model="gpt-x", usage=USAGE, text="yes!")


def test_a_response_stream_that_was_cut_has_the_text_of_its_deltas() -> None:
    events = [
        {"type": "response.created", "response": {"model": "gpt-x"}},
        {"type": "response.output_text.delta", "delta": "ye"},
        {"type": "response.other.delta", "delta": "no"},
        {"type": "response.output_text.delta", "delta": "s"},
    ]

    assert read_responses_stream(events) == Answer(model="gpt-x", text="yes")


def test_embeddings_tell_their_model_and_usage() -> None:
    body = {"model": "e-1", "usage": {"prompt_tokens": 9}, "data": [{"embedding": [0.5]}]}

    expected = Answer(model="e-1", usage=Usage(input_tokens=9, output_tokens=0))
    assert read_embeddings(body) == expected


def test_a_stored_answer_is_read_with_its_lines_joined() -> None:
    stored = {"json": {"choices": [{"message": {"content": {"$lines": ["a\n", "b"]}}}]}}

    assert read_plain(CHAT, stored).text == "a\nb"
    assert stored_text(CHAT, stored) == "a\nb"


def test_a_stored_stream_carries_its_text() -> None:
    assert stored_text(CHAT, {"stream": [], "text": ["a\n", "b"]}) == "a\nb"
    assert stored_text(None, {"stream": [], "text": "a"}) == "a"


@pytest.mark.parametrize("stored", [{"text": "oops"}, {"json": [1]}, {"json": "x"}])
def test_an_answer_of_another_form_says_nothing(stored: Mapping[str, Any]) -> None:
    assert read_plain(CHAT, stored) == Answer()


def test_without_a_dialect_an_answer_says_nothing() -> None:
    assert read_plain(None, {"json": chat_answer("yes")}) == Answer()


NAMES = st.sampled_from(
    [
        "model",
        "usage",
        "choices",
        "message",
        "delta",
        "content",
        "output",
        "response",
        "text",
        "type",
        "refusal",
        "prompt_tokens",
        "prompt_tokens_details",
        "cached_tokens",
    ]
)
ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=10,
)


@given(st.dictionaries(NAMES, ODD, max_size=6))
def test_no_answer_is_too_odd_to_be_read(body: dict[str, Any]) -> None:
    for dialect in BUILT_IN:
        for answer in (dialect.read(body), dialect.read_stream([body, body])):
            assert isinstance(answer.model, str)
            assert isinstance(answer.text, str)
