"""Completions: the JSON documents in which OpenAI's two interfaces answer, with what they say."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from pytest_llmprod.strategies.drawing import below, chosen, one_of, pick
from pytest_llmprod.strategies.model_outputs import ModelOutput, ToolCall

Body = dict[str, Any]
#: What may be given as the answer: a text, a strategy of texts, or one of `model_outputs()`.
Answers = str | st.SearchStrategy[str] | st.SearchStrategy[ModelOutput] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """The body of an answer with status 200, and what an application should read in it.

    `text` is what the model said, "" where it only called tools or refused; `refusal` is the text
    of the refusal. `is_whole` says whether the model came to its end.
    """

    body: Body
    kind: str
    text: str
    refusal: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    is_whole: bool = True


_TEXTS = (
    "yes",
    "Your order is on its way.",
    '{"label": "refund"}',
    "Gr\u00fc\u00dfe \U0001f642",
    "",
)
_REFUSALS = ("I'm sorry, but I can't help with that.", "I can't discuss that.")
_CALLS = (
    ToolCall(name="find_order", arguments='{"id": 1}'),
    ToolCall(name="find_order", arguments="{}"),
)
_MODEL = "gpt-test"
_CREATED = 1_790_000_000
_TOKENS = 5


def _said(answers: Answers) -> st.SearchStrategy[ModelOutput | str]:
    if answers is None:
        return one_of(_TEXTS)
    return st.just(answers) if isinstance(answers, str) else answers


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """What goes into the body: a text and calls, or a refusal; `number` chooses small things."""

    text: str
    tool_calls: tuple[ToolCall, ...]
    refusal: str
    number: int


def _chat_message(said: _Said) -> Body:
    message: Body = {"role": "assistant", "content": said.text, "refusal": None}
    if said.tool_calls:
        message["content"] = said.text or None
        message["tool_calls"] = [
            {"id": f"call_{at}", "type": "function", "function": _function(call)}
            for at, call in enumerate(said.tool_calls)
        ]
    if said.refusal:
        message |= {"content": None, "refusal": said.refusal}
    return message


def _function(call: ToolCall) -> Body:
    return {"name": call.name, "arguments": call.arguments}


def _chat_body(said: _Said, reason: str, *, choices: int = 1) -> Body:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": _CREATED,
        "model": _MODEL,
        "choices": [
            {"index": at, "message": _chat_message(said), "finish_reason": reason, "logprobs": None}
            for at in range(choices)
        ],
        "usage": {
            "prompt_tokens": _TOKENS,
            "completion_tokens": said.number,
            "total_tokens": _TOKENS + said.number,
        },
    }


def _response_items(said: _Said) -> list[Body]:
    calls = [
        {"type": "function_call", "id": f"fc_{at}", "call_id": f"call_{at}", "status": "completed"}
        | _function(call)
        for at, call in enumerate(said.tool_calls)
    ]
    part: Body = {"type": "output_text", "text": said.text, "annotations": [], "logprobs": []}
    if said.refusal:
        part = {"type": "refusal", "refusal": said.refusal}
    message = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed"}
    return [*([{**message, "content": [part]}] if said.text or said.refusal else []), *calls]


def _response_body(said: _Said, status: str = "completed", **more: Any) -> Body:
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": _CREATED,
        "model": _MODEL,
        "status": status,
        "output": _response_items(said),
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": {
            "input_tokens": _TOKENS,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": said.number,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": _TOKENS + said.number,
        },
        **more,
    }


def _incomplete(reason: str) -> Callable[[_Said], Body]:
    return lambda said: _response_body(said, "incomplete", incomplete_details={"reason": reason})


def _after_reasoning(said: _Said) -> Body:
    body = _response_body(said)
    return {**body, "output": [{"type": "reasoning", "id": "rs_1", "summary": []}, *body["output"]]}


def _failed(said: _Said) -> Body:
    error = {"code": "server_error", "message": "The model failed to answer."}
    return {**_response_body(said, "failed", error=error), "output": []}


_CHAT: Mapping[str, Callable[[_Said], Body]] = {
    "answer": lambda said: _chat_body(said, "stop"),
    "length": lambda said: _chat_body(said, "length"),
    "content filter": lambda said: _chat_body(said, "content_filter"),
    "refusal": lambda said: _chat_body(said, "stop"),
    "tool calls": lambda said: _chat_body(said, "tool_calls"),
    "several choices": lambda said: _chat_body(said, "stop", choices=2 + said.number % 2),
}
_RESPONSES: Mapping[str, Callable[[_Said], Body]] = {
    "answer": _response_body,
    "length": _incomplete("max_output_tokens"),
    "content filter": _incomplete("content_filter"),
    "refusal": _response_body,
    "tool calls": _response_body,
    "reasoning": _after_reasoning,
    "failed": _failed,
}
#: The kinds of `chat_completions()` and of `responses()`.
CHAT_KINDS = tuple(_CHAT)
RESPONSE_KINDS = tuple(_RESPONSES)
_NOT_WHOLE = ("length", "content filter", "failed")


@st.composite
def _completions(
    draw: st.DrawFn,
    makers: Mapping[str, Callable[[_Said], Body]],
    answers: st.SearchStrategy[ModelOutput | str],
    kinds: tuple[str, ...],
) -> Completion:
    kind = pick(draw, kinds)
    answer = "" if kind == "failed" else draw(answers)
    text = answer.text if isinstance(answer, ModelOutput) else answer
    calls = answer.tool_calls if isinstance(answer, ModelOutput) else ()
    refusal = ""
    if kind == "refusal":
        text, calls, refusal = "", (), pick(draw, _REFUSALS)
    elif kind == "tool calls":
        text, calls = "", calls or _CALLS[: 1 + draw(below(len(_CALLS)))]
    said = _Said(text=text, tool_calls=calls, refusal=refusal, number=1 + draw(below(8)))
    return Completion(
        body=makers[kind](said),
        kind=kind,
        text=text,
        refusal=refusal,
        tool_calls=calls,
        is_whole=kind not in _NOT_WHOLE,
    )


def chat_completions(
    text: Answers = None, kinds: Iterable[str] | str | None = None
) -> st.SearchStrategy[Completion]:
    """Return a strategy of bodies of Chat Completions; `kinds` are CHAT_KINDS.

    `text` is what the model says: a text, a strategy of texts, or `model_outputs(...)`, whose calls
    of tools then become those of the message.
    """
    return _completions(_CHAT, _said(text), chosen("kinds", kinds, CHAT_KINDS))


def responses(
    text: Answers = None, kinds: Iterable[str] | str | None = None
) -> st.SearchStrategy[Completion]:
    """Return a strategy of bodies of the Responses interface; `kinds` are RESPONSE_KINDS.

    `text` is that of `chat_completions()`.
    """
    return _completions(_RESPONSES, _said(text), chosen("kinds", kinds, RESPONSE_KINDS))
