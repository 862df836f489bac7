"""OpenAI's wire: what its answers say, also in the words of the many others that speak it."""

from typing import Any

import answers
import pytest
from answers import chat_call, chat_piece, response_event
from samples import chat_answer, chat_chunk

from pytest_llmprod.core.exchange import ToolCall, Usage
from pytest_llmprod.wire.dialects import (
    Answer,
    read_chat,
    read_chat_stream,
    read_embeddings,
    read_responses,
    read_responses_stream,
    read_run,
    read_run_stream,
    read_transcription,
    read_transcription_stream,
)

CHAT_USAGE = Usage(
    input_tokens=100,
    output_tokens=50,
    cache_read_tokens=64,
    cache_write_tokens=8,
    reasoning_tokens=32,
    input_audio_tokens=4,
    output_audio_tokens=2,
)
RESPONSES_USAGE = Usage(
    input_tokens=100,
    output_tokens=50,
    cache_read_tokens=64,
    cache_write_tokens=8,
    reasoning_tokens=32,
)
WEATHER = ToolCall(name="weather", arguments={"city": "Rome"}, id="call_1")
SHELL = ToolCall(name="shell", arguments="ls -l", id="call_2")
CHAT = Answer(
    model="gpt-x-1",
    usage=CHAT_USAGE,
    text="let me see",
    finish_reasons=("tool_calls", "length"),
    tool_calls=(WEATHER, SHELL),
)


def message(**members: Any) -> dict[str, Any]:
    return {"choices": [{"message": members}]}


def test_a_chat_is_read() -> None:
    assert read_chat(answers.CHAT) == CHAT


def test_a_chat_stream_is_put_together() -> None:
    assert read_chat_stream(answers.CHAT_STREAM) == CHAT


def test_a_chat_stream_survives_noise_between_its_chunks() -> None:
    answer = read_chat_stream([chat_chunk("a"), "noise", None, 7, chat_chunk("b")])

    assert answer == Answer(model="gpt-test-1", text="ab")


def test_an_older_function_call_is_a_tool_call_without_an_id() -> None:
    call = {"name": "weather", "arguments": '{"city": "Rome"}'}
    pieces = [
        {"name": "weather", "arguments": ""},
        {"arguments": '{"city":'},
        {"arguments": '"Rome"}'},
    ]
    expected = (ToolCall(name="weather", arguments={"city": "Rome"}),)

    assert read_chat(message(function_call=call)).tool_calls == expected
    events = [{"choices": [chat_piece(function_call=piece)]} for piece in pieces]
    assert read_chat_stream(events).tool_calls == expected


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ('{"a": [1]}', {"a": [1]}),
        ("{}", {}),
        ("", ""),
        ('{"a": ', '{"a": '),
        ("NaN", "NaN"),
        ("[" * 100_000, "[" * 100_000),
        ({"a": 1}, {"a": 1}),
        (None, None),
    ],
    ids=lambda value: str(value)[:12],
)
def test_arguments_are_json_or_else_what_came(given: Any, read: Any) -> None:
    calls = [{"id": "1", "function": {"name": "f", "arguments": given}}]

    (call,) = read_chat(message(tool_calls=calls)).tool_calls

    assert call == ToolCall(name="f", arguments=read, id="1")


def streamed_calls(*pieces: dict[str, Any]) -> list[tuple[str, Any]]:
    events = [{"choices": [chat_piece(tool_calls=[piece])]} for piece in pieces]
    return [(call.id, call.arguments) for call in read_chat_stream(events).tool_calls]


def test_google_streams_calls_without_an_index() -> None:
    calls = streamed_calls(
        chat_call(None, '{"n":', id="a", name="f"),
        chat_call(None, "1}"),
        chat_call(None, '{"n":2}', id="b", name="f"),
    )

    assert calls == [("a", {"n": 1}), ("b", {"n": 2})]


