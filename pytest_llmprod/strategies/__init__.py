"""Strategies: hostile inputs and broken outputs for property tests, with the truth about each.

`from pytest_llmprod import strategies as llm_st`; `docs/strategies.md` shows each of them.
"""

from pytest_llmprod.core.planted import Document, Pii, Span
from pytest_llmprod.strategies.benign import Benign, benign_lookalikes
from pytest_llmprod.strategies.carriers import CARRIERS
from pytest_llmprod.strategies.completions import (
    CHAT_KINDS,
    RESPONSE_KINDS,
    Completion,
    chat_completions,
    responses,
)
from pytest_llmprod.strategies.conversations import (
    CONVERSATION_FLAWS,
    Conversation,
    conversations,
)
from pytest_llmprod.strategies.encoders import ENCODINGS
from pytest_llmprod.strategies.fault_schedules import fault_schedules
from pytest_llmprod.strategies.found import regression, regressions
from pytest_llmprod.strategies.goals import (
    GOALS,
    Goal,
    call_tool,
    change_label,
    follow_link,
    ignore_policy,
    reveal_canary,
)
from pytest_llmprod.strategies.injection import Injection, prompt_injections
from pytest_llmprod.strategies.jailbreak import JAILBREAK_TECHNIQUES, Jailbreak, jailbreak_turns
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
from pytest_llmprod.strategies.model_outputs import (
    BROKEN_OUTPUTS,
    ModelOutput,
    ToolCall,
    model_outputs,
)
from pytest_llmprod.strategies.obfuscation import OBFUSCATIONS
from pytest_llmprod.strategies.pii import pii, pii_documents
from pytest_llmprod.strategies.recipes import PII_KINDS
from pytest_llmprod.strategies.sampling import sample
from pytest_llmprod.strategies.sentences import LOCALES
from pytest_llmprod.strategies.stream_check import check_stream
from pytest_llmprod.strategies.streams import BYTE_CUTS, CUTS, Stream, streams
from pytest_llmprod.strategies.techniques import TECHNIQUES

__all__ = [
    "BROKEN_OUTPUTS",
    "BYTE_CUTS",
    "CARRIERS",
    "CHAT_KINDS",
    "CONVERSATION_FLAWS",
    "CUTS",
    "ENCODINGS",
    "GOALS",
    "JAILBREAK_TECHNIQUES",
    "LOCALES",
    "LOOKALIKE_KINDS",
    "MALFORMED_JSON_KINDS",
    "MALFORMED_TEXT_KINDS",
    "OBFUSCATIONS",
    "PII_KINDS",
    "RESPONSE_KINDS",
    "TECHNIQUES",
    "Benign",
    "Completion",
    "Conversation",
    "Document",
    "Goal",
    "Injection",
    "Jailbreak",
    "Lookalike",
    "MalformedJson",
    "MalformedText",
    "ModelOutput",
    "Pii",
    "Span",
    "Stream",
    "ToolCall",
    "benign_lookalikes",
    "call_tool",
    "change_label",
    "chat_completions",
    "check_stream",
    "conversations",
    "fault_schedules",
    "follow_link",
    "ignore_policy",
    "jailbreak_turns",
    "malformed_json",
    "malformed_text",
    "model_outputs",
    "pii",
    "pii_documents",
    "pii_lookalikes",
    "prompt_injections",
    "regression",
    "regressions",
    "responses",
    "reveal_canary",
    "sample",
    "streams",
]
