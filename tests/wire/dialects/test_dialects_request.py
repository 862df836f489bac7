"""Requests: which dialect a URL speaks, who answers there, and which model is asked."""

import re
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import genai_prices.data
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_llmprod.wire.dialects import (
    BUILT_IN,
    CHAT,
    COMPLETIONS,
    CONVERSE,
    EMBEDDINGS,
    GEMINI,
    INVOKE,
    MESSAGES,
    RESPONSES,
    RUN,
    TRANSCRIPTION,
    VERTEX_MESSAGES,
    Dialect,
    asked_model,
    asks_stream,
    find_dialect,
    provider_of,
    with_model,
)
from pytest_llmprod.wire.dialects.hosts import PROVIDERS

VERTEX = "https://us-east5-aiplatform.googleapis.com/v1/projects/p/locations/us-east5/publishers"
BEDROCK = "https://bedrock-runtime.us-east-1.amazonaws.com/model"
GOOGLE = "https://generativelanguage.googleapis.com/v1beta"
AZURE = "https://me.openai.azure.com/openai"


@pytest.mark.parametrize(
    ("url", "dialect", "provider"),
    [
        ("https://api.openai.com/v1/chat/completions", CHAT, "openai"),
        ("https://eu.api.openai.com/v1/responses", RESPONSES, "openai"),
        ("https://api.openai.com/v1/embeddings", EMBEDDINGS, "openai"),
        ("https://api.openai.com/v1/completions", COMPLETIONS, "openai"),
        ("https://api.openai.com/v1/audio/transcriptions", TRANSCRIPTION, "openai"),
        ("https://api.openai.com/v1/audio/translations", TRANSCRIPTION, "openai"),
        ("https://api.openai.com/v1/threads/thread_1/runs", RUN, "openai"),
        ("https://api.openai.com/v1/threads/thread_1/runs/run_1", RUN, "openai"),
        ("https://api.openai.com/v1/threads/runs", RUN, "openai"),
        (f"{AZURE}/deployments/mine/chat/completions?api-version=1", CHAT, "azure"),
        (f"{AZURE}/deployments/mine/embeddings?api-version=1", EMBEDDINGS, "azure"),
        (f"{AZURE}/deployments/mine/completions", COMPLETIONS, "azure"),
        (f"{AZURE}/deployments/mine/audio/transcriptions", TRANSCRIPTION, "azure"),
        (f"{AZURE}/responses?api-version=1", RESPONSES, "azure"),
        (f"{AZURE}/v1/responses", RESPONSES, "azure"),
        ("https://me.cognitiveservices.azure.com/openai/v1/embeddings", EMBEDDINGS, "azure"),
        ("https://me.services.ai.azure.com/models/chat/completions", CHAT, "azure"),
        ("https://me.services.ai.azure.com/anthropic/v1/messages", MESSAGES, "azure"),
        ("https://api.mistral.ai/v1/chat/completions", CHAT, "mistral"),
        ("https://api.mistral.ai/v1/fim/completions", COMPLETIONS, "mistral"),
        ("https://api.mistral.ai/v1/agents/completions", COMPLETIONS, "mistral"),
        ("https://api.mistral.ai/v1/embeddings", EMBEDDINGS, "mistral"),
        ("https://api.groq.com/openai/v1/chat/completions", CHAT, "groq"),
        ("https://api.groq.com/openai/v1/responses", RESPONSES, "groq"),
        ("https://openrouter.ai/api/v1/chat/completions", CHAT, "openrouter"),
        ("https://api.deepseek.com/chat/completions", CHAT, "deepseek"),
        ("https://api.deepseek.com/beta/completions", COMPLETIONS, "deepseek"),
        ("https://api.deepseek.com/anthropic/v1/messages", MESSAGES, "deepseek"),
        ("https://api.x.ai/v1/chat/completions", CHAT, "x-ai"),
        ("https://api.together.xyz/v1/chat/completions", CHAT, "together"),
        ("https://api.fireworks.ai/inference/v1/chat/completions", CHAT, "fireworks"),
        ("https://api.cerebras.ai/v1/chat/completions", CHAT, "cerebras"),
        ("https://api.cohere.ai/compatibility/v1/chat/completions", CHAT, "cohere"),
        ("https://api.perplexity.ai/chat/completions", CHAT, "perplexity"),
        ("https://router.huggingface.co/v1/chat/completions", CHAT, "huggingface"),
        (
            "https://router.huggingface.co/novita/v3/openai/chat/completions",
            CHAT,
            "huggingface_novita",
        ),
        (f"{GOOGLE}/openai/chat/completions", CHAT, "google"),
        (f"{GOOGLE}/models/gemini-x:generateContent", GEMINI, "google"),
        (f"{GOOGLE}/models/gemini-x:streamGenerateContent?alt=sse", GEMINI, "google"),
        (f"{VERTEX}/google/models/gemini-x:generateContent", GEMINI, "google"),
        (f"{VERTEX}/anthropic/models/claude-x@1:rawPredict", VERTEX_MESSAGES, "google"),
        (f"{VERTEX}/anthropic/models/claude-x@1:streamRawPredict", VERTEX_MESSAGES, "google"),
        ("https://api.anthropic.com/v1/messages?beta=true", MESSAGES, "anthropic"),
        (f"{BEDROCK}/us.anthropic.claude-x-v1%3A0/converse", CONVERSE, "aws"),
        (f"{BEDROCK}/us.anthropic.claude-x-v1:0/converse-stream", CONVERSE, "aws"),
        (f"{BEDROCK}/amazon.nova-x/invoke", INVOKE, "aws"),
        (f"{BEDROCK}/amazon.nova-x/invoke-with-response-stream", INVOKE, "aws"),
        ("http://127.0.0.1:8080/v1/chat/completions", CHAT, "openai"),
        ("http://[::1]:8080/v1/responses", RESPONSES, "openai"),
        ("http://localhost:8080/responses", RESPONSES, "openai"),
        ("http://localhost/embeddings", EMBEDDINGS, "openai"),
        ("http://proxy.example.com/any/base/chat/completions", CHAT, "openai"),
        ("http://proxy.example.com/any/base/v1/responses", RESPONSES, "openai"),
        ("http://proxy.example.com/any/base/v1/messages", MESSAGES, "anthropic"),
        ("http://proxy.example.com/v1beta/models/gemini-x:generateContent", GEMINI, "google"),
        ("http://proxy.example.com/model/nova/converse", CONVERSE, "aws"),
        ("/v1/chat/completions", CHAT, "openai"),
        ("/responses", RESPONSES, "openai"),
    ],
)
def test_a_url_tells_the_dialect_and_its_host_the_provider(
    url: str, dialect: Dialect, provider: str
) -> None:
    assert find_dialect(BUILT_IN, url) is dialect
    assert provider_of(dialect, url) == provider


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://api.openai.com/v1/models",
        "https://api.openai.com/v1/responses/resp_1",
        "https://api.openai.com/v1/threads/thread_1/messages",
        "https://api.openai.com/v1/threads/thread_1/runs/run_1/steps",
        "https://api.anthropic.com/v1/messages/count_tokens",
        "https://api.anthropic.com/v1/messages/batches",
        "https://api.typeform.com/forms/lT4Z3j/responses",
        "https://api.surveymonkey.com/v3/surveys/123/responses",
        "https://api.twilio.com/2010-04-01/Accounts/AC1/messages",
        "https://api.example.com/shop/completions",
        "https://api.example.com/graph/embeddings",
        "https://langgraph.example.com/threads/1/runs",
        f"{GOOGLE}/models/gemini-x:countTokens",
        f"{GOOGLE}/models",
        "https://example.com/?next=/v1/chat/completions",
        "https://example.com/car/model/3/order",
    ],
)
def test_other_sites_are_not_taken_for_a_provider(url: str) -> None:
    assert find_dialect(BUILT_IN, url) is None


