"""Embeddings answer: a good answer as OpenAI's API of embeddings tells it."""

import base64
import struct
from collections.abc import Sequence
from typing import Any

from pytest_llmprod.core.faulting import Asked
from pytest_llmprod.faults.good import Good

_DIMENSIONS = 1536


def embeddings(asked: Asked, good: Good, model: str) -> dict[str, Any]:
    """Return the JSON of an embedding for each text that was sent."""
    given = asked.document.get("input")
    count = len(given) if isinstance(given, list) and given and isinstance(given[0], str) else 1
    size = asked.document.get("dimensions") or _DIMENSIONS
    vector = [1.0, *([0.0] * (int(size) - 1))]
    return {
        "object": "list",
        "model": model,
        "data": [
            {"object": "embedding", "index": index, "embedding": encoded(asked, vector)}
            for index in range(count)
        ],
        "usage": {"prompt_tokens": good.input_tokens, "total_tokens": good.input_tokens},
        **good.extra,
    }


def encoded(asked: Asked, vector: Sequence[float]) -> Any:
    """Return a vector in the encoding that the request asks for."""
    if asked.document.get("encoding_format") == "base64":
        return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
    return list(vector)
