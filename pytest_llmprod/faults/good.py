"""Good: what a provider answers when all is well, whatever the API.

Faults are made from it: they slow it, cut it, or change a part of it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_llmprod.core.faulting import Asked
from pytest_llmprod.faults.schema_instance import instance_of


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
    chat = value_at(document, "response_format", "json_schema", "schema")
    return chat if chat is not None else value_at(document, "text", "format", "schema")


def _wants_json(document: Mapping[str, Any]) -> bool:
    kinds = (
        value_at(document, "response_format", "type"),
        value_at(document, "text", "format", "type"),
    )
    return "json_object" in kinds


def value_at(document: Any, *names: str) -> Any:
    """Return what stands in nested objects under these names, None where there is nothing."""
    for name in names:
        document = document.get(name) if isinstance(document, Mapping) else None
    return document