def test_the_dialect_that_stands_first_is_asked_first() -> None:
    mine = replace(CHAT, provider="mine")

    assert find_dialect([mine, *BUILT_IN], "/v1/chat/completions") is mine


@pytest.mark.parametrize(
    ("url", "is_found"),
    [
        ("https://llm.acme.example/v1/chat/completions", True),
        ("https://eu.llm.acme.example:81/v1/chat/completions", True),
        ("https://me:secret@LLM.acme.example/v1/chat/completions", True),
        ("https://notllm.acme.example/v1/chat/completions", False),
        ("https://llm.acme.example.org/v1/chat/completions", False),
        ("https://llm.acme.example/v1/embeddings", False),
        ("/v1/chat/completions", False),
    ],
)
def test_a_dialect_of_one_host_is_spoken_there_only(url: str, is_found: bool) -> None:
    mine = replace(CHAT, host_suffix="llm.acme.example")

    assert (find_dialect([mine], url) is mine) is is_found


def test_the_provider_of_a_dialect_counts_where_the_host_does_not() -> None:
    mine = replace(CHAT, provider="acme", provider_by_host=False)

    assert provider_of(mine, "https://api.groq.com/openai/v1/chat/completions") == "acme"


@pytest.mark.parametrize(
    ("host", "provider"),
    [
        ("api.groq.com", "groq"),
        ("API.Groq.com:443", "groq"),
        ("notgroq.com", "openai"),
        ("groq.com.example.org", "openai"),
        ("", "openai"),
    ],
)
def test_a_host_alone_tells_the_provider(host: str, provider: str) -> None:
    assert provider_of(CHAT, host) == provider


