"""Answers of each wire, written by hand after the providers' documentation, plain and streamed."""

from typing import Any

Json = Any

CHAT_USAGE = {
    "prompt_tokens": 100,
    "completion_tokens": 50,
    "total_tokens": 150,
    "prompt_tokens_details": {"cached_tokens": 64, "cache_write_tokens": 8, "audio_tokens": 4},
    "completion_tokens_details": {"reasoning_tokens": 32, "audio_tokens": 2},
}
RESPONSES_USAGE = {
    "input_tokens": 100,
    "output_tokens": 50,
    "total_tokens": 150,
    "input_tokens_details": {"cached_tokens": 64, "cache_write_tokens": 8},
    "output_tokens_details": {"reasoning_tokens": 32},
}
MESSAGES_USAGE = {
    "input_tokens": 28,
    "cache_read_input_tokens": 64,
    "cache_creation_input_tokens": 8,
    "output_tokens": 50,
    "output_tokens_details": {"thinking_tokens": 32},
}
GEMINI_USAGE = {
    "promptTokenCount": 90,
    "toolUsePromptTokenCount": 10,
    "cachedContentTokenCount": 64,
    "candidatesTokenCount": 18,
    "thoughtsTokenCount": 32,
    "totalTokenCount": 150,
    "promptTokensDetails": [
        {"modality": "TEXT", "tokenCount": 86},
        {"modality": "AUDIO", "tokenCount": 3},
    ],
    "toolUsePromptTokensDetails": [{"modality": "AUDIO", "tokenCount": 1}],
    "candidatesTokensDetails": [{"modality": "AUDIO", "tokenCount": 2}],
}
CONVERSE_USAGE = {
    "inputTokens": 28,
    "outputTokens": 50,
    "totalTokens": 150,
    "cacheReadInputTokens": 64,
    "cacheWriteInputTokens": 8,
}

CHAT = {
    "object": "chat.completion",
    "model": "gpt-x-1",
    "choices": [
        {
            "index": 0,
            "finish_reason": "tool_calls",
            "message": {
                "role": "assistant",
                "content": "let me see",
                "refusal": None,
                "tool_calls": [
                    {
                        "id": "call_1",
                        "type": "function",
                        "function": {"name": "weather", "arguments": '{"city": "Rome"}'},
                    },
                    {
                        "id": "call_2",
                        "type": "custom",
                        "custom": {"name": "shell", "input": "ls -l"},
                    },
                ],
            },
        },
        {"index": 1, "finish_reason": "length", "message": {"content": "another"}},
    ],
    "usage": CHAT_USAGE,
}


def chat_piece(index: int = 0, reason: str | None = None, **delta: Json) -> dict[str, Json]:
    """One choice of one chunk of a streamed chat."""
    return {"index": index, "delta": delta, "finish_reason": reason}


def chat_call(index: int | None, arguments: str, **head: Json) -> dict[str, Json]:
    """One piece of a tool call in a streamed chat."""
    function = {"arguments": arguments} | {key: head.pop(key) for key in ("name",) if key in head}
    place = {} if index is None else {"index": index}
    return {**place, **head, "function": function}


CHAT_STREAM: list[Json] = [
    {"model": "", "choices": [], "prompt_filter_results": []},  # Azure begins with this
    {"model": "gpt-x-1", "choices": [chat_piece(role="assistant", content="")], "usage": None},
    {"model": "gpt-x-1", "choices": [chat_piece(content="let me ")]},
    {"model": "gpt-x-1", "choices": [chat_piece(1, content="another")]},
    {"model": "gpt-x-1", "choices": [chat_piece(content="see")]},
    {
        "choices": [
            chat_piece(tool_calls=[chat_call(0, "", id="call_1", name="weather")]),
            chat_piece(1, "length"),
        ]
    },
    {"choices": [chat_piece(tool_calls=[chat_call(0, '{"city":')])]},
    {"choices": [chat_piece(tool_calls=[chat_call(1, "ls -l", id="call_2", name="shell")])]},
    {"choices": [chat_piece(tool_calls=[chat_call(0, ' "Rome"}')])]},
    {"choices": [chat_piece(reason="tool_calls")]},
    {"choices": [chat_piece()]},  # as with a filter that looks at the answer after its end
    {"choices": [], "usage": CHAT_USAGE},
]

