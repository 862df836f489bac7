"""OpenAI chat: chat completions, the older completions, and embeddings, plain and streamed.

Mistral, Groq, Azure, DeepSeek, xAI and many others speak this wire, each with oddities of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pytest_llmprod.core.exchange import ToolCall, Usage
from pytest_llmprod.wire.dialects.dialect import Answer
from pytest_llmprod.wire.dialects.loose import Json, decoded, mapping, mappings, text, whole
from pytest_llmprod.wire.dialects.openai_usage import read_usage

FILTERED = "content_filter"
"""What OpenAI's wire calls it where a filter held back the prompt or the answer."""


def read_chat(body: Mapping[str, Json]) -> Answer:
    """Read a chat completion, or an older completion, whose choices hold `text`."""
    choices: dict[int, _Choice] = {}
    for number, choice in enumerate(mappings(body.get("choices"))):
        choices[number] = _Choice()
        choices[number].add(choice, mapping(choice.get("message")))
    return _answer(text(body.get("model")), _usage(body), choices, body.get("error"))


def read_chat_stream(events: Sequence[Json]) -> Answer:
    """Read the chunks of a streamed chat completion, or of an older completion."""
    model = ""
    usage: Usage | None = None
    choices: dict[int, _Choice] = {}
    error: Json = None
    for event in mappings(events):
        model = model or text(event.get("model"))
        usage = _usage(event) or usage
        error = event.get("error") or error
        for choice in mappings(event.get("choices")):
            known = choices.setdefault(whole(choice.get("index")) or 0, _Choice())
            known.add(choice, mapping(choice.get("delta")))
    return _answer(model, usage, choices, error)


def read_embeddings(body: Mapping[str, Json]) -> Answer:
    """Read an embeddings answer; its text is empty."""
    return Answer(model=text(body.get("model")), usage=read_usage(body.get("usage")))


def _usage(body: Mapping[str, Json]) -> Usage | None:
    usage = body.get("usage")
    # Groq's streams counted under a name of their own before they counted under OpenAI's.
    return read_usage(mapping(body.get("x_groq")).get("usage") if usage is None else usage)


@dataclass(slots=True)
class _Call:
    """A tool call whose arguments come in pieces."""

    index: int | None
    id: str
    name: str = ""
    pieces: list[str] = field(default_factory=list)
    arguments: Json = None

    def add(self, function: Mapping[str, Json]) -> None:
        self.name = self.name or text(function.get("name"))
        arguments = function.get("arguments", function.get("input"))
        if isinstance(arguments, str):
            self.pieces.append(arguments)
        elif arguments is not None:  # Mistral may give them decoded
            self.arguments = arguments

    def tool_call(self) -> ToolCall:
        arguments = decoded("".join(self.pieces)) if self.pieces else self.arguments
        return ToolCall(name=self.name, arguments=arguments, id=self.id)


@dataclass(slots=True)
class _Choice:
    """One choice, whole or put together from its chunks."""

    said: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    calls: list[_Call] = field(default_factory=list)
    finish_reason: str = ""

    def add(self, choice: Mapping[str, Json], message: Mapping[str, Json]) -> None:
        """Take a choice and its message, or a chunk of it and its delta."""
        self.finish_reason = text(choice.get("finish_reason")) or self.finish_reason
        self.said.append(_said(message) or text(choice.get("text")))
        self.refused.append(text(message.get("refusal")))
        for call in mappings(message.get("tool_calls")):
            self._call(call).add(mapping(call.get("function") or call.get("custom")))
        older = mapping(message.get("function_call"))
        if older:
            self._call({}).add(older)

    def _call(self, piece: Mapping[str, Json]) -> _Call:
        """Return the call that a piece continues, or a new one.

        Google leaves the index out, and others count all calls as 0: another id is another call.
        """
        index = whole(piece.get("index"))
        name = text(piece.get("id"))
        for call in reversed(self.calls):
            if index in (None, call.index):
                if not name or name == call.id:
                    return call
                break
        self.calls.append(_Call(index, name))
        return self.calls[-1]


def _said(message: Mapping[str, Json]) -> str:
    """Return the text of a message: of its content, or of what it says aloud."""
    content = message.get("content")
    if isinstance(content, list):  # models of Mistral that think give parts, each with a type
        return "".join(text(part.get("text")) for part in mappings(content))
    return text(content) or text(mapping(message.get("audio")).get("transcript"))


def _answer(model: str, usage: Usage | None, choices: Mapping[int, _Choice], error: Json) -> Answer:
    ordered = [choices[index] for index in sorted(choices)]
    first = ordered[0] if ordered else _Choice()
    refusal = "".join(first.refused)
    said = "".join(first.said) or refusal
    if FILTERED in (first.finish_reason, mapping(error).get("code")):
        refusal = refusal or FILTERED
    return Answer(
        model=model,
        usage=usage,
        text=said,
        finish_reasons=tuple(each.finish_reason for each in ordered if each.finish_reason),
        refusal=refusal,
        tool_calls=tuple(call.tool_call() for call in first.calls),
    )
