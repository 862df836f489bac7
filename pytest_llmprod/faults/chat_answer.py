"""Chat answer: a good answer as OpenAI's API of chat completions tells it."""

from collections.abc import Mapping
from typing import Any

from pytest_llmprod.core.faulting import Asked
from pytest_llmprod.faults.good import Call, Good, value_at
from pytest_llmprod.faults.http_answer import DONE, event


def completion(good: Good, model: str) -> dict[str, Any]:
    """Return the JSON of a chat completion by `model`."""
    message: dict[str, Any] = {
        "role": "assistant",
        "content": good.text,
        "refusal": good.refusal,
    }
    if good.calls:
        message["tool_calls"] = [_tool_call(call) for call in good.calls]
    choice = {"index": 0, "finish_reason": good.finish, "logprobs": None, "message": message}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1700000000,
        "model": model,
        "choices": [choice],
        "usage": _chat_usage(good),
        **good.extra,
    }


def _tool_call(call: Call) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function}


def _chat_usage(good: Good) -> dict[str, Any]:
    return {
        "prompt_tokens": good.input_tokens,
        "completion_tokens": good.output_tokens,
        "total_tokens": good.input_tokens + good.output_tokens,
    }


def completion_chunk(
    model: str, delta: Mapping[str, Any], finish: str | None = None
) -> dict[str, Any]:
    """Return one event's data of a streamed chat completion."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1700000000,
        "model": model,
        "choices": [{"index": 0, "delta": dict(delta), "logprobs": None, "finish_reason": finish}],
    }


def completion_events(asked: Asked, good: Good, model: str) -> list[bytes]:
    """Return the events of a chat completion that is streamed."""
    deltas: list[Mapping[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": part} for part in good.parts]
    if good.refusal is not None:
        deltas.append({"refusal": good.refusal})
    calls = [{"index": at, **_tool_call(call)} for at, call in enumerate(good.calls)]
    deltas += [{"tool_calls": [call]} for call in calls]
    documents = [completion_chunk(model, delta) for delta in deltas]
    documents.append(completion_chunk(model, {}, good.finish))
    if value_at(asked.document, "stream_options", "include_usage"):
        documents.append({**completion_chunk(model, {}), "choices": [], "usage": _chat_usage(good)})
    return [*map(event, documents), DONE]
