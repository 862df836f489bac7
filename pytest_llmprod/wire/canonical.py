"""Canonical: the body of a request without what differs from one run to the next.

Ids that a provider or a client makes up become ordinals, and long base64 payloads become digests.
"""

import base64
import hashlib
import re
from typing import Any

#: Fields that name the caller or the try rather than the question.
VOLATILE_FIELDS = frozenset(
    {"idempotency_key", "metadata", "prompt_cache_key", "safety_identifier", "user"}
)
# Parameters that every provider reads as a float: 1 and 1.0 ask the same. An integer such as
# `max_tokens` is not among them, for a provider may answer 1000 and refuse 1000.0.
_FLOATS = frozenset(
    {
        *("frequencyPenalty", "frequency_penalty", "min_p", "presencePenalty", "presence_penalty"),
        *("repetition_penalty", "temperature", "topP", "top_p"),
    }
)
#: Where Gemini and Bedrock have such parameters; others have them beside the model.
_PARAMETERS = ("generationConfig", "generation_config", "inferenceConfig")
#: So many characters of base64 are a payload: a file, an image, a sound.
LONG = 1000
_PAYLOAD = re.compile(rf"(data:[^,\s]{{0,200}};base64,)?([A-Za-z0-9+/_-]{{{LONG},}})(={{0,2}})")
_ID_MEMBERS = frozenset(
    {
        "call_id",
        "item_id",
        "previous_response_id",
        "response_id",
        "toolUseId",
        "tool_call_id",
        "tool_use_id",
    }
)
_CONVERSATION = ("contents", "input", "messages", "previous_response_id")
_CALL_MEMBERS = frozenset({"functionCall", "functionResponse", "function_call"})
#: The types of items whose `id` the provider or the client made up.
_ITEM = re.compile("tool|function|call|reasoning|message|item_reference")
#: What the application or the model says in JSON of its own, where an `id` has a meaning.
_OPAQUE = frozenset({"args", "arguments", "input", "output", "parameters", "response", "schema"})


def may_hold_payload(body: bytes) -> bool:
    """Say whether a JSON body can hold a base64 payload that `digest_payloads` would digest."""
    if len(body) < LONG:
        return False
    return any(len(piece) >= LONG and b" " not in piece for piece in body.split(b'"'))


def digest_payloads(document: Any) -> Any:
    """Return the JSON value with every base64 payload of `LONG` characters or more digested.

    A digest reads `sha256:<hex> (<bytes> bytes)`, after the `data:` prefix where there is one.
    """
    if isinstance(document, str):
        return _digested(document) if len(document) >= LONG else document
    if isinstance(document, list):
        return [digest_payloads(item) for item in document]
    if isinstance(document, dict):
        return {name: digest_payloads(item) for name, item in document.items()}
    return document


def payload_of(text: str) -> bytes | None:
    """Return the bytes of a text that is nothing but a long base64 payload, None for others."""
    match = _PAYLOAD.fullmatch(text) if len(text) >= LONG else None
    if match is None:
        return None
    plain = match[2].replace("-", "+").replace("_", "/")
    plain = plain[: len(plain) - (len(plain) % 4 == 1)]
    return base64.b64decode(plain + "=" * (-len(plain) % 4))


def _digested(text: str) -> str:
    match = _PAYLOAD.fullmatch(text)
    if match is None:
        return text
    prefix, payload, padding = match.groups()
    size = len(payload) * 3 // 4
    return f"{prefix or ''}{digest_of(f'{payload}{padding}'.encode(), size)}"


def digest_of(content: bytes, size: int) -> str:
    """Return what stands in place of `content`, which is or encodes `size` bytes."""
    return f"sha256:{hashlib.sha256(content).hexdigest()} ({size} bytes)"


def without_volatile(document: Any) -> Any:
    """Return a request's document without the fields that name the caller or the try."""
    if not isinstance(document, dict) or VOLATILE_FIELDS.isdisjoint(document):
        return document
    return {name: value for name, value in document.items() if name not in VOLATILE_FIELDS}


def with_whole_floats(document: Any) -> Any:
    """Return a request's document with float parameters that are whole written as integers."""
    if not isinstance(document, dict):
        return document
    found: dict[str, Any] = {
        name: int(value)
        for name, value in document.items()
        if isinstance(value, float) and name in _FLOATS and value.is_integer()
    }
    for name in _PARAMETERS:
        if name in document:
            found[name] = with_whole_floats(document[name])
    return {**document, **found} if found else document


def may_hold_ids(text: str) -> bool:
    """Say whether JSON text can hold an id that `with_ordinals` would rewrite."""
    return 'id":' in text or 'Id":' in text


def with_ordinals(document: Any) -> Any:
    """Return a request's document with the ids of calls, answers and items as ordinals.

    The first id that is met becomes `id#1`, the next `id#2`, and each keeps its ordinal wherever it
    occurs again, so that an answer of a tool still belongs to its call.
    """
    if not isinstance(document, dict):
        return document
    ordinals: dict[str, str] = {}
    conversation = {name: document[name] for name in _CONVERSATION if name in document}
    return {**document, **_with_ordinals(conversation, ordinals)}


def _with_ordinals(value: Any, ordinals: dict[str, str]) -> Any:
    if isinstance(value, list):
        return [_with_ordinals(item, ordinals) for item in value]
    if not isinstance(value, dict):
        return value
    kind = value.get("type")
    is_item = isinstance(kind, str) and _ITEM.search(kind) is not None
    found: dict[str, Any] = {}
    for name in sorted(value):  # the order of members must not decide about ordinals
        item = value[name]
        if isinstance(item, str):
            is_id = name in _ID_MEMBERS or (name == "id" and is_item)
            found[name] = ordinals.setdefault(item, f"id#{len(ordinals) + 1}") if is_id else item
        elif isinstance(item, dict) and name in _OPAQUE:
            found[name] = item
        elif isinstance(item, dict) and name in _CALL_MEMBERS and isinstance(item.get("id"), str):
            ordinal = ordinals.setdefault(item["id"], f"id#{len(ordinals) + 1}")
            found[name] = {**item, "id": ordinal}
        else:
            found[name] = _with_ordinals(item, ordinals)
    return found
