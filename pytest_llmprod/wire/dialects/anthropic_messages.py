"""Anthropic messages: answers of the Messages API, plain and streamed.

Bedrock and Vertex hand on the same documents under paths of their own.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pytest_llmprod.core.exchange import ToolCall, Usage
from pytest_llmprod.wire.dialects.dialect import Answer
from pytest_llmprod.wire.dialects.loose import Json, count, decoded, mapping, mappings, text, whole

_COUNTED_APART = ("compaction", "advisor_message")


def read_messages(body: Mapping[str, Json]) -> Answer:
    """Read a message. Text, tool calls and the rest are blocks of its content, in order."""
    return _answer(body, mappings(body.get("content")))


def read_messages_stream(events: Sequence[Json]) -> Answer:
    """Read the events of a streamed message.

    The first event holds the message without its content, each later one what is new about a block,
    and the last but one why it ended, with counts that replace those of the first.
    """
    message: dict[str, Json] = {}
    usage: dict[str, Json] = {}
    blocks: dict[int, _Block] = {}
    for event in mappings(events):
        kind = event.get("type")
        index = whole(event.get("index")) or 0
        if kind == "message_start":
            message |= mapping(event.get("message"))
            usage |= _counted(message.get("usage"))
        elif kind == "content_block_start":
            blocks[index] = _Block(mapping(event.get("content_block")))
        elif kind == "content_block_delta" and index in blocks:
            blocks[index].add(mapping(event.get("delta")))
        elif kind == "message_delta":
            message |= mapping(event.get("delta"))
            usage |= _counted(event.get("usage"))
    message["usage"] = usage
    return _answer(message, (blocks[index].joined() for index in sorted(blocks)))


@dataclass(slots=True)
class _Block:
    """A block of content that comes in pieces."""

    start: Mapping[str, Json]
    said: list[str] = field(default_factory=list)
    arguments: list[str] = field(default_factory=list)

    def add(self, delta: Mapping[str, Json]) -> None:
        self.said.append(text(delta.get("text")))
        self.arguments.append(text(delta.get("partial_json")))

    def joined(self) -> Mapping[str, Json]:
        arguments = "".join(self.arguments)
        return {
            **self.start,
            "text": text(self.start.get("text")) + "".join(self.said),
            "input": decoded(arguments) if arguments else self.start.get("input"),
        }


def _counted(usage: Json) -> dict[str, Json]:
    return {name: value for name, value in mapping(usage).items() if value is not None}


def _answer(message: Mapping[str, Json], content: Iterable[Mapping[str, Json]]) -> Answer:
    blocks = list(content)
    reason = text(message.get("stop_reason"))
    refusal = ""
    if reason == "refusal":
        details = mapping(message.get("stop_details"))
        refusal = text(details.get("explanation")) or text(details.get("category")) or reason
    return Answer(
        model=text(message.get("model")),
        usage=_usage(message.get("usage")),
        text="".join(text(each.get("text")) for each in blocks if each.get("type") == "text"),
        finish_reasons=(reason,) if reason else (),
        refusal=refusal,
        tool_calls=tuple(_tool_calls(blocks)),
    )


def _tool_calls(blocks: Iterable[Mapping[str, Json]]) -> Iterator[ToolCall]:
    for block in blocks:
        if block.get("type") == "tool_use":
            yield ToolCall(
                name=text(block.get("name")),
                arguments=block.get("input"),
                id=text(block.get("id")),
            )


def _usage(usage: Json) -> Usage | None:
    """Return the tokens of a message and of what the provider asked of a model to make it.

    `input_tokens` leaves out what was written to the cache and read from it. The counts of the
    message leave out those of a compaction and of an advisor, which are billed as well:
    https://platform.claude.com/docs/en/build-with-claude/compaction.
    """
    if not isinstance(usage, dict):
        return None
    if whole(usage.get("input_tokens")) is None and whole(usage.get("output_tokens")) is None:
        return None
    counts: list[Mapping[str, Json]] = [usage]
    for step in mappings(usage.get("iterations")):
        if step.get("type") in _COUNTED_APART:
            counts.append(step)
    read = sum(count(each, "cache_read_input_tokens") for each in counts)
    written = sum(count(each, "cache_creation_input_tokens") for each in counts)
    return Usage(
        input_tokens=sum(count(each, "input_tokens") for each in counts) + read + written,
        output_tokens=sum(count(each, "output_tokens") for each in counts),
        cache_read_tokens=read,
        cache_write_tokens=written,
        reasoning_tokens=count(usage.get("output_tokens_details"), "thinking_tokens"),
    )
