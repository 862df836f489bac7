"""Dialects: how each provider's requests and answers are read.

A dialect is a row of data with two small functions. The built-in rows read OpenAI's wire, which
many other providers speak as well; others come in through the hook `pytest_llmprod_dialects`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_llmprod.core.exchange import ToolCall, Usage
from pytest_llmprod.wire.bodies import join_lines, join_text

Json = Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an answer says about itself: the model that gave it, its tokens, and what it says.

    `finish_reasons` has one entry for each choice, in the provider's words; `refusal` the text of a
    refusal or the provider's reason for one.
    """

    model: str = ""
    usage: Usage | None = None
    text: str = ""
    finish_reasons: tuple[str, ...] = ()
    refusal: str = ""
    tool_calls: tuple[ToolCall, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One operation of one provider.

    `path_suffix` is how the URL's path ends, for instance `/chat/completions`. `read` takes the
    decoded JSON body of an answer, `read_stream` the decoded `data` of each event in order.
    `generates` says whether `--llm-model` may replace the model of such a request.
    """

    provider: str
    operation: str
    path_suffix: str
    read: Callable[[Mapping[str, Json]], Answer]
    read_stream: Callable[[Sequence[Json]], Answer]
    generates: bool = True


def find_dialect(dialects: Sequence[Dialect], path: str) -> Dialect | None:
    """Return the first dialect whose path suffix `path` ends with, or None."""
    for dialect in dialects:
        if path.endswith(dialect.path_suffix):
            return dialect
    return None


def read_plain(dialect: Dialect | None, stored: Mapping[str, Json]) -> Answer:
    """Read the stored body of an answer that was not streamed."""
    return read_document(dialect, join_lines(stored["json"])) if "json" in stored else Answer()


def read_document(dialect: Dialect | None, document: Json) -> Answer:
    """Read the JSON value of an answer that was not streamed."""
    if dialect is None or not isinstance(document, dict):
        return Answer()
    return dialect.read(document)


def stored_text(dialect: Dialect | None, stored: Mapping[str, Json]) -> str:
    """Return the text of a stored answer for a reader, streamed or not."""
    if "stream" in stored:
        return join_text(stored.get("text", ""))
    return read_plain(dialect, stored).text


def _count(values: Mapping[str, Json], name: str) -> int:
    value = values.get(name)
    return value if isinstance(value, int) else 0


def _detail(usage: Mapping[str, Json], group: str, name: str) -> int:
    details = usage.get(group)
    return _count(details, name) if isinstance(details, Mapping) else 0


def _chat_usage(usage: Json) -> Usage | None:
    if not isinstance(usage, Mapping):
        return None
    return Usage(
        input_tokens=_count(usage, "prompt_tokens"),
        output_tokens=_count(usage, "completion_tokens"),
        cache_read_tokens=_detail(usage, "prompt_tokens_details", "cached_tokens"),
        reasoning_tokens=_detail(usage, "completion_tokens_details", "reasoning_tokens"),
    )


def _first_choice(body: Mapping[str, Json], part: str) -> Mapping[str, Json]:
    choices = body.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], Mapping):
        return {}
    found = choices[0].get(part)
    return found if isinstance(found, Mapping) else {}


def _as_text(value: Json) -> str:
    return value if isinstance(value, str) else ""


def read_chat(body: Mapping[str, Json]) -> Answer:
    """Read an OpenAI chat completion."""
    message = _first_choice(body, "message")
    return Answer(
        model=_as_text(body.get("model")),
        usage=_chat_usage(body.get("usage")),
        text=_as_text(message.get("content")) or _as_text(message.get("refusal")),
    )


def read_chat_stream(events: Sequence[Json]) -> Answer:
    """Read the chunks of a streamed OpenAI chat completion."""
    model = ""
    usage: Usage | None = None
    parts: list[str] = []
    for event in events:
        if not isinstance(event, Mapping):
            continue
        model = model or _as_text(event.get("model"))
        usage = _chat_usage(event.get("usage")) or usage
        parts.append(_as_text(_first_choice(event, "delta").get("content")))
    return Answer(model=model, usage=usage, text="".join(parts))


def _responses_usage(usage: Json) -> Usage | None:
    if not isinstance(usage, Mapping):
        return None
    return Usage(
        input_tokens=_count(usage, "input_tokens"),
        output_tokens=_count(usage, "output_tokens"),
        cache_read_tokens=_detail(usage, "input_tokens_details", "cached_tokens"),
        reasoning_tokens=_detail(usage, "output_tokens_details", "reasoning_tokens"),
    )


def _responses_text(body: Mapping[str, Json]) -> str:
    parts: list[str] = []
    output = body.get("output")
    for item in output if isinstance(output, list) else []:
        content = item.get("content") if isinstance(item, Mapping) else None
        for part in content if isinstance(content, list) else []:
            if isinstance(part, Mapping):
                parts.append(_as_text(part.get("text")) or _as_text(part.get("refusal")))
    return "".join(parts)


def read_responses(body: Mapping[str, Json]) -> Answer:
    """Read an answer of OpenAI's Responses API."""
    return Answer(
        model=_as_text(body.get("model")),
        usage=_responses_usage(body.get("usage")),
        text=_responses_text(body),
    )


def read_responses_stream(events: Sequence[Json]) -> Answer:
    """Read the events of a streamed answer of OpenAI's Responses API.

    The last event that carries the whole response wins; the text of an answer that was cut short
    is put together from its deltas.
    """
    answer = Answer()
    parts: list[str] = []
    for event in events:
        if not isinstance(event, Mapping):
            continue
        if isinstance(event.get("response"), Mapping):
            answer = read_responses(event["response"])
        if event.get("type") == "response.output_text.delta":
            parts.append(_as_text(event.get("delta")))
    if answer.text:
        return answer
    return Answer(model=answer.model, usage=answer.usage, text="".join(parts))


def read_embeddings(body: Mapping[str, Json]) -> Answer:
    """Read an OpenAI embeddings answer; its text is empty."""
    return Answer(model=_as_text(body.get("model")), usage=_chat_usage(body.get("usage")))


def _read_no_stream(events: Sequence[Json]) -> Answer:
    del events
    return Answer()


BUILT_IN: tuple[Dialect, ...] = (
    Dialect(
        provider="openai",
        operation="chat",
        path_suffix="/chat/completions",
        read=read_chat,
        read_stream=read_chat_stream,
    ),
    Dialect(
        provider="openai",
        operation="responses",
        path_suffix="/responses",
        read=read_responses,
        read_stream=read_responses_stream,
    ),
    Dialect(
        provider="openai",
        operation="embeddings",
        path_suffix="/embeddings",
        read=read_embeddings,
        read_stream=_read_no_stream,
        generates=False,
    ),
)
