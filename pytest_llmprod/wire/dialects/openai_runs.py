"""OpenAI runs: runs of the Assistants API, which OpenAI ended in August 2026, plain and streamed.

Recordings of them are still about, and Azure and others still speak them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from pytest_llmprod.core.exchange import ToolCall
from pytest_llmprod.wire.dialects.dialect import Answer
from pytest_llmprod.wire.dialects.loose import Json, decoded, mapping, mappings, text
from pytest_llmprod.wire.dialects.openai_usage import read_usage

_UNFINISHED = ("queued", "in_progress", "cancelling")


def read_run(body: Mapping[str, Json]) -> Answer:
    """Read a run. What it said stands in the messages of its thread, which are asked for apart."""
    status = text(body.get("status"))
    return Answer(
        model=text(body.get("model")),
        usage=read_usage(body.get("usage")),
        finish_reasons=(status,) if status and status not in _UNFINISHED else (),
        tool_calls=tuple(_tool_calls(body.get("required_action"))),
    )


def read_run_stream(events: Sequence[Json]) -> Answer:
    """Read the events of a streamed run: the last state of the run, and the text of its message."""
    answer = Answer()
    said: list[str] = []
    for event in mappings(events):
        if event.get("object") == "thread.run":  # its steps count the same tokens once more
            answer = read_run(event)
        if event.get("object") == "thread.message.delta":
            parts = mapping(event.get("delta")).get("content")
            said += (text(mapping(part.get("text")).get("value")) for part in mappings(parts))
    return replace(answer, text="".join(said))


def _tool_calls(action: Json) -> Iterator[ToolCall]:
    for call in mappings(mapping(mapping(action).get("submit_tool_outputs")).get("tool_calls")):
        function = mapping(call.get("function"))
        yield ToolCall(
            name=text(function.get("name")),
            arguments=decoded(function.get("arguments")),
            id=text(call.get("id")),
        )
