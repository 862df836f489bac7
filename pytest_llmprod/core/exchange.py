"""Exchange: one HTTP request to a model, with its answer; several may make one call."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_NOBODY_LET_IN = frozenset({401, 403, 407, 408, 425, 429})
#: What httpx, urllib3 and aiohttp raise where no connection came about: nothing was sent.
_NEVER_SENT = frozenset(
    {
        *("ConnectError", "ConnectTimeout", "PoolTimeout"),
        *("NewConnectionError", "NameResolutionError", "ConnectTimeoutError"),
        *("ClientConnectorError", "ClientConnectorDNSError", "ConnectionTimeoutError"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens that one exchange used, as the provider counted them.

    `input_tokens` includes `cache_read_tokens`, `cache_write_tokens` and `input_audio_tokens`, and
    `output_tokens` includes `reasoning_tokens` and `output_audio_tokens`, for every provider.
    """

    input_tokens: int
    output_tokens: int
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    input_audio_tokens: int = 0
    output_audio_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A tool that the model asked for; `arguments` is decoded JSON, or text that is none."""

    name: str
    arguments: Any
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """What was asked, what was answered, how long it took, and where the answer came from.

    `latency_s` runs from sending the request to the last byte of the answer, `ttft_s` to the first
    event of a stream that says something, and is None for an answer that was not streamed. Both are
    the recorded times when `replayed` is true. `text` is the assembled answer for a reader.
    `recorded_at` is an ISO 8601 time in UTC.

    `finish_reasons` has one entry for each choice that came to its end, in the provider's words.
    `text`, `refusal` and `tool_calls` are those of the first choice. `refusal` is the text of a
    refusal, or the provider's reason for one, and empty where the model did not refuse.

    `call` numbers the logical calls of a test from 1: a client that tries again makes several
    exchanges of one call. `attempt` counts these from 1, and `backoff_s` is how long the client
    waited before this attempt. `failure` names the error that the client met in place of a whole
    answer, `ConnectError` for instance; `status` is 0 where not even the headers came.
    `is_model_unknown` says that the provider refused a live request, because it has no such model.
    `tier` is the service tier at which the provider says it answered, '' where it does not tell.
    `is_judge` says that a judge asked this about the output, and no part of the application.
    `is_made_up` says that no provider ever gave this answer: a fault or a script did.
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
    finish_reasons: tuple[str, ...] = ()
    refusal: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    call: int = 1
    attempt: int = 1
    backoff_s: float = 0.0
    failure: str = ""
    is_model_unknown: bool = False
    is_judge: bool = False
    tier: str = ""
    is_made_up: bool = False

    @property
    def is_outage(self) -> bool:
        """Say whether nobody answered: the wire failed, or the provider let nobody in.

        That is a key or a model that it does not know, a limit, or an error of its own. A request
        that it refuses for what is in it has been answered.
        """
        if self.failure or self.is_model_unknown:
            return True
        return self.status >= 500 or self.status in _NOBODY_LET_IN

    @property
    def is_free(self) -> bool:
        """Say whether the request cost nothing: it was refused, or reached no provider."""
        is_unbilled = self.usage is None and (self.status >= 400 or self.failure in _NEVER_SENT)
        return self.is_made_up or is_unbilled

    @property
    def tokens_per_s(self) -> float | None:
        """Return the output tokens per second, None where time or usage is unknown.

        The time of a stream counts from `ttft_s` on, that of a plain answer as a whole.
        """
        spent_s = self.latency_s - (self.ttft_s or 0.0)
        if self.usage is None or spent_s <= 0:
            return None
        return self.usage.output_tokens / spent_s

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
        if self.tier:
            row["tier"] = self.tier
        if self.attempt > 1:
            row["attempt"] = self.attempt
        if self.is_free:
            row["free"] = True
        return row


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """The exchanges of one logical call in order: a client that tries again makes several."""

    attempts: tuple[Exchange, ...]

    @property
    def last(self) -> Exchange:
        """Return the attempt whose answer, or whose failure, the caller got."""
        return self.attempts[-1]

    @property
    def latency_s(self) -> float:
        """Return how long the caller waited: all attempts and the pauses between them."""
        return sum(each.latency_s for each in self.attempts) + self.backoff_s

    @property
    def backoff_s(self) -> float:
        """Return how long the client paused between its attempts."""
        return sum(each.backoff_s for each in self.attempts)


def calls_of(exchanges: Iterable[Exchange]) -> tuple[Call, ...]:
    """Return the logical calls that these exchanges of one test make up, in order."""
    calls: dict[int, list[Exchange]] = {}
    for each in exchanges:
        calls.setdefault(each.call, []).append(each)
    return tuple(
        Call(attempts=tuple(sorted(calls[number], key=lambda each: each.attempt)))
        for number in sorted(calls)
    )


def usage_to_json(usage: Usage) -> dict[str, int]:
    """Return `usage` under the names that files and scripts use; rare counts only where not 0."""
    counts = {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cache_read_tokens": usage.cache_read_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
    }
    for name in _RARE_COUNTS:
        count = getattr(usage, name)
        if count:
            counts[name] = count
    return counts


_RARE_COUNTS = ("cache_write_tokens", "input_audio_tokens", "output_audio_tokens")


def usage_from_json(values: Mapping[str, Any]) -> Usage:
    """Return the usage that `usage_to_json` wrote; counts that are absent are 0."""
    rare = {name: int(values[name]) for name in _RARE_COUNTS if name in values}
    return Usage(
        input_tokens=int(values.get("input_tokens", 0)),
        output_tokens=int(values.get("output_tokens", 0)),
        cache_read_tokens=int(values.get("cache_read_tokens", 0)),
        reasoning_tokens=int(values.get("reasoning_tokens", 0)),
        **rare,
    )