def test_calls_that_are_all_counted_as_the_first_are_told_apart_by_their_id() -> None:
    calls = streamed_calls(
        chat_call(0, '{"n":1}', id="a", name="f"), chat_call(0, '{"n":2}', id="b", name="f")
    )

    assert calls == [("a", {"n": 1}), ("b", {"n": 2})]


def test_calls_that_come_side_by_side_are_told_apart_by_their_index() -> None:
    calls = streamed_calls(
        chat_call(0, '{"n":', id="a", name="f"),
        chat_call(1, '{"n":', id="b", name="f"),
        chat_call(0, "1}"),
        chat_call(1, "2}"),
    )

    assert calls == [("a", {"n": 1}), ("b", {"n": 2})]


def test_an_id_that_is_said_with_each_piece_is_one_call() -> None:
    pieces = (chat_call(0, text, id="a", name="f") for text in ('{"n":', "1}"))

    assert streamed_calls(*pieces) == [("a", {"n": 1})]


def test_a_refusal_is_the_text_of_a_chat_too() -> None:
    refused = message(content=None, refusal="I cannot")
    events = [{"choices": [chat_piece(refusal=piece)]} for piece in ("I ", "cannot")]

    for answer in (read_chat(refused), read_chat_stream(events)):
        assert (answer.text, answer.refusal) == ("I cannot", "I cannot")


@pytest.mark.parametrize(
    "body",
    [
        {"choices": [{"finish_reason": "content_filter"}]},
        {"error": {"code": "content_filter", "message": "The prompt was filtered"}},
    ],
)
def test_a_filter_of_the_provider_is_the_reason_of_a_refusal(body: dict[str, Any]) -> None:
    assert read_chat(body).refusal == "content_filter"
    assert read_chat_stream([body, chat_chunk("")]).refusal == "content_filter"


def test_the_text_of_a_refusal_says_more_than_the_filter() -> None:
    refused = {"refusal": "I cannot"}
    body = {"choices": [{"finish_reason": "content_filter", "message": refused}]}

    assert read_chat(body).refusal == "I cannot"


def test_another_error_is_no_refusal() -> None:
    assert read_chat({"error": {"code": "rate_limit_exceeded"}}) == Answer()


def test_models_of_mistral_that_think_answer_in_parts() -> None:
    parts = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "hmm"}]},
        {"type": "text", "text": "yes"},
    ]

    assert read_chat(message(content=parts)).text == "yes"
    assert read_chat_stream([{"choices": [chat_piece(content=parts)]}]).text == "yes"


def test_what_is_said_aloud_is_text() -> None:
    body = message(content=None, audio={"id": "a", "data": "AAAA", "transcript": "yes"})

    assert read_chat(body).text == "yes"


def test_an_older_completion_is_read() -> None:
    choices = [{"index": 0, "text": "a", "finish_reason": "stop"}]
    body = {"model": "gpt-x-1", "choices": choices, "usage": answers.CHAT_USAGE}

    expected = Answer(model="gpt-x-1", usage=CHAT_USAGE, text="a", finish_reasons=("stop",))
    assert read_chat(body) == expected
    assert read_chat_stream([body]) == expected


def test_usage_that_comes_before_the_end_of_a_stream_is_kept() -> None:
    events = [chat_chunk("a") | {"usage": answers.CHAT_USAGE}, chat_chunk("b") | {"usage": None}]

    assert read_chat_stream(events).usage == CHAT_USAGE


def test_groq_counts_the_tokens_of_a_stream_under_its_own_name() -> None:
    events = [chat_chunk("a"), {"choices": [], "x_groq": {"usage": answers.CHAT_USAGE}}]

    assert read_chat_stream(events).usage == CHAT_USAGE


def test_deepseek_counts_what_was_cached_under_its_own_name() -> None:
    usage = {"prompt_tokens": 5, "completion_tokens": 1, "prompt_cache_hit_tokens": 4}

    expected = Usage(input_tokens=5, output_tokens=1, cache_read_tokens=4)
    assert read_chat({"usage": usage}).usage == expected


