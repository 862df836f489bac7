"""Conversations: lists of messages as an application sends them, sound ones and flawed ones."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from pytest_llmprod.strategies.drawing import below, chosen, pick

Message = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """Messages as Chat Completions has them, and what is wrong with them, "" for nothing.

    A sound conversation may begin with a system message; then user and assistant take turns, the
    user first and last, each with words. Calls of tools are answered one by one, right after them.
    """

    messages: tuple[Message, ...]
    flaw: str = ""


_SYSTEM = "You answer questions about orders."
_ASKED = ["a", "Where is my order?", "Can I send it back?", "\u00bfD\u00f3nde est\u00e1 mi pedido?"]
_SAID = ["b", "It is on its way.", "Yes, within 30 days."]
_BLANKS = ["", " ", "\n", "\u200b"]
_TOOL = "find_order"


def _says(role: str, text: str) -> Message:
    return {"role": role, "content": text}


def _calls(call_id: str) -> Message:
    function = {"name": _TOOL, "arguments": json.dumps({"id": 1})}
    call = {"id": call_id, "type": "function", "function": function}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def _result(call_id: str) -> Message:
    return {"role": "tool", "tool_call_id": call_id, "content": '{"state": "sent"}'}


@st.composite
def _sound(draw: st.DrawFn) -> list[Message]:
    messages = [_says("system", _SYSTEM)] if draw(below(2)) else []
    for turn in range(draw(below(3))):
        messages.append(_says("user", pick(draw, _ASKED)))
        if draw(below(2)):
            messages += [_calls(f"call_{turn}"), _result(f"call_{turn}")]
        messages.append(_says("assistant", pick(draw, _SAID)))
    return [*messages, _says("user", pick(draw, _ASKED))]


#: A flaw: a function of sound messages and a number that says where.
Flaw = Callable[[list[Message], int], list[Message]]


def _emptied(role: str) -> Flaw:
    def flaw(messages: list[Message], number: int) -> list[Message]:
        blank = _says(role, _BLANKS[number % len(_BLANKS)])
        if role == "user":
            return [*messages[:-1], blank]
        return [*messages, blank, _says("user", "a")]

    return flaw


def _second_system(messages: list[Message], _: int) -> list[Message]:
    return [*messages, _says("assistant", "b"), _says("system", _SYSTEM), _says("user", "a")]


def _unanswered(messages: list[Message], _: int) -> list[Message]:
    return [*messages, _calls("call_x"), _says("user", "a")]


def _late_result(messages: list[Message], _: int) -> list[Message]:
    return [*messages, _calls("call_x"), _says("user", "a"), _result("call_x"), _says("user", "a")]


def _same_id_twice(messages: list[Message], _: int) -> list[Message]:
    call = _calls("call_x")
    twice = {**call, "tool_calls": call["tool_calls"] * 2}
    return [*messages, twice, _result("call_x"), _result("call_x"), _says("user", "a")]


def _broken_arguments(messages: list[Message], _: int) -> list[Message]:
    call = _calls("call_x")
    call["tool_calls"][0]["function"]["arguments"] = '{"id": '
    return [*messages, call, _result("call_x"), _says("user", "a")]


_FLAWS: Mapping[str, Flaw] = {
    "no messages": lambda _messages, _number: [],
    "empty user turn": _emptied("user"),
    "empty assistant turn": _emptied("assistant"),
    "assistant first": lambda messages, _: [_says("assistant", "b"), *messages],
    "user twice": lambda messages, _: [*messages, _says("user", "a")],
    "assistant last": lambda messages, _: [*messages, _says("assistant", "b")],
    "second system turn": _second_system,
    "unknown role": lambda messages, _: [*messages[:-1], {**messages[-1], "role": "moderator"}],
    "missing role": lambda messages, _: [*messages[:-1], {"content": messages[-1]["content"]}],
    "content is null": lambda messages, _: [*messages[:-1], {"role": "user", "content": None}],
    "result without call": lambda messages, _: [*messages, _result("call_x"), _says("user", "a")],
    "call without result": _unanswered,
    "late result": _late_result,
    "call id twice": _same_id_twice,
    "arguments are no JSON": _broken_arguments,
}
#: The flaws of `conversations(malformed=True)`.
CONVERSATION_FLAWS = tuple(_FLAWS)


@st.composite
def _conversations(draw: st.DrawFn, flaws: tuple[str, ...]) -> Conversation:
    flaw = pick(draw, flaws)
    messages = draw(_sound())
    if flaw:
        messages = _FLAWS[flaw](messages, draw(below(len(_BLANKS))))
    return Conversation(messages=tuple(messages), flaw=flaw)


def conversations(
    malformed: bool | Iterable[str] | str = False,
) -> st.SearchStrategy[Conversation]:
    """Return a strategy of conversations: sound ones, or ones with one flaw.

    `malformed` is False, True for every flaw, or the names of some of CONVERSATION_FLAWS.
    """
    if malformed is False:
        return _conversations(("",))
    asked = None if malformed is True else malformed
    return _conversations(chosen("malformed", asked, CONVERSATION_FLAWS))
