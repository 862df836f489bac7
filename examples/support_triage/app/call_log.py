"""Call log: a record of each call to the model, by which a complaint can be explained later."""

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from app.settings import USD_PER_MILLION_TOKENS

log = logging.getLogger(__name__)


class Call:
    """One call; `facts` are what is known of it so far."""

    def __init__(self, request: Mapping[str, Any]) -> None:
        self.facts: dict[str, Any] = {"input": request["messages"]}

    def answered(self, completion: Any, content: str | None) -> None:
        """Note what was answered: all of it, and its text."""
        self.facts |= {
            "output": content,
            "model": completion.model,
            "request_id": completion.id,
            "cost_usd": cost_usd(completion.usage),
        }


@contextmanager
def recorded(request: Mapping[str, Any]) -> Iterator[Call]:
    """Log what becomes of a request in this block, whether it is answered or not."""
    call, start = Call(request), time.perf_counter()
    try:
        yield call
    finally:
        latency_ms = round((time.perf_counter() - start) * 1000)
        log.info("asked the model", extra={**call.facts, "latency_ms": latency_ms})


def cost_usd(usage: Any) -> float | None:
    """Return what a call cost; None where the answer does not say what it used."""
    if usage is None:
        return None
    price_in, price_out = USD_PER_MILLION_TOKENS
    return (usage.prompt_tokens * price_in + usage.completion_tokens * price_out) / 1_000_000
