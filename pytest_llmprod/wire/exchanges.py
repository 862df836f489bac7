"""Exchanges: what a recording tells, as the exchange that tests and reports see."""

from pytest_llmprod.core.exchange import Exchange
from pytest_llmprod.wire.attempts import Attempt
from pytest_llmprod.wire.dialects import Answer
from pytest_llmprod.wire.key import WireRequest
from pytest_llmprod.wire.recording import Recording


def exchange_of(
    request: WireRequest,
    recording: Recording,
    answer: Answer,
    attempt: Attempt,
    *,
    replayed: bool,
    tier: str = "",
) -> Exchange:
    """Return the exchange that `recording` tells of."""
    return Exchange(
        provider=request.provider,
        operation=request.operation,
        model_requested=request.model,
        model=recording.model,
        stream=request.stream,
        status=recording.status,
        usage=recording.usage,
        latency_s=recording.latency_s,
        ttft_s=recording.ttft_s,
        text=answer.text,
        replayed=replayed,
        recorded_at=recording.recorded_at,
        request=request.document,
        key=request.key,
        finish_reasons=answer.finish_reasons,
        refusal=answer.refusal,
        tool_calls=answer.tool_calls,
        call=attempt.call,
        attempt=attempt.number,
        backoff_s=recording.backoff_s or attempt.backoff_s,
        failure=recording.failure.error if recording.failure else "",
        is_judge=request.judged is not None,
        tier=tier,
    )
