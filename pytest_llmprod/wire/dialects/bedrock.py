"""Bedrock: answers of Amazon's Converse, and of Invoke where its model answers in a known form.

Their streams are no server-sent events but binary frames, which are recorded whole and not read.
"""

from collections.abc import Mapping

from pytest_llmprod.core.exchange import ToolCall, Usage
from pytest_llmprod.wire.dialects.anthropic_messages import read_messages
from pytest_llmprod.wire.dialects.dialect import Answer
from pytest_llmprod.wire.dialects.loose import Json, count, mapping, mappings, text, whole

_REFUSALS = ("guardrail_intervened", "content_filtered")


def read_converse(body: Mapping[str, Json]) -> Answer:
    """Read an answer of Converse. It names no model: that stands in the URL of the request."""
    content = mapping(mapping(body.get("output")).get("message")).get("content")
    blocks = mappings(content)
    calls = [mapping(block["toolUse"]) for block in blocks if "toolUse" in block]
    reason = text(body.get("stopReason"))
    return Answer(
        usage=_usage(body.get("usage")),
        text="".join(text(block.get("text")) for block in blocks),
        finish_reasons=(reason,) if reason else (),
        refusal=reason if reason in _REFUSALS else "",
        tool_calls=tuple(
            ToolCall(
                name=text(call.get("name")),
                arguments=call.get("input"),
                id=text(call.get("toolUseId")),
            )
            for call in calls
        ),
    )


def read_invoke(body: Mapping[str, Json]) -> Answer:
    """Read an answer of Invoke: a message of Anthropic's, or the form of Converse."""
    return read_messages(body) if body.get("type") == "message" else read_converse(body)


def _usage(usage: Json) -> Usage | None:
    """Return the tokens of an answer; `inputTokens` leaves out the cached ones.

    https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html
    """
    if not isinstance(usage, dict) or whole(usage.get("inputTokens")) is None:
        return None
    # Nova's Invoke has names of its own for them.
    read = count(usage, "cacheReadInputTokens") or count(usage, "cacheReadInputTokenCount")
    written = count(usage, "cacheWriteInputTokens") or count(usage, "cacheWriteInputTokenCount")
    return Usage(
        input_tokens=count(usage, "inputTokens") + read + written,
        output_tokens=count(usage, "outputTokens"),
        cache_read_tokens=read,
        cache_write_tokens=written,
    )
