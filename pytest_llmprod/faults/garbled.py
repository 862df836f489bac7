"""Garbled: the faults that come as a status of 200 with a body that is not what was asked for."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from pytest_llmprod.core.fault_names import Group
from pytest_llmprod.core.faulting import Asked, WireAnswer
from pytest_llmprod.faults.embeddings_answer import encoded
from pytest_llmprod.faults.fault import Fault
from pytest_llmprod.faults.good import Call, Good
from pytest_llmprod.faults.good_answer import answer_of, document_of
from pytest_llmprod.faults.http_answer import body_answer, json_answer

_PAGE = b"<!doctype html><html><body>We will be back soon.</body></html>"
_FOREIGN = "Lo siento, hoy no puedo responder en el idioma que me pide."


def _bytes(change: Callable[[bytes], bytes], kind: str = "application/json") -> Any:
    """Return a builder that changes the bytes of an answer that is not streamed."""

    def build(asked: Asked, good: Good) -> WireAnswer | None:
        if asked.stream:
            return None
        whole = answer_of(asked, good).body
        return body_answer(change(whole), headers=(("content-type", kind),))

    return build


def _document(change: Callable[[dict[str, Any]], Any], *apis: str) -> Any:
    """Return a builder that changes the JSON of an answer of one of `apis`."""

    def build(asked: Asked, good: Good) -> WireAnswer | None:
        if asked.stream or asked.api not in apis:
            return None
        return json_answer(change(document_of(asked, good)))

    return build


def _said(change: Callable[[Good], Good], *apis: str) -> Any:
    """Return a builder that changes what the model says, streamed or not."""
    known = apis or ("chat", "responses", "messages")

    def build(asked: Asked, good: Good) -> WireAnswer | None:
        return answer_of(asked, change(good)) if asked.api in known else None

    return build


def _fault(
    name: str,
    what: str,
    build: Any,
    *,
    raises: str = "",
    usable: bool = False,
    partial: bool = False,
    group: Group = "garbage",
) -> Fault:
    return Fault(
        name=name,
        group=group,
        what=what,
        build=build,
        retryable=True,
        billable=True,
        raises=raises,
        usable=usable,
        partial=partial,
    )


def _half(body: bytes) -> bytes:
    return body[: len(body) // 2]


def _invalid_utf8(body: bytes) -> bytes:
    return body.replace(b'"', b'"\xff\xfe', 1)


def _with_choice(document: dict[str, Any], **values: Any) -> dict[str, Any]:
    choice = {**document["choices"][0], **values}
    return {**document, "choices": [choice]}


def _wrong_types(document: dict[str, Any]) -> Any:
    return {**document, "choices": {"0": "no list"}, "created": "yesterday", "usage": "many"}


def _not_a_number(body: bytes) -> bytes:
    return body.replace(b"1700000000", b"NaN", 1)


def _duplicate_keys(body: bytes) -> bytes:
    return b'{"id": "first", ' + body[1:]


def _error_document(asked: Asked, good: Good) -> WireAnswer | None:
    if asked.stream:
        return None
    error = {"message": "The server had an error.", "type": "server_error", "code": None}
    return json_answer({"error": error})


def _deprecated(asked: Asked, good: Good) -> WireAnswer:
    whole = answer_of(asked, good)
    told = (("deprecation", "@1798761600"), ("sunset", "Wed, 31 Mar 2027 00:00:00 GMT"))
    return replace(whole, headers=(*whole.headers, *told))


def _replaced_model(good: Good) -> Good:
    return replace(good, model="some-other-model-mini")


def _trebled(good: Good) -> Good:
    tokens_in, tokens_out = good.input_tokens * 3, good.output_tokens * 3
    return replace(good, input_tokens=tokens_in, output_tokens=tokens_out)


def _says(text: str | None, **more: Any) -> Callable[[Good], Good]:
    return lambda good: replace(good, text=text, chunks=None, **more)


def _nonsense(good: Good) -> Good:
    """Return JSON of the same shape with nonsense in it, or text that is none of the sort."""
    try:
        document = json.loads(good.text or "")
    except ValueError:
        return replace(good, text="Colourless green ideas sleep furiously.", chunks=None)
    return replace(good, text=json.dumps(_nonsense_value(document)), chunks=None)


def _nonsense_value(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _nonsense_value(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_nonsense_value(each) for each in value]
    if isinstance(value, bool) or value is None:
        return value
    return value[::-1] if isinstance(value, str) else -value


def _fenced(good: Good) -> Good:
    text = f"Sure! Here it is:\n```json\n{good.text}\n```"
    return replace(good, text=text, chunks=None)


def _cut_text(good: Good) -> Good:
    text = good.text or ""
    return replace(good, text=text[: max(1, len(text) // 2)], chunks=None)


def _calls(*calls: Call) -> Callable[[Good], Good]:
    return lambda good: replace(good, text=None, chunks=(), finish="tool_calls", calls=calls)


def _without_id(document: dict[str, Any]) -> Any:
    call = {"type": "function", "function": {"name": "lookup", "arguments": "{}"}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    return _with_choice(document, message=message, finish_reason="tool_calls")


def _short_vector(asked: Asked, good: Good) -> WireAnswer | None:
    if asked.api != "embeddings":
        return None
    document = document_of(asked, good)
    for item in document["data"]:
        item["embedding"] = encoded(asked, [1.0, 0.0, 0.0])
    return json_answer(document)


GARBLED: tuple[Fault, ...] = (
    _fault("truncated-json", "half a body of JSON", _bytes(_half), raises="JSONDecodeError"),
    _fault("empty-body", "no body", _bytes(lambda body: b""), raises="JSONDecodeError"),
    _fault(
        "invalid-utf8",
        "bytes that are no UTF-8",
        _bytes(_invalid_utf8),
        raises="UnicodeDecodeError",
    ),
    _fault("html-page", "a page of HTML", _bytes(lambda body: _PAGE, "text/html")),
    _fault("error-with-200", "an error object with status 200", _error_document),
    _fault("null-choices", "choices is null", _document(lambda d: {**d, "choices": None}, "chat")),
    _fault("no-choices", "choices is empty", _document(lambda d: {**d, "choices": []}, "chat")),
    _fault("wrong-types", "fields of other types", _document(_wrong_types, "chat")),
    _fault("json-array", "an array in place of an object", _document(lambda d: [d], "chat")),
    _fault("not-a-number", "NaN in the JSON", _bytes(_not_a_number), usable=True),
    _fault("duplicate-keys", "a key stands twice", _bytes(_duplicate_keys), usable=True),
    _fault(
        "unknown-finish-reason",
        "a finish_reason that nobody knows",
        _said(lambda good: replace(good, finish="vibes"), "chat"),
        usable=True,
    ),
    _fault(
        "usage-null",
        "usage is null",
        _document(lambda d: {**d, "usage": None}, "chat"),
        usable=True,
    ),
    _fault("model-replaced", "another model answers", _said(_replaced_model), usable=True),
    _fault(
        "fingerprint-changed",
        "another system_fingerprint",
        _document(lambda d: {**d, "system_fingerprint": "fp_other"}, "chat"),
        usable=True,
    ),
    _fault(
        "plausible-nonsense", "the right shape, with nonsense in it", _said(_nonsense), usable=True
    ),
    _fault("wrong-language", "an answer in another language", _said(_says(_FOREIGN)), usable=True),
    _fault(
        "token-loop",
        "the same words again and again, up to the limit",
        _said(_says("again and " * 200, finish="length")),
        partial=True,
    ),
    _fault("empty-content", "an empty text", _said(_says(""))),
    _fault("null-content", "no text and no refusal", _said(_says(None))),
    _fault("cut-text", "half the text, as if it were all", _said(_cut_text), partial=True),
    _fault("prose-around-json", "JSON in a fence, with words around", _said(_fenced), usable=True),
    _fault(
        "unknown-tool", "a call of a tool that does not exist", _said(_calls(Call(name="rm_rf")))
    ),
    _fault(
        "tool-bad-json",
        "a tool call whose arguments are no JSON",
        _said(_calls(Call(name="lookup", arguments='{"id": '))),
    ),
    _fault(
        "tool-ids-twice",
        "two tool calls with one id",
        _said(_calls(Call(name="lookup"), Call(name="lookup"))),
    ),
    _fault("tool-without-id", "a tool call without an id", _document(_without_id, "chat")),
    _fault("short-embedding", "a vector of another length", _short_vector),
    _fault(
        "deprecation-headers",
        "a good answer with headers that announce the model's end",
        _deprecated,
        usable=True,
        group="retired",
    ),
    _fault(
        "tokens-trebled",
        "a good answer that uses three times the tokens",
        _said(_trebled, "chat", "responses", "messages", "embeddings"),
        usable=True,
        group="expensive",
    ),
)