RESPONSE = {
    "object": "response",
    "model": "gpt-x-1",
    "status": "completed",
    "incomplete_details": None,
    "error": None,
    "usage": RESPONSES_USAGE,
    "output": [
        {"type": "reasoning", "content": [{"type": "reasoning_text", "text": "hmm"}]},
        {"type": "message", "content": [{"type": "output_text", "text": "let me see"}]},
        {
            "type": "function_call",
            "call_id": "call_1",
            "name": "weather",
            "arguments": '{"city": "Rome"}',
        },
        {"type": "custom_tool_call", "call_id": "call_2", "name": "shell", "input": "ls -l"},
        {"type": "web_search_call", "id": "ws_1", "action": {"type": "search", "query": "q"}},
    ],
}


def response_event(kind: str, **other: Json) -> dict[str, Json]:
    """One event of a streamed response."""
    return {"type": f"response.{kind}", **other}


RESPONSE_CUT: list[Json] = [
    response_event("created", response={"model": "gpt-x-1", "status": "in_progress", "output": []}),
    response_event("output_item.added", output_index=0, item={"type": "message", "content": []}),
    response_event("output_text.delta", output_index=0, delta="let me "),
    response_event("output_text.delta", output_index=0, delta="see"),
    response_event(
        "output_item.added",
        output_index=1,
        item={"type": "function_call", "call_id": "call_1", "name": "weather", "arguments": ""},
    ),
    response_event("function_call_arguments.delta", output_index=1, delta='{"city":'),
    response_event("function_call_arguments.delta", output_index=1, delta=' "Rome"}'),
    response_event(
        "output_item.done",
        output_index=2,
        item={"type": "custom_tool_call", "call_id": "call_2", "name": "shell", "input": "ls -l"},
    ),
]
RESPONSE_STREAM = [*RESPONSE_CUT, response_event("completed", response=RESPONSE)]

MESSAGE = {
    "type": "message",
    "model": "claude-x-1",
    "stop_reason": "tool_use",
    "stop_details": None,
    "content": [
        {"type": "thinking", "thinking": "hmm", "signature": "c2ln"},
        {"type": "text", "text": "let me "},
        {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {"query": "q"}},
        {"type": "text", "text": "see"},
        {"type": "tool_use", "id": "call_1", "name": "weather", "input": {"city": "Rome"}},
        {"type": "tool_use", "id": "call_2", "name": "now", "input": {}},
    ],
    "usage": MESSAGES_USAGE,
}


def block_start(index: int, **block: Json) -> dict[str, Json]:
    """The event that begins a block of a streamed message."""
    return {"type": "content_block_start", "index": index, "content_block": block}


def block_delta(index: int, **delta: Json) -> dict[str, Json]:
    """One event with a piece of a block of a streamed message."""
    return {"type": "content_block_delta", "index": index, "delta": delta}


MESSAGE_STREAM: list[Json] = [
    {
        "type": "message_start",
        "message": {
            "model": "claude-x-1",
            "content": [],
            "stop_reason": None,
            "usage": {**MESSAGES_USAGE, "output_tokens": 1, "output_tokens_details": None},
        },
    },
    {"type": "ping"},
    block_start(0, type="thinking", thinking=""),
    block_delta(0, type="thinking_delta", thinking="hmm"),
    block_start(1, type="text", text="let "),
    block_delta(1, type="text_delta", text="me "),
    block_delta(1, type="text_delta", text="see"),
    {"type": "content_block_stop", "index": 1},
    block_start(2, type="tool_use", id="call_1", name="weather", input={}),
    block_delta(2, type="input_json_delta", partial_json='{"city":'),
    block_delta(2, type="input_json_delta", partial_json=' "Rome"}'),
    block_start(3, type="tool_use", id="call_2", name="now", input={}),
    {
        "type": "message_delta",
        "delta": {"stop_reason": "tool_use", "stop_details": None},
        "usage": {"output_tokens": 50, "output_tokens_details": {"thinking_tokens": 32}},
    },
    {"type": "message_stop"},
]

