"""Shapes: how OpenAI writes answers on the wire, whole and in pieces."""

import base64
import hashlib
import random
import struct
from collections.abc import Iterator
from typing import Any

from scripted.model import Answer, identifier, tokens_of

CREATED = 1_767_225_600
"""When every answer says it was made, so that a second recording equals the first."""

Body = dict[str, Any]


def chat_completion(asked: Body, answer: Answer) -> Body:
    """Return the body of a chat completion."""
    message = {
        "role": "assistant",
        "content": answer.content,
        "refusal": None,
        "annotations": [],
    }
    choice = {"index": 0, "message": message, "finish_reason": finish_reason(answer)}
    return {
        "id": identifier("chatcmpl-", repr(asked)),
        "object": "chat.completion",
        "created": CREATED,
        "model": answer.model,
        "choices": [choice],
        "usage": chat_usage(answer),
        "service_tier": "default",
        "system_fingerprint": None,
    }


def chat_chunks(asked: Body, answer: Answer) -> Iterator[Body]:
    """Yield the chunks of a streamed chat completion."""
    wants_usage = bool((asked.get("stream_options") or {}).get("include_usage"))
    common = {
        "id": identifier("chatcmpl-", repr(asked)),
        "object": "chat.completion.chunk",
        "created": CREATED,
        "model": answer.model,
        "service_tier": "default",
        "system_fingerprint": None,
    }
    if wants_usage:
        common["usage"] = None
    yield common | {"choices": [chat_delta({"role": "assistant", "content": "", "refusal": None})]}
    for piece in pieces(answer.content):
        yield common | {"choices": [chat_delta({"content": piece})]}
    yield common | {"choices": [chat_delta({}, finish_reason(answer))]}
    if wants_usage:
        yield common | {"choices": [], "usage": chat_usage(answer)}


def chat_delta(delta: Body, reason: str | None = None) -> Body:
    """Return the one choice of a chunk."""
    return {"index": 0, "delta": delta, "finish_reason": reason}


def chat_usage(answer: Answer) -> Body:
    """Return the usage as chat completions count it."""
    return {
        "prompt_tokens": answer.tokens_in,
        "completion_tokens": answer.tokens_out,
        "total_tokens": answer.tokens_in + answer.tokens_out,
        "prompt_tokens_details": {"cached_tokens": answer.tokens_cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": answer.tokens_reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def finish_reason(answer: Answer) -> str:
    """Return why the model stopped writing."""
    return "length" if answer.cut_off else "stop"


def response(asked: Body, answer: Answer) -> Body:
    """Return the body of a finished response."""
    body = response_begun(asked, answer)
    body["status"] = "incomplete" if answer.cut_off else "completed"
    if answer.cut_off:
        body["incomplete_details"] = {"reason": "max_output_tokens"}
    body["output"] = [response_message(asked, answer)]
    body["usage"] = {
        "input_tokens": answer.tokens_in,
        "input_tokens_details": {"cached_tokens": answer.tokens_cached, "cache_write_tokens": 0},
        "output_tokens": answer.tokens_out,
        "output_tokens_details": {"reasoning_tokens": answer.tokens_reasoning},
        "total_tokens": answer.tokens_in + answer.tokens_out,
    }
    return body


def response_begun(asked: Body, answer: Answer) -> Body:
    """Return the body of a response of which nothing is written yet."""
    return {
        "id": identifier("resp_", repr(asked)),
        "object": "response",
        "created_at": CREATED,
        "status": "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": asked.get("instructions"),
        "max_output_tokens": asked.get("max_output_tokens"),
        "metadata": asked.get("metadata") or {},
        "model": answer.model,
        "output": [],
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": "medium", "summary": None} | (asked.get("reasoning") or {}),
        "service_tier": "default",
        "store": asked.get("store", True),
        "temperature": 1.0,
        "text": {"format": {"type": "text"}} | (asked.get("text") or {}),
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": None,
        "user": None,
    }


def response_message(asked: Body, answer: Answer) -> Body:
    """Return the finished message in a response."""
    return {
        "id": identifier("msg_", repr(asked)),
        "type": "message",
        "status": "incomplete" if answer.cut_off else "completed",
        "role": "assistant",
        "content": [output_text(answer.content)],
    }


def output_text(text: str) -> Body:
    """Return a piece of content that is text."""
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def response_events(asked: Body, answer: Answer) -> Iterator[Body]:
    """Yield the events of a streamed response."""
    for number, event in enumerate(unnumbered_response_events(asked, answer)):
        yield event | {"sequence_number": number}


def unnumbered_response_events(asked: Body, answer: Answer) -> Iterator[Body]:
    """Yield the events of a streamed response, before they get their numbers."""
    begun = response_begun(asked, answer)
    finished = response(asked, answer)
    message = response_message(asked, answer)
    empty_message = message | {"status": "in_progress", "content": []}
    item = {"output_index": 0}
    part = {"item_id": message["id"], "output_index": 0, "content_index": 0}

    yield {"type": "response.created", "response": begun}
    yield {"type": "response.in_progress", "response": begun}
    yield item | {"type": "response.output_item.added", "item": empty_message}
    yield part | {"type": "response.content_part.added", "part": output_text("")}
    for piece in pieces(answer.content):
        yield part | {"type": "response.output_text.delta", "delta": piece, "logprobs": []}
    yield part | {
        "type": "response.output_text.done",
        "text": answer.content,
        "logprobs": [],
    }
    yield part | {"type": "response.content_part.done", "part": output_text(answer.content)}
    yield item | {"type": "response.output_item.done", "item": message}
    yield {"type": f"response.{finished['status']}", "response": finished}


def embeddings(asked: Body, dimensions: int) -> Body:
    """Return the body of an embeddings answer, a vector of length one for each input."""
    given = asked["input"]
    texts = [given] if isinstance(given, str) else [str(entry) for entry in given]
    tokens = sum(tokens_of(text) for text in texts)
    as_base64 = asked.get("encoding_format") == "base64"
    vectors = [unit_vector(asked["model"], text, dimensions) for text in texts]
    data = [
        {
            "object": "embedding",
            "index": index,
            "embedding": packed(vector) if as_base64 else vector,
        }
        for index, vector in enumerate(vectors)
    ]
    return {
        "object": "list",
        "data": data,
        "model": asked["model"],
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


def unit_vector(model: str, text: str, dimensions: int) -> list[float]:
    """Return the sum of one random direction for each word, so that like texts lie near."""
    total = [0.0] * dimensions
    for word in text.lower().split() or [""]:
        seed = hashlib.sha256(f"{model}|{word}".encode()).digest()
        source = random.Random(seed)
        total = [value + source.gauss(0, 1) for value in total]
    length = sum(value * value for value in total) ** 0.5
    return [value / length for value in total]


def packed(vector: list[float]) -> str:
    """Return a vector as base64 of little-endian 32-bit floats."""
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode("ascii")


def failure(message: str, code: str | None = None, param: str | None = None) -> Body:
    """Return the body of a refused request."""
    error = {
        "message": message,
        "type": "invalid_request_error",
        "param": param,
        "code": code,
    }
    return {"error": error}


def pieces(content: str) -> list[str]:
    """Return a text cut about where tokens would end."""
    return [content[start : start + 4] for start in range(0, len(content), 4)]
