"""Reading: what a recorded answer says, so that a fault can be made of it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from pytest_llmprod.core.faulting import Asked, WireAnswer
from pytest_llmprod.faults.good import Good


def good_of(asked: Asked, answer: WireAnswer) -> Good | None:
    """Return what an answer says, None where it is no good one or says no text."""
    if answer.status != 200:
        return None
    documents = list(_documents(answer))
    texts = [text for each in documents if (text := _text_in(asked, each))]
    if not texts:
        return None
    named = [each.get("model") or _nested_model(each) for each in documents]
    good = Good(text="".join(texts), model=next(filter(None, named), ""))
    return replace(good, chunks=tuple(texts)) if asked.stream else good


def _documents(answer: WireAnswer) -> Iterator[Mapping[str, Any]]:
    text = answer.body.decode("utf-8", "replace")
    is_events = any(value.startswith("text/event-stream") for _, value in answer.headers)
    data = [line[5:] for line in text.splitlines() if line.startswith("data:")]
    for each in data if is_events else [text]:
        try:
            document = json.loads(each)
        except ValueError:
            continue
        if isinstance(document, dict):
            yield document


def _nested_model(document: Mapping[str, Any]) -> str:
    for name in ("message", "response"):
        inner = document.get(name)
        if isinstance(inner, dict):
            return str(inner.get("model") or "")
    return ""


def _text_in(asked: Asked, document: Mapping[str, Any]) -> str:
    """Return the text that a document or an event of a stream brings, '' for none."""
    if asked.api == "chat":
        choices = document.get("choices") or [{}]
        said = choices[0].get("delta" if asked.stream else "message") or {}
        return str(said.get("content") or "")
    if asked.stream:
        is_text = document.get("type") in ("response.output_text.delta", "content_block_delta")
        delta = document.get("delta") if is_text else ""
        return str(delta.get("text", "") if isinstance(delta, dict) else delta)
    items = document.get("output") if asked.api == "responses" else [document]
    contents = [part for item in items or () for part in item.get("content") or ()]
    return "".join(str(part.get("text") or "") for part in contents)