GEMINI = {
    "modelVersion": "gemini-x-1",
    "candidates": [
        {
            "index": 0,
            "finishReason": "STOP",
            "content": {
                "role": "model",
                "parts": [
                    {"text": "hmm", "thought": True},
                    {"text": "let me "},
                    {"executableCode": {"language": "PYTHON", "code": "1"}},
                    {"text": "see"},
                    {"functionCall": {"id": "1", "name": "weather", "args": {"city": "Rome"}}},
                ],
            },
        },
        {"index": 1, "finishReason": "MAX_TOKENS", "content": {"parts": [{"text": "another"}]}},
    ],
    "usageMetadata": GEMINI_USAGE,
}


def gemini_chunk(*parts: Json, **candidate: Json) -> dict[str, Json]:
    """One document of a streamed answer of Gemini."""
    return {
        "modelVersion": "gemini-x-1",
        "candidates": [{"content": {"parts": list(parts)}, **candidate}],
        "usageMetadata": {"trafficType": "ON_DEMAND"},
    }


GEMINI_STREAM: list[Json] = [
    gemini_chunk({"text": "hmm", "thought": True}),
    gemini_chunk({"text": "let me "}),
    gemini_chunk({"text": "another"}, index=1, finishReason="MAX_TOKENS"),
    gemini_chunk({"text": "see"}),
    gemini_chunk({"functionCall": {"id": "1", "name": "weather", "args": {"city": "Rome"}}})
    | {"usageMetadata": GEMINI_USAGE},
    gemini_chunk(finishReason="STOP"),
    {"candidates": [{"content": {}}]},
]

CONVERSE = {
    "output": {
        "message": {
            "role": "assistant",
            "content": [
                {"reasoningContent": {"reasoningText": {"text": "hmm"}}},
                {"text": "let me see"},
                {
                    "toolUse": {
                        "toolUseId": "call_1",
                        "name": "weather",
                        "input": {"city": "Rome"},
                    }
                },
            ],
        }
    },
    "stopReason": "tool_use",
    "usage": CONVERSE_USAGE,
}

RUN = {
    "object": "thread.run",
    "model": "gpt-x",
    "status": "requires_action",
    "required_action": {
        "type": "submit_tool_outputs",
        "submit_tool_outputs": {
            "tool_calls": [
                {
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "weather", "arguments": '{"city": "Rome"}'},
                }
            ]
        },
    },
    "usage": None,
}
RUN_STREAM: list[Json] = [
    {"object": "thread.run", "model": "gpt-x", "status": "in_progress", "usage": None},
    {
        "object": "thread.message.delta",
        "delta": {"content": [{"index": 0, "type": "text", "text": {"value": "let me "}}]},
    },
    {
        "object": "thread.message.delta",
        "delta": {"content": [{"index": 0, "type": "text", "text": {"value": "see"}}]},
    },
    {"object": "thread.run.step", "usage": {"prompt_tokens": 99, "completion_tokens": 9}},
    {"object": "thread.run", "model": "gpt-x", "status": "completed", "usage": CHAT_USAGE},
    {"object": "thread.run.step", "usage": {"prompt_tokens": 99, "completion_tokens": 9}},
]

TRANSCRIPTION = {
    "text": "let me see",
    "usage": {
        "type": "tokens",
        "input_tokens": 14,
        "input_token_details": {"text_tokens": 10, "audio_tokens": 4},
        "output_tokens": 45,
        "total_tokens": 59,
    },
}
EMBEDDINGS = {
    "model": "e-1",
    "data": [{"embedding": [0.5]}],
    "usage": {"prompt_tokens": 9, "total_tokens": 9},
}
