"""Anthropic, Google and Amazon: what their answers say."""

from typing import Any

import answers
import pytest
from answers import gemini_chunk

from pytest_llmprod.core.exchange import ToolCall, Usage
from pytest_llmprod.wire.dialects import (
    Answer,
    read_converse,
    read_gemini,
    read_gemini_stream,
    read_invoke,
    read_messages,
    read_messages_stream,
)

WEATHER = ToolCall(name="weather", arguments={"city": "Rome"}, id="call_1")
MESSAGE = Answer(
    model="claude-x-1",
    usage=Usage(
        input_tokens=100,
        output_tokens=50,
        cache_read_tokens=64,
        cache_write_tokens=8,
        reasoning_tokens=32,
    ),
    text="let me see",
    finish_reasons=("tool_use",),
    tool_calls=(WEATHER, ToolCall(name="now", arguments={}, id="call_2")),
)


def test_the_input_of_a_message_includes_what_was_cached() -> None:
    assert read_messages(answers.MESSAGE) == MESSAGE


def test_a_message_stream_is_put_together() -> None:
    assert read_messages_stream(answers.MESSAGE_STREAM) == MESSAGE


def test_a_message_stream_that_was_cut_has_the_counts_of_its_first_event() -> None:
    answer = read_messages_stream(answers.MESSAGE_STREAM[:6])

    assert (answer.text, answer.finish_reasons) == ("let me ", ())
    assert answer.usage == Usage(
        input_tokens=100, output_tokens=1, cache_read_tokens=64, cache_write_tokens=8
    )


def test_arguments_that_were_cut_short_are_text() -> None:
    (call,) = read_messages_stream(answers.MESSAGE_STREAM[:10]).tool_calls

    assert call == ToolCall(name="weather", arguments='{"city":', id="call_1")


def test_counts_at_the_end_of_a_message_stream_replace_those_at_its_start() -> None:
    """As where the provider ran a web search, whose results are input too."""
    events = [
        {"type": "message_start", "message": {"usage": {"input_tokens": 5, "output_tokens": 1}}},
        {"type": "message_delta", "usage": {"input_tokens": 900, "output_tokens": 7}},
    ]

    assert read_messages_stream(events).usage == Usage(input_tokens=900, output_tokens=7)


def test_what_compaction_and_advisor_took_is_counted_and_a_message_only_once() -> None:
    counts = {"cache_read_input_tokens": 2, "cache_creation_input_tokens": 3}
    usage = {
        "input_tokens": 10,
        "output_tokens": 1,
        "iterations": [
            {"type": "compaction", "input_tokens": 1000, "output_tokens": 100, **counts},
            {"type": "advisor_message", "input_tokens": 500, "output_tokens": 50},
            {"type": "message", "input_tokens": 10, "output_tokens": 1},
        ],
    }
    expected = Usage(
        input_tokens=1515, output_tokens=151, cache_read_tokens=2, cache_write_tokens=3
    )

    assert read_messages({"usage": usage}).usage == expected
    assert read_messages_stream([{"type": "message_delta", "usage": usage}]).usage == expected


@pytest.mark.parametrize(
    ("details", "refusal"),
    [
        ({"explanation": "This asks for malware.", "category": "cyber"}, "This asks for malware."),
        ({"explanation": None, "category": "cyber"}, "cyber"),
        (None, "refusal"),
    ],
)
def test_a_message_tells_why_it_refuses(details: Any, refusal: str) -> None:
    delta = {"stop_reason": "refusal", "stop_details": details}

    for answer in (
        read_messages(delta),
        read_messages_stream([{"type": "message_delta", "delta": delta}]),
    ):
        assert answer == Answer(finish_reasons=("refusal",), refusal=refusal)


def test_a_message_may_count_one_side_only() -> None:
    asked, answered = ({"usage": {name: 5}} for name in ("input_tokens", "output_tokens"))

    assert read_messages(asked).usage == Usage(input_tokens=5, output_tokens=0)
    assert read_messages(answered).usage == Usage(input_tokens=0, output_tokens=5)


