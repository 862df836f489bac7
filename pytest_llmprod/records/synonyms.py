"""Synonyms: under which names logs of applications keep what is known of an exchange.

In each tuple the name that is preferred comes first.
"""

from typing import Final

from pytest_llmprod.records import names

INPUTS: Final = (
    *(names.INPUT_MESSAGES, "gen_ai.prompt", "input", "prompt", "messages", "question"),
)
OUTPUTS: Final = (
    *(names.OUTPUT_MESSAGES, "gen_ai.completion", "output", "answer", "completion"),
    *("response", "text"),
)
MODELS: Final = (names.MODEL, "model", names.MODEL_ASKED)
IDS: Final = (names.RESPONSE_ID, "response_id", "request_id", "id")
SECONDS: Final = (names.LATENCY_S, "latency_s", "duration_s")
MILLISECONDS: Final = ("latency_ms", "duration_ms")
COSTS: Final = (names.COST_USD, "cost_usd", "cost")
