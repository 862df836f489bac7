"""The built-in dialects on recordings that others made, against a reading of their own here.

`pytest -rA` shows how many answers of each provider and kind were read.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from corpora import CASSETTES, body_of, interactions_in, needs

from pytest_llmprod.core.exchange import Usage
from pytest_llmprod.wire.dialects import (
    BUILT_IN,
    Answer,
    Dialect,
    asked_model,
    asks_stream,
    find_dialect,
    provider_of,
)

pytestmark = needs(CASSETTES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    """A request and its answer, decoded without any code of the package.

    `documents` are the JSON values of the answer: one, or one for each event of a stream.
    """

    name: str
    url: str
    asked: Any
    is_stream: bool
    documents: Sequence[Any]

    @property
    def dialect(self) -> Dialect | None:
        return find_dialect(BUILT_IN, self.url)

    @property
    def answer(self) -> Answer:
        dialect = self.dialect
        if dialect is None:
            return Answer()
        if self.is_stream:
            return dialect.read_stream(self.documents)
        return dialect.read(self.documents[0])


@cache
def interactions() -> list[Interaction]:
    """All interactions of all files whose answer is JSON or a stream of JSON."""
    return [
        interaction
        for path in sorted(CASSETTES.rglob("*.yaml"))
        for interaction in read_file(path)
        if interaction.documents and isinstance(interaction.documents[0], dict)
    ]


def read_file(path: Path) -> Iterator[Interaction]:
    for number, interaction in enumerate(interactions_in(path)):
        kind, documents = decode(interaction["response"])
        yield Interaction(
            name=f"{path.relative_to(CASSETTES)} [{number}]",
            url=interaction["request"]["uri"],
            asked=decode(interaction["request"])[1][0],
            is_stream=kind == "stream",
            documents=documents,
        )


def decode(message: dict[str, Any]) -> tuple[str, list[Any]]:
    content = body_of(message).decode("utf-8", "replace")
    try:
        return "plain", [json.loads(content)]
    except ValueError:
        data = re.findall(r"^data: ?(\{.*\})\s*$", content, re.MULTILINE)
        return ("stream", [json.loads(each) for each in data]) if data else ("other", [None])


def usage_blocks(interaction: Interaction) -> list[dict[str, Any]]:
    """What counts tokens: every object under one of these names, wherever it is."""
    whole = [each for each in interaction.documents if each.get("object") != "thread.run.step"]
    found = [value for name, value in named_values(whole) if name in ("usage", "usageMetadata")]
    return [block for block in found if block and block.keys() - {"trafficType"}]


def named_values(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from value.items()
        value = list(value.values())
    for item in value if isinstance(value, list) else ():
        yield from named_values(item)


def expected_usage(interaction: Interaction) -> Usage | None:
    """Read the counts from their other side: from totals and from sums of parts."""
    blocks = usage_blocks(interaction)
    if not blocks:
        return None
    flat = {name: count for block in blocks for name, count in numbers(block).items()}
    if "totalTokenCount" in flat:
        output = flat["candidatesTokenCount"] + flat.get("thoughtsTokenCount", 0)
        return Usage(
            input_tokens=flat["totalTokenCount"] - output,
            output_tokens=output,
            reasoning_tokens=flat.get("thoughtsTokenCount", 0),
        )
    if "total_tokens" not in flat:
        return expected_of_anthropic(flat, blocks[-1].get("iterations") or [flat])
    asked = flat.get("prompt_tokens", flat.get("input_tokens"))
    answered = flat.get("completion_tokens", flat.get("output_tokens", 0))
    hidden = flat["total_tokens"] - asked - answered
    return Usage(
        input_tokens=asked,
        output_tokens=flat["total_tokens"] - asked,
        cache_read_tokens=flat.get("cached_tokens", 0),
        reasoning_tokens=flat.get("reasoning_tokens", hidden),
        input_audio_tokens=flat.get("input.audio_tokens") or 0,
        output_audio_tokens=flat.get("output.audio_tokens") or 0,
    )


def expected_of_anthropic(flat: dict[str, int], parts: list[dict[str, Any]]) -> Usage:
    read = sum(part.get("cache_read_input_tokens", 0) for part in parts)
    written = sum(part.get("cache_creation_input_tokens", 0) for part in parts)
    return Usage(
        input_tokens=sum(part["input_tokens"] for part in parts) + read + written,
        output_tokens=sum(part["output_tokens"] for part in parts),
        cache_read_tokens=read,
        cache_write_tokens=written,
        reasoning_tokens=flat.get("thinking_tokens", 0),
    )


def numbers(block: dict[str, Any]) -> dict[str, int]:
    """The counts of a block and of its details; audio is told apart by the side it is on."""
    found = {name: value for name, value in block.items() if isinstance(value, int)}
    for group, details in block.items():
        if isinstance(details, dict):
            side = "input" if group.startswith(("prompt", "input")) else "output"
            found |= {name: value for name, value in details.items() if name != "audio_tokens"}
            found[f"{side}.audio_tokens"] = details.get("audio_tokens", 0)
    return found


@dataclass(frozen=True, slots=True)
class Said:
    """What the first choice said and called, and why each choice ended."""

    text: str = ""
    tools: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()


def expected_words(interaction: Interaction) -> Said:
    """Read what was said by the shape of the documents, whatever their URL is."""
    documents = interaction.documents
    kinds = {document.get("type", document.get("object")) for document in documents}
    if "choices" in documents[0]:
        return said_in_choices(documents)
    if "candidates" in documents[0]:
        return said_in_candidates(documents)
    if kinds & {"message", "message_start"}:
        return said_in_message(documents)
    if kinds & {"response", "response.created"}:
        return said_in_response(documents[-1].get("response", documents[-1]))
    if "thread.run" in kinds:
        return said_in_run(documents)
    return Said(text=documents[0].get("text", "") if interaction.dialect else "")


def said_in_choices(documents: Sequence[Any]) -> Said:
    pieces = [piece for document in documents for piece in document["choices"]]
    first = [piece for piece in pieces if piece.get("index", 0) == 0]
    messages = [piece.get("message") or piece.get("delta") or {} for piece in first]
    texts = [piece.get("text") or "" for piece in first]
    texts += [each.get("content") or each.get("refusal") or "" for each in messages]
    calls = [call["function"] for each in messages for call in each.get("tool_calls") or []]
    calls += [each["function_call"] for each in messages if each.get("function_call")]
    reasons = {each.get("index", 0): each["finish_reason"] for each in pieces}
    return Said(
        "".join(texts),
        tuple(call["name"] for call in calls if call.get("name")),
        tuple(reasons[index] for index in sorted(reasons)),
    )


def said_in_candidates(documents: Sequence[Any]) -> Said:
    candidates = [document["candidates"][0] for document in documents]
    parts = [part for each in candidates for part in each.get("content", {}).get("parts", [])]
    return Said(
        "".join(part.get("text", "") for part in parts),
        tuple(part["functionCall"]["name"] for part in parts if "functionCall" in part),
        tuple(each["finishReason"] for each in candidates if "finishReason" in each),
    )


def said_in_message(documents: Sequence[Any]) -> Said:
    starts = [each["content_block"] for each in documents if "content_block" in each]
    blocks = starts or documents[0].get("content", [])
    deltas = [each["delta"] for each in documents if "delta" in each]
    holders = [*blocks, *(each for each in deltas if each.get("type") == "text_delta")]
    reasons = [each.get("stop_reason") for each in (documents[0], *deltas)]
    return Said(
        "".join(each["text"] for each in holders if each["type"] in ("text", "text_delta")),
        tuple(block["name"] for block in blocks if block["type"] == "tool_use"),
        tuple(reason for reason in reasons if reason),
    )


def said_in_response(response: Any) -> Said:
    messages = [item for item in response["output"] if item["type"] == "message"]
    parts = [part for message in messages for part in message["content"]]
    calls = [item["name"] for item in response["output"] if item["type"] == "function_call"]
    cut = response["incomplete_details"]
    reason = cut["reason"] if cut else response["status"]
    return Said("".join(part["text"] for part in parts), tuple(calls), (reason,))


def said_in_run(documents: Sequence[Any]) -> Said:
    deltas = [each["delta"] for each in documents if each["object"] == "thread.message.delta"]
    parts = [part for delta in deltas for part in delta["content"]]
    status = [each["status"] for each in documents if each["object"] == "thread.run"][-1]
    reasons = () if status in ("queued", "in_progress") else (status,)
    return Said("".join(part["text"]["value"] for part in parts), (), reasons)


def test_every_usage_block_is_read_as_the_provider_counted() -> None:
    wrong = []
    table: Counter[tuple[str, str, str, str]] = Counter()
    for interaction in interactions():
        dialect = interaction.dialect
        expected = expected_usage(interaction)
        if interaction.answer.usage != expected:
            wrong.append((interaction.name, interaction.answer.usage, expected))
        provider = provider_of(dialect, interaction.url) if dialect else "no dialect"
        place = dialect.operation if dialect else urlsplit(interaction.url).path
        kind = "stream" if interaction.is_stream else "plain"
        table[provider, place, kind, "answers"] += 1
        table[provider, place, kind, "with usage"] += expected is not None
    print_table(table)

    assert wrong == []


def print_table(table: Counter[tuple[str, str, str, str]]) -> None:
    print(f"\n{'provider':<12}{'operation':<20}{'kind':<8}{'answers':>8}{'with usage':>12}")
    for provider, place, kind in sorted({row[:3] for row in table}):
        answers, usages = (table[provider, place, kind, name] for name in ("answers", "with usage"))
        if provider != "no dialect" or usages:
            print(f"{provider:<12}{place:<20}{kind:<8}{answers:>8}{usages:>12}")
    print(
        f"{'all':<40}{sum(v for k, v in table.items() if k[3] == 'answers'):>8}"
        f"{sum(v for k, v in table.items() if k[3] != 'answers'):>12}"
    )


def test_what_was_said_and_called_is_read_and_why_it_ended() -> None:
    wrong = []
    for interaction in interactions():
        answer = interaction.answer
        read = Said(
            answer.text, tuple(call.name for call in answer.tool_calls), answer.finish_reasons
        )
        if interaction.dialect and read != expected_words(interaction):
            wrong.append((interaction.name, read, expected_words(interaction)))

    assert wrong == []


def test_the_arguments_of_every_tool_call_are_decoded() -> None:
    calls = [call for each in interactions() for call in each.answer.tool_calls]

    assert len(calls) > 100
    assert [call for call in calls if not isinstance(call.arguments, dict)] == []


def test_a_refusal_is_read_wherever_one_is_and_nowhere_else() -> None:
    refused = {each.name for each in interactions() if each.answer.refusal}
    text = r'"refusal": "|"finish_reason": "content_filter"|"code": "content_filter"'
    expected = {each.name for each in interactions() if re.search(text, json.dumps(each.documents))}

    assert refused == expected
    assert len(refused) == 24


def test_the_model_that_answered_is_read_wherever_it_is_named() -> None:
    wrong = []
    for interaction in interactions():
        named = [
            value
            for name, value in named_values(interaction.documents)
            if name in ("model", "modelVersion") and isinstance(value, str) and value
        ]
        if interaction.dialect and interaction.answer.model != (named[0] if named else ""):
            wrong.append((interaction.name, interaction.answer.model, named[:1]))

    assert wrong == []


def test_the_model_and_the_stream_that_were_asked_are_read() -> None:
    wrong = []
    for interaction in interactions():
        if interaction.dialect is None or not isinstance(interaction.asked, dict):
            continue
        place = re.search(
            r"/(?:models?|deployments)/([^/]+?)(?::\w+Content.*|/.*)$", interaction.url
        )
        model = unquote(place[1]) if place else interaction.asked.get("model", "")
        if asked_model(interaction.dialect, interaction.url, interaction.asked) != model:
            wrong.append((interaction.name, "model", model))
        if asks_stream(interaction.dialect, interaction.url, interaction.asked) != (
            interaction.is_stream
        ):
            wrong.append((interaction.name, "stream", interaction.is_stream))

    assert wrong == []
