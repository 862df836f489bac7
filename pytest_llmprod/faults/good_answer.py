"""Good answer: how the API that was asked tells a good answer, whole or as a stream."""

import json
from dataclasses import replace
from typing import Any

from pytest_llmprod.core.faulting import Asked, WireAnswer
from pytest_llmprod.faults.chat_answer import completion, completion_events
from pytest_llmprod.faults.embeddings_answer import embeddings
from pytest_llmprod.faults.good import Good
from pytest_llmprod.faults.http_answer import json_answer, stream_answer
from pytest_llmprod.faults.messages_answer import message, message_events
from pytest_llmprod.faults.responses_answer import response, response_events


def document_of(asked: Asked, good: Good) -> dict[str, Any]:
    """Return the JSON of a good answer that is not streamed."""
    model = good.model or asked.model or "gpt-test"
    if asked.api == "embeddings":
        return embeddings(asked, good, model)
    if asked.api == "responses":
        return response(good, model)
    if asked.api == "messages":
        return message(good, model)
    return completion(good, model)


def answer_of(asked: Asked, good: Good) -> WireAnswer:
    """Return a good answer, streamed where the request asks for that."""
    if asked.stream and asked.api != "embeddings":
        return _timed(stream_answer(events_of(asked, good)), good)
    return json_answer(document_of(asked, good))


def _timed(answer: WireAnswer, good: Good) -> WireAnswer:
    """Return a stream whose text comes at the times that `good` says; its head comes at once."""
    if not good.times:
        return answer
    count = len(answer.pieces)
    first = next((at for at, (_, piece) in enumerate(answer.pieces) if _has_text(piece, good)), 0)
    moments = [0.0] * first + list(good.times[: count - first])
    moments += [good.times[-1]] * (count - len(moments))
    pieces = tuple((at, piece) for at, (_, piece) in zip(moments, answer.pieces, strict=True))
    return replace(answer, pieces=pieces, ends_s=moments[-1])


def _has_text(piece: bytes, good: Good) -> bool:
    return bool(good.parts) and json.dumps(good.parts[0]).encode() in piece


def events_of(asked: Asked, good: Good) -> list[bytes]:
    """Return the events of a good answer that is streamed."""
    model = good.model or asked.model or "gpt-test"
    if asked.api == "responses":
        return response_events(good, model)
    if asked.api == "messages":
        return message_events(good, model)
    return completion_events(asked, good, model)
