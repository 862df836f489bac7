"""Strategies: hostile inputs and broken outputs for property tests, with the truth about each.

`from pytest_llmprod import strategies as llm_st`; `docs/strategies.md` shows each of them.
"""

from pytest_llmprod.strategies.conversations import (
    CONVERSATION_FLAWS,
    Conversation,
    conversations,
)
from pytest_llmprod.strategies.lookalikes import LOOKALIKE_KINDS, Lookalike, pii_lookalikes
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
from pytest_llmprod.strategies.obfuscation import OBFUSCATIONS
from pytest_llmprod.strategies.pii import pii, pii_documents
from pytest_llmprod.strategies.planted import Document, Pii, Span
from pytest_llmprod.strategies.recipes import PII_KINDS
from pytest_llmprod.strategies.sentences import LOCALES

__all__ = [
    "CONVERSATION_FLAWS",
    "LOCALES",
    "LOOKALIKE_KINDS",
    "MALFORMED_JSON_KINDS",
    "MALFORMED_TEXT_KINDS",
    "OBFUSCATIONS",
    "PII_KINDS",
    "Conversation",
    "Document",
    "Lookalike",
    "MalformedJson",
    "MalformedText",
    "Pii",
    "Span",
    "conversations",
    "malformed_json",
    "malformed_text",
    "pii",
    "pii_documents",
    "pii_lookalikes",
]
