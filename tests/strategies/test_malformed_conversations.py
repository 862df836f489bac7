import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from openai.types.chat import ChatCompletionMessageParam
from pydantic import TypeAdapter
from shrinking import SAME, seen, simplest

from pytest_llmprod.strategies.conversations import (
    CONVERSATION_FLAWS,
    Conversation,
    conversations,
)


def complaints(messages: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Yield what is wrong, found by a reader that knows nothing of how the flaws are made."""
    if not messages:
        yield "no messages"
    waiting: list[str] = []
    expected = {"system", "user"}
    for message in messages:
        role = message.get("role")
        if role not in expected:
            yield f"{role} where {sorted(expected)} was expected"
        if role == "tool":
            if message["tool_call_id"] not in waiting:
                yield "a result of nothing"
            waiting = [each for each in waiting if each != message["tool_call_id"]]
        elif waiting:
            yield f"no result of {waiting}"
        calls = message.get("tool_calls", [])
        if not calls and not (message["content"] or "").strip(" \n\u200b"):
            yield "an empty turn"
        ids = [call["id"] for call in calls]
        if len(set(ids)) < len(ids):
            yield "an id twice"
        for call in calls:
            try:
                json.loads(call["function"]["arguments"])
            except ValueError:
                yield "arguments that are no JSON"
        waiting += ids
        after = {"system": {"user"}, "user": {"assistant"}, "tool": {"assistant"}}
        expected = {"tool"} if waiting else after.get(role, {"user"})
    if messages and messages[-1].get("role") != "user":
        yield "the user has not the last word"


@SAME
@given(conversations())
def test_a_sound_conversation_has_no_flaw(conversation: Conversation) -> None:
    assert conversation.flaw == ""
    assert list(complaints(conversation.messages)) == []
    TypeAdapter(list[ChatCompletionMessageParam]).validate_python(list(conversation.messages))


@SAME
@given(conversations(malformed=True))
def test_a_flawed_one_is_found(conversation: Conversation) -> None:
    assert conversation.flaw in CONVERSATION_FLAWS
    assert list(complaints(conversation.messages)) != []


def test_every_flaw_comes() -> None:
    flaws = {each.flaw for each in seen(conversations(malformed=True))}

    assert flaws == set(CONVERSATION_FLAWS)


@pytest.mark.parametrize("flaw", CONVERSATION_FLAWS)
def test_the_simplest_conversation_with_a_flaw_is_short(flaw: str) -> None:
    found = simplest(conversations(malformed=flaw), lambda _: True)

    assert len(found.messages) <= 5
    assert len(json.dumps(found.messages)) < 500


def test_the_simplest_sound_one_is_a_word() -> None:
    found = simplest(conversations(), lambda _: True)

    assert found.messages == ({"role": "user", "content": "a"},)
