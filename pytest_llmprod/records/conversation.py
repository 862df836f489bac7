"""Conversation: who said what in a request, in the words of any provider."""

import json
from collections.abc import Iterator
from typing import Any

_NAMES = ("messages", "input", "contents")  # what providers call it
_TEXTS = ("text", "content")  # what they call a text in it, and what OpenTelemetry does


def turns(request: Any) -> Iterator[tuple[str, str]]:
    """Yield (role, text) of each message of a request, system prompts first.

    The role is '' where the request is no conversation: the text is its JSON then.
    """
    if isinstance(request, str):
        yield "user", request
        return
    if not isinstance(request, dict):
        yield "", as_json(request)
        return
    for name in ("system", "instructions"):
        if name in request:
            yield "system", _text(request[name])
    said = next((request[name] for name in _NAMES if name in request), None)
    if isinstance(said, list):
        yield from map(_turn, said)
    elif said is not None:
        yield "user", _text(said)
    else:
        yield "", as_json(request)


def _turn(message: Any) -> tuple[str, str]:
    if isinstance(message, str):
        return "user", message
    if not isinstance(message, dict) or not isinstance(message.get("role"), str):
        return "", _text(message)
    said = message.get("content", message.get("parts"))
    if said is None:
        said = {name: value for name, value in message.items() if name != "role"}
    return message["role"], _text(said)


def _text(said: Any) -> str:
    if isinstance(said, str):
        return said
    if isinstance(said, list):
        return "\n".join(map(_text, said))
    if isinstance(said, dict):
        for name in _TEXTS:
            if isinstance(said.get(name), str):
                return str(said[name])
    return as_json(said)


def messages(request: Any) -> list[dict[str, Any]]:
    """Return the conversation of a request as OpenTelemetry writes it."""
    return [message(role, text) for role, text in turns(request) if role]


def message(role: str, text: str) -> dict[str, Any]:
    """Return a text as a message of OpenTelemetry's."""
    return {"role": role, "parts": [{"type": "text", "content": text}]}


def as_json(value: Any) -> str:
    """Return a value as JSON for a reader."""
    return json.dumps(value, ensure_ascii=False)
