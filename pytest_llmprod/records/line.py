"""Line: one exchange of a run, and what a log keeps of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from math import isfinite
from typing import Any, Literal

from pytest_llmprod.core.exchange import Exchange, Usage
from pytest_llmprod.records import names

#: `free` cost nothing; what `unpriced` cost is not known, which is not nothing.
CostStatus = Literal["priced", "unpriced", "free"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """An exchange with all that its run knew of it.

    `timestamp` is when the run saw it, an ISO 8601 time in UTC; a replay has a later one than the
    exchange. `test` is the node id, `repeat` counts from 1, and `scores` maps metric -> score in
    0..1. `findings` are kinds (`pii.email`), never the text that was found. `verdict` is the
    outcome of the test, and `why` its reason. `cassette` is a path, `commit` the one that git had
    checked out, and `response_id` the provider's name for its answer; each is '' where unknown.
    `options` are those of the command line without which the test would ask another model.
    """

    exchange: Exchange
    timestamp: str
    test: str = ""
    case: str = ""
    repeat: int = 1
    feature: str = ""
    cost_usd: Decimal | None = None
    cost_status: CostStatus = "unpriced"
    findings: tuple[str, ...] = ()
    scores: Mapping[str, float] = field(default_factory=dict)
    verdict: str = ""
    why: str = ""
    cassette: str = ""
    commit: str = ""
    response_id: str = ""
    options: tuple[str, ...] = ()


def figures_of(line: LogLine) -> dict[str, Any]:
    """Return the figures of a line by their names, without any text that was said.

    What is not known, or is nothing, is left out.
    """
    exchange = line.exchange
    figures: dict[str, Any] = {
        names.TIMESTAMP: line.timestamp,
        names.TEST: line.test,
        names.CASE: line.case,
        names.REPEAT: line.repeat,
        names.FEATURE: line.feature,
        names.VERDICT: line.verdict,
        names.SCORES: dict(line.scores),
        names.FINDINGS: list(line.findings),
        names.OPERATION: exchange.operation,
        names.PROVIDER: names.PROVIDERS.get(exchange.provider, exchange.provider),
        names.MODEL_ASKED: exchange.model_requested,
        names.MODEL: exchange.model,
        names.RESPONSE_ID: line.response_id,
        names.FINISH_REASONS: list(exchange.finish_reasons),
        names.STREAM: exchange.stream,
        names.STATUS: exchange.status,
        names.ERROR: exchange.failure or (str(exchange.status) if exchange.status >= 400 else ""),
        names.BACKOFF_S: round(exchange.backoff_s, 6),
        names.CALL: exchange.call,
        names.ATTEMPT: exchange.attempt,
        names.RECORDED_AT: exchange.recorded_at,
        names.JUDGE: exchange.is_judge,
        names.CASSETTE: line.cassette,
        names.COMMIT: line.commit,
        names.OPTIONS: list(line.options),
        names.COST_STATUS: line.cost_status,
    }
    figures = {name: value for name, value in figures.items() if value}
    figures |= _parameters(exchange.request)
    figures[names.LATENCY_S] = round(exchange.latency_s, 6)
    figures[names.REPLAYED] = exchange.replayed
    if line.cost_usd is not None:
        figures[names.COST_USD] = format(line.cost_usd, "f")
    if exchange.ttft_s is not None:
        figures[names.TTFT_S] = round(exchange.ttft_s, 6)
    if exchange.usage is not None:
        figures |= _tokens(exchange.usage)
    return figures


def _parameters(request: Any) -> dict[str, float]:
    if not isinstance(request, Mapping):
        return {}
    return {
        key: request[name]
        for name, key in names.PARAMETERS.items()
        if _is_figure(request.get(name))
    }


def _is_figure(value: Any) -> bool:
    """Say whether a parameter is a number that JSON has, which NaN is not."""
    return isinstance(value, int) or (isinstance(value, float) and isfinite(value))


def _tokens(usage: Usage) -> dict[str, int]:
    tokens = {
        names.INPUT_TOKENS: usage.input_tokens,
        names.OUTPUT_TOKENS: usage.output_tokens,
    }
    rare = {
        names.CACHE_READ_TOKENS: usage.cache_read_tokens,
        names.CACHE_WRITE_TOKENS: usage.cache_write_tokens,
        names.REASONING_TOKENS: usage.reasoning_tokens,
        names.INPUT_AUDIO_TOKENS: usage.input_audio_tokens,
        names.OUTPUT_AUDIO_TOKENS: usage.output_audio_tokens,
    }
    return tokens | {name: count for name, count in rare.items() if count}


def output_of(exchange: Exchange) -> Any:
    """Return what was answered: a text, or the parts of an answer that has others, too."""
    parts: dict[str, Any] = {}
    if exchange.refusal:
        parts["refusal"] = exchange.refusal
    if exchange.tool_calls:
        parts["tool_calls"] = [
            {"name": call.name, "arguments": call.arguments} for call in exchange.tool_calls
        ]
    if not parts:
        return exchange.text
    return {"text": exchange.text, **parts} if exchange.text else parts
