"""Gemini: answers of Google's generateContent, plain and streamed.

Google AI and Vertex give the same documents. A stream is a sequence of documents of the same shape,
as server-sent events or as one JSON array.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pytest_llmprod.core.exchange import ToolCall, Usage
from pytest_llmprod.wire.dialects.dialect import Answer
from pytest_llmprod.wire.dialects.loose import Json, count, mapping, mappings, text, whole

_REFUSALS = frozenset(
    {
        "BLOCKLIST",
        "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION",
        "IMAGE_SAFETY",
        "MODEL_ARMOR",
        "PROHIBITED_CONTENT",
        "RECITATION",
        "SAFETY",
        "SPII",
    }
)


def read_gemini(body: Mapping[str, Json]) -> Answer:
    """Read an answer of generateContent."""
    return read_gemini_stream([body])


def read_gemini_stream(events: Sequence[Json]) -> Answer:
    """Read the documents of a streamed answer; their counts are those of the answer so far."""
    model = ""
    usage: Usage | None = None
    blocked = ""
    candidates: dict[int, _Candidate] = {}
    for event in mappings(events):
        model = model or text(event.get("modelVersion"))
        usage = _usage(event.get("usageMetadata")) or usage
        blocked = text(mapping(event.get("promptFeedback")).get("blockReason")) or blocked
        for candidate in mappings(event.get("candidates")):
            index = whole(candidate.get("index")) or 0
            candidates.setdefault(index, _Candidate()).add(candidate)
    ordered = [candidates[index] for index in sorted(candidates)]
    first = ordered[0] if ordered else _Candidate()
    if first.finish_reason in _REFUSALS:
        blocked = first.finish_reason
    return Answer(
        model=model,
        usage=usage,
        text="".join(first.said),
        finish_reasons=tuple(each.finish_reason for each in ordered if each.finish_reason),
        refusal=blocked,
        tool_calls=tuple(first.calls),
    )


@dataclass(slots=True)
class _Candidate:
    """One candidate, whole or put together from its documents."""

    said: list[str] = field(default_factory=list)
    calls: list[ToolCall] = field(default_factory=list)
    finish_reason: str = ""

    def add(self, candidate: Mapping[str, Json]) -> None:
        self.finish_reason = text(candidate.get("finishReason")) or self.finish_reason
        for part in mappings(mapping(candidate.get("content")).get("parts")):
            if part.get("thought") is not True:
                self.said.append(text(part.get("text")))
            self.calls += _tool_calls(part.get("functionCall"))


def _tool_calls(call: Json) -> Iterator[ToolCall]:
    if isinstance(call, dict):
        yield ToolCall(
            name=text(call.get("name")), arguments=call.get("args"), id=text(call.get("id"))
        )


def _usage(usage: Json) -> Usage | None:
    """Return the tokens that `usageMetadata` counts, None where it only names the traffic.

    The prompt includes what was cached, but not the results of Google's own tools; the candidates
    leave out what was thought.
    """
    if not isinstance(usage, dict) or whole(usage.get("promptTokenCount")) is None:
        return None
    thought = count(usage, "thoughtsTokenCount")
    return Usage(
        input_tokens=count(usage, "promptTokenCount") + count(usage, "toolUsePromptTokenCount"),
        output_tokens=count(usage, "candidatesTokenCount") + thought,
        cache_read_tokens=count(usage, "cachedContentTokenCount"),
        reasoning_tokens=thought,
        input_audio_tokens=_audio(usage, "promptTokensDetails", "toolUsePromptTokensDetails"),
        output_audio_tokens=_audio(usage, "candidatesTokensDetails"),
    )


def _audio(usage: Mapping[str, Json], *names: str) -> int:
    return sum(
        count(detail, "tokenCount")
        for name in names
        for detail in mappings(usage.get(name))
        if detail.get("modality") == "AUDIO"
    )
