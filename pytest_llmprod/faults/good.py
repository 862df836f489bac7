"""Good: an answer as a provider gives it when all is well, for any API and any text.

Faults are made from it: they slow it, cut it, or change a part of it.
"""

import base64
import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pytest_llmprod.core.faulting import Asked, WireAnswer
from pytest_llmprod.faults.schema_instance import instance_of

JSON = ("content-type", "application/json")
EVENTS = ("content-type", "text/event-stream")
_DIMENSIONS = 1536
_WORDS_A_CHUNK = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A tool call that the model asks for; `arguments` is JSON text."""

    name: str
    arguments: str = "{}"
    id: str = "call_1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Good:
    """What a good answer says, and how it ends.

    `text` is None where the model says nothing. `finish` is in OpenAI's words (stop, length,
    content_filter, tool_calls), whatever the API. `chunks` are the parts in which a stream brings
    the text, by default word by word, and `times` says when each comes, in seconds since the
    request. `model` is the name that answers, by default the one asked.
    """

    text: str | None
    finish: str = "stop"
    refusal: str | None = None
    calls: tuple[Call, ...] = ()
    chunks: tuple[str, ...] | None = None
    times: tuple[float, ...] = ()
    model: str = ""
    input_tokens: int = 20
    output_tokens: int = 10
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def parts(self) -> tuple[str, ...]:
        """Return the parts in which a stream brings the text."""
        if self.chunks is not None:
            return self.chunks
        words = (self.text or "").split(" ")
        lead = [f"{word} " for word in words[:-1]]
        return tuple(each for each in (*lead, words[-1]) if each)


def default_good(asked: Asked) -> Good:
    """Return an answer to a request of which nothing is known but the request itself.

    Where it asks for JSON of a schema, the text is the plainest JSON of that schema.
    """
    schema = _schema_of(asked.document)
    if schema is not None:
        return Good(text=json.dumps(instance_of(schema)))
    if _wants_json(asked.document):
        return Good(text="{}")
    return Good(text="This is a good answer that was made up for a test.")


def _schema_of(document: Mapping[str, Any]) -> Any:
    chat = _at(document, "response_format", "json_schema", "schema")
    return chat if chat is not None else _at(document, "text", "format", "schema")


def _wants_json(document: Mapping[str, Any]) -> bool:
    kinds = (_at(document, "response_format", "type"), _at(document, "text", "format", "type"))
    return "json_object" in kinds


def _at(document: Any, *names: str) -> Any:
    for name in names:
        document = document.get(name) if isinstance(document, Mapping) else None
    return document


def document_of(asked: Asked, good: Good) -> dict[str, Any]:
    """Return the JSON of a good answer that is not streamed."""
    model = good.model or asked.model or "gpt-test"
    if asked.api == "embeddings":
        return _embeddings(asked, good, model)
    if asked.api == "responses":
        return _response(good, model)
    if asked.api == "messages":
        return _message(good, model)
    return _completion(good, model)


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


def json_answer(
    document: Any, status: int = 200, headers: Sequence[tuple[str, str]] = ()
) -> WireAnswer:
    """Return `document` as an answer."""
    return body_answer(json.dumps(document).encode(), status, (JSON, *headers))


def body_answer(
    body: bytes, status: int = 200, headers: Sequence[tuple[str, str]] = (JSON,)
) -> WireAnswer:
    """Return an answer whose body is `body`."""
    return WireAnswer(status=status, headers=tuple(headers), pieces=((0.0, body),))


def stream_answer(events: Sequence[bytes]) -> WireAnswer:
    """Return an answer that streams `events`, each a piece of its own."""
    return WireAnswer(headers=(EVENTS,), pieces=tuple((0.0, event) for event in events))


def event(data: Any, name: str = "") -> bytes:
    """Return a server-sent event whose data is JSON, or text as it is."""
    text = data if isinstance(data, str) else json.dumps(data)
    return f"{f'event: {name}{chr(10)}' if name else ''}data: {text}\n\n".encode()


DONE = event("[DONE]")


def events_of(asked: Asked, good: Good) -> list[bytes]:
    """Return the events of a good answer that is streamed."""
    model = good.model or asked.model or "gpt-test"
    if asked.api == "responses":
        return _response_events(good, model)
    if asked.api == "messages":
        return _message_events(good, model)
    return _completion_events(asked, good, model)


def _completion(good: Good, model: str) -> dict[str, Any]:
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


def _completion_events(asked: Asked, good: Good, model: str) -> list[bytes]:
    deltas: list[Mapping[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": part} for part in good.parts]
    if good.refusal is not None:
        deltas.append({"refusal": good.refusal})
    calls = [{"index": at, **_tool_call(call)} for at, call in enumerate(good.calls)]
    deltas += [{"tool_calls": [call]} for call in calls]
    documents = [completion_chunk(model, delta) for delta in deltas]
    documents.append(completion_chunk(model, {}, good.finish))
    if _at(asked.document, "stream_options", "include_usage"):
        documents.append({**completion_chunk(model, {}), "choices": [], "usage": _chat_usage(good)})
    return [*map(event, documents), DONE]


def _embeddings(asked: Asked, good: Good, model: str) -> dict[str, Any]:
    given = asked.document.get("input")
    count = len(given) if isinstance(given, list) and given and isinstance(given[0], str) else 1
    size = asked.document.get("dimensions") or _DIMENSIONS
    vector = [1.0, *([0.0] * (int(size) - 1))]
    return {
        "object": "list",
        "model": model,
        "data": [
            {"object": "embedding", "index": index, "embedding": encoded(asked, vector)}
            for index in range(count)
        ],
        "usage": {"prompt_tokens": good.input_tokens, "total_tokens": good.input_tokens},
        **good.extra,
    }


def encoded(asked: Asked, vector: Sequence[float]) -> Any:
    """Return a vector in the encoding that the request asks for."""
    if asked.document.get("encoding_format") == "base64":
        return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
    return list(vector)


_RESPONSE_ENDS = {"length": "max_output_tokens", "content_filter": "content_filter"}


def _response(good: Good, model: str) -> dict[str, Any]:
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


def _response_events(good: Good, model: str) -> list[bytes]:
    whole = _response(good, model)
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


_STOP_REASONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "content_filter": "refusal",
    "tool_calls": "tool_use",
}


def _message(good: Good, model: str) -> dict[str, Any]:
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


def _message_events(good: Good, model: str) -> list[bytes]:
    whole = _message(good, model)
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
