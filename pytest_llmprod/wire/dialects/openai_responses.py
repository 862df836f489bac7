"""OpenAI responses: answers of the Responses API, plain and streamed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pytest_llmprod.core.exchange import ToolCall
from pytest_llmprod.wire.dialects.dialect import Answer
from pytest_llmprod.wire.dialects.loose import Json, decoded, mapping, mappings, text, whole
from pytest_llmprod.wire.dialects.openai_chat import FILTERED
from pytest_llmprod.wire.dialects.openai_usage import read_usage

_UNFINISHED = ("queued", "in_progress")
_CALLS = ("function_call", "custom_tool_call")
_SAID = ("response.output_text.delta", "response.refusal.delta")
_ARGUMENTS = ("response.function_call_arguments.delta", "response.custom_tool_call_input.delta")


def read_responses(body: Mapping[str, Json]) -> Answer:
    """Read an answer of the Responses API.

    Its one finish reason is why it is incomplete, or else its status once that is final.
    """
    parts = list(_parts(body.get("output")))
    status = text(body.get("status"))
    reason = text(mapping(body.get("incomplete_details")).get("reason")) or status
    refusal = "".join(text(part.get("refusal")) for part in parts)
    if FILTERED in (reason, mapping(body.get("error")).get("code")):
        refusal = refusal or FILTERED
    return Answer(
        model=text(body.get("model")),
        usage=read_usage(body.get("usage")),
        text="".join(text(part.get("text")) or text(part.get("refusal")) for part in parts),
        finish_reasons=(reason,) if reason and status not in _UNFINISHED else (),
        refusal=refusal,
        tool_calls=tuple(_tool_calls(body.get("output"))),
    )


def _parts(output: Json) -> Iterator[Mapping[str, Json]]:
    """Yield the parts of the messages in `output`; what was thought is no message."""
    for item in mappings(output):
        if item.get("type") == "message":
            yield from mappings(item.get("content"))


def _tool_calls(output: Json) -> Iterator[ToolCall]:
    for item in mappings(output):
        if item.get("type") in _CALLS:
            arguments = item.get("arguments", item.get("input"))
            yield ToolCall(
                name=text(item.get("name")),
                arguments=decoded(arguments),
                id=text(item.get("call_id")),
            )


def read_responses_stream(events: Sequence[Json]) -> Answer:
    """Read the events of a streamed answer of the Responses API.

    The last event that carries the whole response wins. What an answer that was cut short said and
    called is put together from its deltas.
    """
    whole_response = Answer()
    heard = _Heard()
    for event in mappings(events):
        if isinstance(event.get("response"), dict):
            whole_response = read_responses(event["response"])
        heard.add(event)
    if whole_response.text or whole_response.tool_calls:
        return whole_response
    return replace(
        whole_response,
        text="".join(heard.said),
        refusal="".join(heard.refused) or whole_response.refusal,
        tool_calls=tuple(_tool_calls(heard.items())),
    )


@dataclass(slots=True)
class _Heard:
    """What came before a stream was cut."""

    said: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    _items: dict[int, Mapping[str, Json]] = field(default_factory=dict)
    _arguments: dict[int, list[str]] = field(default_factory=dict)

    def add(self, event: Mapping[str, Json]) -> None:
        kind = event.get("type")
        index = whole(event.get("output_index")) or 0
        delta = text(event.get("delta"))
        if kind in _SAID:
            self.said.append(delta)
        if kind == "response.refusal.delta":
            self.refused.append(delta)
        if kind in _ARGUMENTS:
            self._arguments.setdefault(index, []).append(delta)
        if kind in ("response.output_item.added", "response.output_item.done"):
            self._items[index] = mapping(event.get("item"))

    def items(self) -> list[Mapping[str, Json]]:
        """Return the items in their order, with the arguments that came so far."""
        return [self._item(index) for index in sorted(self._items)]

    def _item(self, index: int) -> Mapping[str, Json]:
        item = self._items[index]
        if index not in self._arguments:
            return item
        return {**item, "arguments": "".join(self._arguments[index])}
