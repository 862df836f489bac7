"""What each request must have: which requests keep the rules, and which break them."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from pytest_llmprod.core.faulting import ENDLESS, Patience
from pytest_llmprod.wire import dialects, masking
from pytest_llmprod.wire.hygiene import REQUIREMENTS, is_pinned, rules_of
from pytest_llmprod.wire.key import ModelChoice, read_request
from pytest_llmprod.wire.leaving import Broken, Customs, Request
from pytest_llmprod.wire.outgoing import Outgoing
from pytest_llmprod.wire.rules import LeaveRules

CHAT = "https://api.openai.com/v1/chat/completions"
RESPONSES = "https://api.openai.com/v1/responses"
EMBEDDINGS = "https://api.openai.com/v1/embeddings"
GEMINI = (
    "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.0-flash-001:generateContent"
)
KEY = "sk-proj-4Tz9QmVb2LkXw7RjYd1NcHs8"
HEADERS = [("authorization", f"Bearer {KEY}"), ("content-type", "application/json")]
SOON = Patience(connect_s=5.0, read_s=30.0)
GOOD = {"model": "gpt-5-mini-2025-08-07", "max_completion_tokens": 100}


def request(
    url: str,
    document: dict[str, Any],
    headers: Sequence[tuple[str, str]] = HEADERS,
    patience: Patience = SOON,
) -> Request:
    body = json.dumps(document).encode()
    read = read_request(
        method="POST",
        url=url,
        body=body,
        headers={},
        dialects=dialects.BUILT_IN,
        scanners=masking.BUILT_IN,
        choice=ModelChoice(swaps={}),
    )
    return Request(Outgoing("POST", url, headers, body), read, patience)


def broken(asked: Request, *, pinned: tuple[str, ...] = ()) -> list[Broken]:
    rules = rules_of(LeaveRules(require=REQUIREMENTS, pinned_models=pinned))
    return [each for rule in rules for each in rule(asked)]


def names(asked: Request, *, pinned: tuple[str, ...] = ()) -> list[str]:
    return [each.rule for each in broken(asked, pinned=pinned)]


@pytest.mark.parametrize(
    "asked",
    [
        request(CHAT, GOOD),
        request(CHAT, {**GOOD, "store": False}),
        request(RESPONSES, {"model": GOOD["model"], "max_output_tokens": 9, "store": False}),
        request(EMBEDDINGS, {"model": "text-embedding-3-small", "input": "a"}),
        request(GEMINI, {"generationConfig": {"maxOutputTokens": 100}}),
        request("https://api.example/search", {"q": "x"}, patience=ENDLESS),
    ],
)
def test_good_requests_break_no_rule(asked: Request) -> None:
    assert names(asked) == []


@pytest.mark.parametrize(
    ("asked", "rule"),
    [
        (request(CHAT, {**GOOD, "store": True}), "store_off"),
        (request(RESPONSES, {"model": GOOD["model"], "max_output_tokens": 9}), "store_off"),
        (request(CHAT, {**GOOD, "model": "gpt-5-mini"}), "pinned_model"),
        (request(CHAT, {"model": GOOD["model"]}), "max_tokens"),
        (request(GEMINI, {}), "max_tokens"),
        (request(CHAT, GOOD, patience=ENDLESS), "timeout"),
        (request(CHAT, GOOD, patience=Patience(connect_s=5.0, read_s=600.0)), "timeout"),
        (request(f"{CHAT}?key=abc", GOOD), "key_in_header"),
        (
            request("https://bob:secretword@api.openai.com/v1/chat/completions", GOOD),
            "key_in_header",
        ),
        (request(CHAT, {**GOOD, "messages": [{"content": f"x {KEY}"}]}), "key_in_header"),
        (request(f"{CHAT}?trace={KEY}", GOOD), "key_in_header"),
        (request(f"{CHAT}?key=another", GOOD), "key_in_header"),
        (request(CHAT, GOOD, headers=[*HEADERS, ("x-debug", KEY)]), "key_in_header"),
    ],
)
def test_a_request_breaks_the_rule_that_it_breaks_and_no_other(asked: Request, rule: str) -> None:
    assert names(asked) == [rule]


@pytest.mark.parametrize(("read_s", "total_s"), [(30.0, 900.0), (600.0, 30.0), (None, 30.0)])
def test_one_bound_on_the_wait_is_enough(read_s: float | None, total_s: float) -> None:
    assert names(request(CHAT, GOOD, patience=Patience(read_s=read_s, total_s=total_s))) == []


def test_a_declared_model_is_pinned() -> None:
    asked = request(CHAT, {**GOOD, "model": "Triage-Prod"})

    assert names(asked) == ["pinned_model"]
    assert names(asked, pinned=("triage-*",)) == []


@pytest.mark.parametrize(
    "model",
    [
        *("gpt-5-mini-2025-08-07", "gpt-4-0613", "claude-sonnet-4-5-20250929"),
        *("claude-sonnet-4@20250514", "anthropic.claude-3-5-sonnet-20241022-v2:0"),
        *("amazon.nova-pro-v1:0", "gemini-2.0-flash-001", "mistral-large-2411"),
        *("command-r-08-2024", "ft:gpt-4o-mini-2024-07-18:org::id"),
    ],
)
def test_names_with_a_version_are_pinned(model: str) -> None:
    assert is_pinned(model, ())


@pytest.mark.parametrize(
    "model",
    [
        *("gpt-5-mini", "gpt-4o", "gpt-4.1", "o3", "chatgpt-4o-latest", "gpt-4-32k"),
        "gpt-4o-2024-08-06-latest",
        *("claude-3-5-sonnet-latest", "claude-opus-4-1", "gemini-2.5-pro", "gemini-1.5-flash-8b"),
        *("deepseek-chat", "llama-3.3-70b-versatile", "gpt-3.5-turbo-16k", "qwen3-235b-a22b"),
    ],
)
def test_names_that_move_on_are_not_pinned(model: str) -> None:
    assert not is_pinned(model, ())


def test_what_is_told_names_the_place_and_the_cure_and_no_key() -> None:
    document = {"model": "gpt-5-mini", "messages": [{"content": KEY}]}
    rules = rules_of(LeaveRules(require=REQUIREMENTS))

    told = Customs(find=None, rules=rules).problem(request(CHAT, document, patience=ENDLESS))

    assert told.splitlines() == [
        "This request must not leave, by [tool.llmprod.wire] in pyproject.toml.",
        "",
        "  request   POST chat to gpt-5-mini at api.openai.com",
        "            not sent, and not answered from a recording",
        "  lacks     key_in_header: the key also stands at body /messages/0/content",
        "  lacks     pinned_model: gpt-5-mini may be another model tomorrow",
        "  lacks     max_tokens: nothing bounds the length of the answer",
        "  lacks     timeout: the client waits for ever",
        "",
        "  mend      give the key to the client, which puts it into its header",
        "            ask a model by a name with a date, or name it under pinned_models",
        "            max_completion_tokens=1000, for instance",
        "            OpenAI(timeout=30), in seconds",
    ]
    assert KEY not in told
