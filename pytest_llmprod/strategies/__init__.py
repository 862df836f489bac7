"""Strategies: hostile inputs and broken outputs for property tests, with the truth about each.

`from pytest_llmprod import strategies as llm_st`; `docs/strategies.md` shows each of them.
"""

from pytest_llmprod.strategies.conversations import (
    CONVERSATION_FLAWS,
    Conversation,
    conversations,
)
from pytest_llmprod.strategies.malformed import (
    MALFORMED_TEXT_KINDS,
    MalformedText,
    malformed_text,
)
from pytest_llmprod.strategies.malformed_json import (
    MALFORMED_JSON_KINDS,
    MalformedJson,
    malformed_json,
)

__all__ = [
    "CONVERSATION_FLAWS",
    "MALFORMED_JSON_KINDS",
    "MALFORMED_TEXT_KINDS",
    "Conversation",
    "MalformedJson",
    "MalformedText",
    "conversations",
    "malformed_json",
    "malformed_text",
]
