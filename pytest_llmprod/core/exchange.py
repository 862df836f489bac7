"""Exchange: one HTTP request to a model, with its answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens that one exchange used, as the provider counted them.

    `input_tokens` includes `cache_read_tokens`, and `output_tokens` includes `reasoning_tokens`,
    for every provider.
    """

    input_tokens: int
    output_tokens: int
    cache_read_tokens: int = 0
    reasoning_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """What was asked, what was answered, how long it took, and where the answer came from.

    `latency_s` runs from sending the request to the last byte of the answer, `ttft_s` to the first
    event of a stream (None for an answer that was not streamed). Both are the recorded times when
    `replayed` is true. `text` is the assembled answer for a reader. `recorded_at` is an ISO 8601
    time in UTC.
    """

    provider: str
    operation: str
    model_requested: str
    model: str
    stream: bool
    status: int
    usage: Usage | None
    latency_s: float
    ttft_s: float | None
    text: str
    replayed: bool
    recorded_at: str
    request: Any
    key: str

    def to_row(self) -> dict[str, Any]:
        """Return the figures of this exchange as plain JSON, without what was said."""
        row: dict[str, Any] = {
            "provider": self.provider,
            "asked": self.model_requested,
            "model": self.model,
            "latency_s": self.latency_s,
            "replayed": self.replayed,
            "recorded_at": self.recorded_at,
        }
        if self.usage is not None:
            row["usage"] = usage_to_json(self.usage)
        return row


def usage_to_json(usage: Usage) -> dict[str, int]:
    """Return `usage` under the names that files and scripts use."""
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cache_read_tokens": usage.cache_read_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
    }


def usage_from_json(values: Mapping[str, Any]) -> Usage:
    """Return the usage that `usage_to_json` wrote; counts that are absent are 0."""
    return Usage(
        input_tokens=int(values.get("input_tokens", 0)),
        output_tokens=int(values.get("output_tokens", 0)),
        cache_read_tokens=int(values.get("cache_read_tokens", 0)),
        reasoning_tokens=int(values.get("reasoning_tokens", 0)),
    )