@pytest.mark.parametrize("details", [{"reasoning_tokens": 94}, {}])
def test_what_xai_and_google_thought_is_output_too(details: dict[str, int]) -> None:
    usage = {
        "prompt_tokens": 32,
        "completion_tokens": 9,
        "total_tokens": 135,
        "completion_tokens_details": details,
    }

    expected = Usage(input_tokens=32, output_tokens=103, reasoning_tokens=94)
    assert read_chat({"usage": usage}).usage == expected


def test_audio_that_only_mistrals_total_counts_is_no_output() -> None:
    usage = {
        "prompt_audio_seconds": 203,
        "prompt_tokens": 4,
        "completion_tokens": 635,
        "total_tokens": 3264,
    }

    assert read_chat({"usage": usage}).usage == Usage(input_tokens=4, output_tokens=635)


@pytest.mark.parametrize(
    ("usage", "read"),
    [
        ({"prompt_tokens": 5, "completion_tokens": None}, Usage(input_tokens=5, output_tokens=0)),
        ({"completion_tokens": 5, "total_tokens": 9}, Usage(input_tokens=0, output_tokens=5)),
        ({"total_tokens": 5}, Usage(input_tokens=5, output_tokens=0)),
        ({"prompt_tokens": True, "completion_tokens": -1}, None),
        ({"type": "duration", "seconds": 3}, None),
        ({}, None),
        (None, None),
        ([], None),
    ],
)
def test_usage_that_counts_nothing_is_none(usage: Any, read: Usage | None) -> None:
    assert read_chat({"usage": usage}).usage == read
    assert read_responses({"usage": usage}).usage == read


RESPONSE = Answer(
    model="gpt-x-1",
    usage=RESPONSES_USAGE,
    text="let me see",
    finish_reasons=("completed",),
    tool_calls=(WEATHER, SHELL),
)


def test_a_response_is_read_without_what_was_thought() -> None:
    assert read_responses(answers.RESPONSE) == RESPONSE


def test_the_last_whole_response_of_a_stream_wins() -> None:
    assert read_responses_stream(answers.RESPONSE_STREAM) == RESPONSE


@pytest.mark.parametrize(
    "output",
    [
        [{"type": "message", "content": [{"type": "output_text", "text": "no"}]}],
        [{"type": "function_call", "call_id": "call_3", "name": "now", "arguments": "{}"}],
    ],
)
def test_deltas_do_not_count_where_the_whole_response_came(output: Any) -> None:
    whole = {"status": "completed", "output": output}
    events = [*answers.RESPONSE_CUT, response_event("completed", response=whole)]

    assert read_responses_stream(events) == read_responses(whole)


def test_a_response_stream_that_a_filter_ended_keeps_what_was_said() -> None:
    ended = {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}
    events = [
        response_event("output_text.delta", delta="let me"),
        response_event("incomplete", response=ended),
    ]

    assert read_responses_stream(events) == Answer(
        text="let me", refusal="content_filter", finish_reasons=("content_filter",)
    )


def test_a_response_stream_that_was_cut_is_put_together_from_its_deltas() -> None:
    expected = Answer(model="gpt-x-1", text="let me see", tool_calls=(WEATHER, SHELL))

    assert read_responses_stream(answers.RESPONSE_CUT) == expected


def test_arguments_that_were_cut_short_are_text() -> None:
    (call,) = read_responses_stream(answers.RESPONSE_CUT[:-2]).tool_calls

    assert call == ToolCall(name="weather", arguments='{"city":', id="call_1")


def test_the_input_of_a_custom_tool_is_put_together_too() -> None:
    item = {"type": "custom_tool_call", "call_id": "call_2", "name": "shell", "input": ""}
    events = [
        response_event("output_item.added", output_index=0, item=item),
        response_event("custom_tool_call_input.delta", output_index=0, delta="ls "),
        response_event("custom_tool_call_input.delta", output_index=0, delta="-l"),
    ]

    assert read_responses_stream(events).tool_calls == (SHELL,)