@pytest.mark.parametrize("usage", [None, {}, [], {"input_tokens": "5"}, {"service_tier": "x"}])
def test_a_message_without_counts_has_no_usage(usage: Any) -> None:
    assert read_messages({"usage": usage}).usage is None


GEMINI = Answer(
    model="gemini-x-1",
    usage=Usage(
        input_tokens=100,
        output_tokens=50,
        cache_read_tokens=64,
        reasoning_tokens=32,
        input_audio_tokens=4,
        output_audio_tokens=2,
    ),
    text="let me see",
    finish_reasons=("STOP", "MAX_TOKENS"),
    tool_calls=(ToolCall(name="weather", arguments={"city": "Rome"}, id="1"),),
)


def test_the_output_of_gemini_includes_what_was_thought() -> None:
    assert read_gemini(answers.GEMINI) == GEMINI


def test_a_gemini_stream_is_put_together() -> None:
    assert read_gemini_stream(answers.GEMINI_STREAM) == GEMINI


def test_a_gemini_stream_counts_what_came_so_far() -> None:
    counts = [{"promptTokenCount": 5, "candidatesTokenCount": number} for number in (1, 2)]
    events = [gemini_chunk({"text": "a"}) | {"usageMetadata": each} for each in counts]

    assert read_gemini_stream(events).usage == Usage(input_tokens=5, output_tokens=2)


REFUSALS = [
    "BLOCKLIST",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION",
    "IMAGE_SAFETY",
    "MODEL_ARMOR",
    "PROHIBITED_CONTENT",
    "RECITATION",
    "SAFETY",
    "SPII",
]


@pytest.mark.parametrize("reason", REFUSALS)
def test_gemini_refuses_to_go_on(reason: str) -> None:
    answer = read_gemini({"candidates": [{"finishReason": reason}]})

    assert (answer.refusal, answer.finish_reasons) == (reason, (reason,))


def test_gemini_refuses_a_prompt_for_any_reason() -> None:
    blocked = {"promptFeedback": {"blockReason": "JAILBREAK"}}

    assert read_gemini(blocked) == Answer(refusal="JAILBREAK")
    assert read_gemini_stream([blocked, {}]) == Answer(refusal="JAILBREAK")


def test_gemini_does_not_refuse_where_it_only_stops() -> None:
    assert read_gemini({"candidates": [{"finishReason": "MAX_TOKENS"}]}).refusal == ""


@pytest.mark.parametrize("usage", [None, {}, [], {"trafficType": "ON_DEMAND"}])
def test_gemini_without_counts_has_no_usage(usage: Any) -> None:
    assert read_gemini({"usageMetadata": usage}).usage is None


CONVERSE = Answer(
    usage=Usage(input_tokens=100, output_tokens=50, cache_read_tokens=64, cache_write_tokens=8),
    text="let me see",
    finish_reasons=("tool_use",),
    tool_calls=(WEATHER,),
)


def test_converse_is_read() -> None:
    assert read_converse(answers.CONVERSE) == CONVERSE


@pytest.mark.parametrize("reason", ["guardrail_intervened", "content_filtered"])
def test_converse_tells_who_refuses(reason: str) -> None:
    assert read_converse({"stopReason": reason}).refusal == reason


def test_invoke_answers_as_its_model_does() -> None:
    assert read_invoke(answers.MESSAGE) == MESSAGE
    assert read_invoke(answers.CONVERSE) == CONVERSE


@pytest.mark.parametrize("usage", [None, {}, [], {"inputTokens": "5"}])
def test_converse_without_counts_has_no_usage(usage: Any) -> None:
    assert read_converse({"usage": usage}) == Answer()


def test_nova_counts_what_was_cached_under_names_of_its_own() -> None:
    usage = {
        "inputTokens": 28,
        "outputTokens": 50,
        "cacheReadInputTokenCount": 64,
        "cacheWriteInputTokenCount": 8,
    }

    assert read_invoke({"usage": usage}).usage == CONVERSE.usage
