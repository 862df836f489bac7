"""Messages answer: a good answer as Anthropic's Messages API tells it."""

import json
from collections.abc import Mapping
from typing import Any

from pytest_llmprod.faults.good import Good
from pytest_llmprod.faults.http_answer import event

_STOP_REASONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "content_filter": "refusal",
    "tool_calls": "tool_use",
}


def message(good: Good, model: str) -> dict[str, Any]:
    """Return the JSON of a message by `model`."""
    text = good.refusal if good.text is None else good.text
    content: list[dict[str, Any]] = [] if text is None else [{"type": "text", "text": text}]
    for call in good.calls:
        arguments = _json_or_empty(call.arguments)
        content.append({"type": "tool_use", "id": call.id, "name": call.name, "input": arguments})
    stop = "refusal" if good.refusal is not None else _STOP_REASONS.get(good.finish, good.finish)
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": {"input_tokens": good.input_tokens, "output_tokens": good.output_tokens},
        **good.extra,
    }


def _json_or_empty(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return {}


def message_events(good: Good, model: str) -> list[bytes]:
    """Return the events of a message that is streamed."""
    whole = message(good, model)
    begun = {**whole, "content": [], "stop_reason": None}
    found: list[dict[str, Any]] = [{"type": "message_start", "message": begun}]
    for index, block in enumerate(whole["content"]):
        found += _block_events(good, block, index)
    found.append(
        {
            "type": "message_delta",
            "delta": {"stop_reason": whole["stop_reason"], "stop_sequence": None},
            "usage": {"output_tokens": good.output_tokens},
        }
    )
    found.append({"type": "message_stop"})
    return [event(each, each["type"]) for each in found]


def _block_events(good: Good, block: Mapping[str, Any], index: int) -> list[dict[str, Any]]:
    if block["type"] == "text":
        opened: dict[str, Any] = {"type": "text", "text": ""}
        parts = good.parts if good.text is not None else (block["text"],)
        deltas = [{"type": "text_delta", "text": part} for part in parts]
    else:
        opened = {**block, "input": {}}
        arguments = json.dumps(block["input"])
        deltas = [{"type": "input_json_delta", "partial_json": arguments}]
    return [
        {"type": "content_block_start", "index": index, "content_block": opened},
        *({"type": "content_block_delta", "index": index, "delta": each} for each in deltas),
        {"type": "content_block_stop", "index": index},
    ]