def test_a_response_refuses_in_a_part_of_its_message() -> None:
    parts = [{"type": "refusal", "refusal": "I cannot"}]
    body = {"status": "completed", "output": [{"type": "message", "content": parts}]}
    events = [response_event("refusal.delta", delta=piece) for piece in ("I ", "cannot")]

    assert read_responses(body) == Answer(
        text="I cannot", refusal="I cannot", finish_reasons=("completed",)
    )
    assert read_responses_stream(events) == Answer(text="I cannot", refusal="I cannot")


@pytest.mark.parametrize(
    ("body", "reasons", "refusal"),
    [
        (
            {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
            ("max_output_tokens",),
            "",
        ),
        (
            {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}},
            ("content_filter",),
            "content_filter",
        ),
        (
            {
                "incomplete_details": {"reason": "content_filter"},
                "output": [{"type": "message", "content": [{"refusal": "I cannot"}]}],
            },
            ("content_filter",),
            "I cannot",
        ),
        ({"status": "failed", "error": {"code": "server_error"}}, ("failed",), ""),
        ({"status": "in_progress"}, (), ""),
        ({"status": "queued"}, (), ""),
        ({"error": {"code": "content_filter"}}, (), "content_filter"),
    ],
)
def test_a_response_ends_with_the_reason_why_it_is_incomplete_or_its_status(
    body: dict[str, Any], reasons: tuple[str, ...], refusal: str
) -> None:
    answer = read_responses(body)

    assert (answer.finish_reasons, answer.refusal) == (reasons, refusal)


def test_embeddings_tell_their_model_and_usage() -> None:
    expected = Answer(model="e-1", usage=Usage(input_tokens=9, output_tokens=0))

    assert read_embeddings(answers.EMBEDDINGS) == expected


def test_a_transcription_is_read() -> None:
    usage = Usage(input_tokens=14, output_tokens=45, input_audio_tokens=4)
    done = {"type": "transcript.text.done", **answers.TRANSCRIPTION}
    deltas = [{"type": "transcript.text.delta", "delta": text} for text in ("let me ", "see")]

    expected = Answer(usage=usage, text="let me see")
    assert read_transcription(answers.TRANSCRIPTION) == expected
    assert read_transcription_stream([*deltas, done, {}]) == expected
    assert read_transcription_stream([done]) == expected
    assert read_transcription_stream(deltas) == Answer(text="let me see")


def test_a_transcription_that_is_billed_by_the_second_has_no_usage() -> None:
    body = {"text": "yes", "usage": {"type": "duration", "seconds": 3}}

    assert read_transcription(body) == Answer(text="yes")


def test_a_run_is_read() -> None:
    expected = Answer(model="gpt-x", finish_reasons=("requires_action",), tool_calls=(WEATHER,))

    assert read_run(answers.RUN) == expected


@pytest.mark.parametrize("status", ["queued", "in_progress", "cancelling", None])
def test_a_run_that_goes_on_has_no_finish_reason(status: str | None) -> None:
    assert read_run({"status": status}) == Answer()


def test_a_run_counts_what_was_cached_under_a_name_of_its_own() -> None:
    usage = {
        "prompt_tokens": 9,
        "completion_tokens": 1,
        "prompt_token_details": {"cached_tokens": 4},
    }

    expected = Usage(input_tokens=9, output_tokens=1, cache_read_tokens=4)
    assert read_run({"usage": usage}).usage == expected


def test_a_run_stream_counts_the_run_and_not_its_steps_again() -> None:
    expected = Answer(
        model="gpt-x", usage=CHAT_USAGE, text="let me see", finish_reasons=("completed",)
    )

    assert read_run_stream(answers.RUN_STREAM) == expected


def test_the_refusal_of_a_choice_that_is_not_the_first_is_left_out() -> None:
    body = chat_answer("yes")
    body["choices"].append({"index": 1, "message": {"refusal": "no"}, "finish_reason": "stop"})

    answer = read_chat(body)

    assert (answer.text, answer.refusal, answer.finish_reasons) == ("yes", "", ("stop", "stop"))