def test_providers_are_called_as_in_genai_prices() -> None:
    patterns = {each.id: each.api_pattern for each in genai_prices.data.providers}

    for host, provider in PROVIDERS.items():
        names = (host, f"api.{host}", f"me.{host}", f"bedrock-runtime.us-east-1.{host}")
        urls = [f"https://{name}/" for name in (*names, f"me.services.{host}")]
        assert provider in patterns
        if host != "together.ai":  # the newer name of together.xyz, which the package lacks
            assert any(re.match(patterns[provider], url) for url in urls), host


DOCUMENTS: list[tuple[Any, str]] = [
    ({"model": "m"}, "m"),
    ({"model": ""}, ""),
    ({"model": 5}, ""),
    ({}, ""),
    ([{"model": "m"}], ""),
    ("m", ""),
    (None, ""),
]


@pytest.mark.parametrize(("document", "model"), DOCUMENTS)
def test_a_body_names_the_model(document: Any, model: str) -> None:
    assert asked_model(CHAT, "https://api.openai.com/v1/chat/completions", document) == model
    assert asked_model(None, "https://example.com/other", document) == model


PATHS = [
    (f"{GOOGLE}/models/gemini-x:generateContent", "gemini-x"),
    (f"{GOOGLE}/models/gemini-x:streamGenerateContent?alt=sse", "gemini-x"),
    (f"{GOOGLE}/tunedModels/mine:generateContent", "mine"),
    (f"{VERTEX}/google/models/gemini-x:generateContent", "gemini-x"),
    (f"{VERTEX}/anthropic/models/claude-x@1:streamRawPredict", "claude-x@1"),
    (f"{AZURE}/deployments/mine/chat/completions?api-version=1", "mine"),
    (f"{AZURE}/deployments/mine/embeddings", "mine"),
    (f"{BEDROCK}/us.anthropic.claude-x-v1%3A0/converse", "us.anthropic.claude-x-v1:0"),
    (f"{BEDROCK}/amazon.nova-x/invoke-with-response-stream", "amazon.nova-x"),
]


@pytest.mark.parametrize(("url", "model"), PATHS)
def test_a_path_names_the_model_with_precedence(url: str, model: str) -> None:
    dialect = find_dialect(BUILT_IN, url)

    assert asked_model(dialect, url, {"model": "other"}) == model
    assert asked_model(dialect, url, None) == model


@pytest.mark.parametrize(("url", "model"), PATHS)
def test_another_model_is_asked_where_the_path_names_one(url: str, model: str) -> None:
    dialect = find_dialect(BUILT_IN, url)

    changed, document = with_model(dialect, url, {"contents": []}, "new/x:1")

    assert asked_model(dialect, changed, document) == "new/x:1"
    assert document == {"contents": []}
    assert with_model(dialect, changed, document, model)[0] == url.replace(
        model, model.replace("@", "%40")
    )
    assert find_dialect(BUILT_IN, changed) is dialect


def test_another_model_is_asked_in_both_places_where_both_name_one() -> None:
    url, document = (
        f"{AZURE}/deployments/old/chat/completions?api-version=1",
        {"n": 1, "model": "o"},
    )

    changed = with_model(CHAT, url, document, "new")

    assert changed == (url.replace("old", "new"), {"n": 1, "model": "new"})
    assert document == {"n": 1, "model": "o"}


@pytest.mark.parametrize("document", [{}, {"model": 5}, [1], "m", None])
def test_a_body_that_names_no_model_is_handed_on_as_it_is(document: Any) -> None:
    url = "https://api.openai.com/v1/chat/completions"

    changed = with_model(CHAT, url, document, "new")

    assert changed[0] is url
    assert changed[1] is document


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_any_model_may_be_asked_in_a_path(model: str) -> None:
    url = f"{GOOGLE}/models/gemini-x:generateContent?alt=sse"

    changed, _ = with_model(GEMINI, url, None, model)

    assert asked_model(GEMINI, changed, None) == model
    assert urlsplit(changed).query == "alt=sse"


@pytest.mark.parametrize(
    ("url", "is_stream"),
    [
        (f"{GOOGLE}/models/gemini-x:streamGenerateContent", True),
        (f"{GOOGLE}/models/gemini-x:generateContent", False),
        (f"{VERTEX}/anthropic/models/claude-x:streamRawPredict", True),
        (f"{VERTEX}/anthropic/models/claude-x:rawPredict", False),
        (f"{BEDROCK}/nova/converse-stream", True),
        (f"{BEDROCK}/nova/converse", False),
        (f"{BEDROCK}/nova/invoke-with-response-stream", True),
        (f"{BEDROCK}/nova/invoke", False),
        ("https://api.openai.com/v1/chat/completions", False),
    ],
)
def test_a_path_or_a_body_asks_for_a_stream(url: str, is_stream: bool) -> None:
    dialect = find_dialect(BUILT_IN, url)

    assert asks_stream(dialect, url, None) is is_stream
    assert asks_stream(dialect, url, {"stream": "yes"}) is is_stream
    assert asks_stream(dialect, url, {"stream": True})
