"""Faulted: the answer of a fault plan, as the client meets it that asked.

What a client meets depends on how long it waits: the same stall is a time-out for one and a day for
another. That is worked out here, from the times of the answer, before anything is waited for.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pytest_llmprod.core.exchange import Exchange
from pytest_llmprod.core.faulting import Asked, Break, Patience, WireAnswer
from pytest_llmprod.core.virtual_time import FOREVER_S
from pytest_llmprod.wire import bodies
from pytest_llmprod.wire.attempts import Attempt
from pytest_llmprod.wire.dialects import Answer, read_document
from pytest_llmprod.wire.key import WireRequest
from pytest_llmprod.wire.recording import Failure, Recording

_BEFORE_THE_HEAD: Mapping[Break, Failure] = {
    "reset": Failure(error="ReadError", message="[Errno 104] Connection reset by peer"),
    "closed": Failure(
        error="RemoteProtocolError", message="Server disconnected without sending a response."
    ),
    "refused": Failure(error="ConnectError", message="[Errno 111] Connection refused"),
    "unknown host": Failure(error="ConnectError", message="[Errno -2] Name or service not known"),
    "not http": Failure(error="RemoteProtocolError", message="illegal status line"),
}
_GAVE_UP: Mapping[bool, Failure] = {
    True: Failure(error="ConnectTimeout", message="_ssl.c:989: The handshake operation timed out"),
    False: Failure(error="ReadTimeout", message="The read operation timed out"),
}
_IN_ALL = Failure(error="TimeoutError", message="")
_CHUNKS_CUT = (
    "peer closed connection without sending complete message body (incomplete chunked read)"
)
_BODY_CUT = (
    "peer closed connection without sending complete message body "
    "(received {received} bytes, expected {length})"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """What a client meets: the pieces that it reads, when that ends, and how it breaks off.

    `status` is 0 where not even the head comes. Times are in seconds since the request. `gave_up`
    says that the client's own patience ended it.
    """

    status: int
    pieces: Sequence[tuple[float, bytes]]
    ends_s: float
    failure: Failure | None
    gave_up: bool = False


def met_by(answer: WireAnswer, patience: Patience) -> Met:
    """Return what a client with this patience meets of an answer."""
    is_connecting = answer.breaks == "no tls"
    limit_s = patience.connect_s if is_connecting else patience.read_s
    came: list[tuple[float, bytes]] = []
    last_s = 0.0
    moments = [(answer.head_s, b""), *answer.pieces, (max(answer.ends_s, answer.head_s), b"")]
    for at_s, piece in moments:
        at_s = max(at_s, last_s)
        ends = [last_s + limit_s] if limit_s is not None else []
        ends += [patience.total_s] if patience.total_s is not None else []
        if ends and at_s > min(ends):
            failure = _IN_ALL if patience.total_s == min(ends) else _GAVE_UP[is_connecting]
            return _given_up(answer, came, min(ends), failure)
        if at_s - last_s > FOREVER_S:
            at_s = last_s + FOREVER_S
        last_s = at_s
        if piece:
            came.append((at_s, piece))
    return Met(status=answer.status, pieces=came, ends_s=last_s, failure=_failure(answer, came))


def _given_up(
    answer: WireAnswer, came: Sequence[tuple[float, bytes]], ends_s: float, failure: Failure
) -> Met:
    return Met(
        status=answer.status if answer.head_s <= ends_s else 0,
        pieces=came,
        ends_s=ends_s,
        failure=failure,
        gave_up=True,
    )


def _failure(answer: WireAnswer, came: Sequence[tuple[float, bytes]]) -> Failure | None:
    if not answer.status:
        # A server that never answers is one that goes away in the end.
        return _BEFORE_THE_HEAD.get(answer.breaks, _BEFORE_THE_HEAD["closed"])
    if not answer.breaks:
        return None
    if answer.breaks == "reset":
        return _BEFORE_THE_HEAD["reset"]
    received = sum(len(piece) for _, piece in came)
    told = _CHUNKS_CUT if answer.length is None else _BODY_CUT
    message = told.format(received=received, length=answer.length)
    return Failure(error="RemoteProtocolError", message=message)


def asked_of(
    read: WireRequest,
    *,
    method: str,
    headers: Sequence[tuple[str, str]],
    retries: int,
    patience: Patience,
) -> Asked:
    """Return a request as fault plans see it; `headers` are those that the client sends."""
    document = read.document if isinstance(read.document, dict) else {}
    return Asked(
        method=method,
        url=read.url,
        headers=tuple(headers),
        document=document,
        retries=retries,
        patience=patience,
    )


def answer_of_recording(recording: Recording) -> WireAnswer:
    """Return what was recorded as an answer that a fault can be made of."""
    stored = recording.response["body"]
    headers = recording.response["headers"]
    if "stream" in stored:
        pieces = tuple(bodies.decode_stream(stored))
    elif "json" in stored:
        pieces = ((0.0, bodies.decode_json(stored)[1]),)
    else:
        pieces = ((0.0, bodies.decode_body(stored)),)
    return WireAnswer(
        status=recording.status,
        headers=tuple((name, value) for name, values in headers.items() for value in values),
        pieces=tuple((0.0, piece) for _, piece in pieces),
    )


def exchange_of_fault(
    read: WireRequest, answer: WireAnswer, met: Met, attempt: Attempt
) -> Exchange:
    """Return the exchange that a fault made; a judge meets none."""
    said = _read_answer(read, answer)
    return Exchange(
        provider=read.provider,
        operation=read.operation,
        model_requested=read.model,
        model=said.model or read.model,
        stream=read.stream,
        status=met.status,
        usage=said.usage,
        latency_s=met.ends_s,
        ttft_s=met.pieces[0][0] if read.stream and met.pieces else None,
        text=said.text,
        replayed=True,
        recorded_at="",
        request=read.document,
        key=read.key,
        finish_reasons=said.finish_reasons,
        refusal=said.refusal,
        tool_calls=said.tool_calls,
        call=attempt.call,
        attempt=attempt.number,
        backoff_s=attempt.backoff_s,
        failure=met.failure.error if met.failure else "",
        is_made_up=True,
    )


def _read_answer(read: WireRequest, answer: WireAnswer) -> Answer:
    """Return what an answer says, as far as it can be read: it may be garbage on purpose."""
    if read.dialect is None or not answer.status:
        return Answer()
    try:
        if answer.body.lstrip()[:1] in (b"{", b"["):
            return read_document(read.dialect, json.loads(answer.body))
        events = bodies.read_stream("text/event-stream", list(answer.pieces)) or []
        return read.dialect.read_stream([each.data for each in events if each.is_json])
    except (ValueError, TypeError, KeyError, AttributeError, IndexError):
        return Answer()
