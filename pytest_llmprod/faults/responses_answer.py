"""Responses answer: a good answer as OpenAI's Responses API tells it."""

from collections.abc import Mapping
from typing import Any

from pytest_llmprod.faults.good import Good
from pytest_llmprod.faults.http_answer import event

_RESPONSE_ENDS = {"length": "max_output_tokens", "content_filter": "content_filter"}


def response(good: Good, model: str) -> dict[str, Any]:
    """Return the JSON of a response by `model`."""
    reason = _RESPONSE_ENDS.get(good.finish)
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1700000000,
        "model": model,
        "status": "incomplete" if reason else "completed",
        "error": None,
        "incomplete_details": {"reason": reason} if reason else None,
        "instructions": None,
        "metadata": {},
        "output": _output_items(good),
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": {
            "input_tokens": good.input_tokens,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": good.output_tokens,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": good.input_tokens + good.output_tokens,
        },
        **good.extra,
    }


def _output_items(good: Good) -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = []
    if good.text is not None:
        content.append({"type": "output_text", "text": good.text, "annotations": []})
    if good.refusal is not None:
        content.append({"type": "refusal", "refusal": good.refusal})
    items: list[dict[str, Any]] = []
    if content:
        items.append(
            {
                "id": "msg_1",
                "type": "message",
                "role": "assistant",
                "status": "completed",
                "content": content,
            }
        )
    for call in good.calls:
        items.append(
            {
                "id": f"fc_{call.id}",
                "type": "function_call",
                "call_id": call.id,
                "name": call.name,
                "arguments": call.arguments,
                "status": "completed",
            }
        )
    return items


def response_events(good: Good, model: str) -> list[bytes]:
    """Return the events of a response that is streamed."""
    whole = response(good, model)
    begun = {**whole, "status": "in_progress", "output": [], "usage": None}
    begun["incomplete_details"] = None
    found: list[dict[str, Any]] = [
        {"type": "response.created", "response": begun},
        {"type": "response.in_progress", "response": begun},
    ]
    for at, item in enumerate(whole["output"]):
        empty: dict[str, Any] = {"content": []} if item["type"] == "message" else {"arguments": ""}
        opened = {**item, "status": "in_progress", **empty}
        found.append({"type": "response.output_item.added", "output_index": at, "item": opened})
        found += _item_events(good, item, at)
        found.append({"type": "response.output_item.done", "output_index": at, "item": item})
    found.append({"type": f"response.{whole['status']}", "response": whole})
    numbered = [{**each, "sequence_number": number} for number, each in enumerate(found)]
    return [event(each, each["type"]) for each in numbered]


def _item_events(good: Good, item: Mapping[str, Any], at: int) -> list[dict[str, Any]]:
    place: dict[str, Any] = {"item_id": item["id"], "output_index": at}
    if item["type"] == "function_call":
        arguments = item["arguments"]
        kind = "response.function_call_arguments"
        return [
            {"type": f"{kind}.delta", **place, "delta": arguments},
            {"type": f"{kind}.done", **place, "name": item["name"], "arguments": arguments},
        ]
    found: list[dict[str, Any]] = []
    for number, part in enumerate(item["content"]):
        is_text = part["type"] == "output_text"
        kind, key = ("output_text", "text") if is_text else ("refusal", "refusal")
        inside = {**place, "content_index": number}
        empty = {**part, key: ""}
        found.append({"type": "response.content_part.added", **inside, "part": empty})
        pieces = good.parts if is_text else (part[key],)
        more: dict[str, Any] = {"logprobs": []} if is_text else {}
        found += [
            {"type": f"response.{kind}.delta", **inside, "delta": each, **more} for each in pieces
        ]
        found.append({"type": f"response.{kind}.done", **inside, key: part[key], **more})
        found.append({"type": "response.content_part.done", **inside, "part": part})
    return found
