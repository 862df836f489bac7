"""Time the strategies in this process: `python time_strategies.py ROUNDS`.

Each strategy makes 1,000 values for a property that holds, as Hypothesis makes them: nothing is
shrunk, and no health check stops a slow one. Some have fewer different values, and end before.

Prints a JSON object: for each strategy the seconds of CPU of each round.
"""

import json
import sys
from collections.abc import Mapping
from time import process_time
from typing import Any, Literal

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from pytest_llmprod import strategies as llm_st

VALUES = 1_000


class Item(BaseModel):
    name: str
    price: float = Field(ge=0)


class Decision(BaseModel):
    label: Literal["refund", "spam"]
    urgency: int = Field(ge=1, le=5)
    reason: str = Field(min_length=1, max_length=50)
    items: list[Item] = []


STRATEGIES: Mapping[str, st.SearchStrategy[Any]] = {
    "malformed_text": llm_st.malformed_text(),
    "malformed_json": llm_st.malformed_json(),
    "conversations": llm_st.conversations(malformed=True),
    "pii": llm_st.pii(),
    "pii_documents": llm_st.pii_documents(),
    "pii_lookalikes": llm_st.pii_lookalikes(),
    "prompt_injections": llm_st.prompt_injections(),
    "benign_lookalikes": llm_st.benign_lookalikes(),
    "jailbreak_turns": llm_st.jailbreak_turns(),
    "model_outputs": llm_st.model_outputs(Decision),
    "model_outputs, broken": llm_st.model_outputs(Decision, broken=True),
    "chat_completions": llm_st.chat_completions(st.text()),
    "responses": llm_st.responses(st.text()),
    "streams of pii_documents": llm_st.streams(llm_st.pii_documents()),
}


def seconds(values: st.SearchStrategy[Any]) -> float:
    """Return the CPU time of a property that holds for 1,000 values."""

    @settings(
        max_examples=VALUES,
        database=None,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(values)
    def holds(value: object) -> None:
        pass

    start = process_time()
    holds()
    return process_time() - start


def main() -> None:
    rounds = int(sys.argv[1])
    for values in STRATEGIES.values():
        seconds(values)  # builds what is built once
    measured: dict[str, list[float]] = {name: [] for name in STRATEGIES}
    for _ in range(rounds):
        for name, values in STRATEGIES.items():
            measured[name].append(seconds(values))
    print(json.dumps(measured))


main()
