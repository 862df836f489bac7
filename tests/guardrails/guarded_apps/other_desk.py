"""The help desk at two other interfaces: Responses, and Anthropic's Messages by hand."""

import json
import os

import httpx2
from desk import TOOLS, client, note, redact, redact_pieces

FLAT = [{"type": "function", **TOOLS[0]["function"]}]


def respond(text, **more):
    with client() as asking:
        return asking.responses.create(model="gpt-test", input=text, **more)


def reply(text):
    (message,) = respond(text).output
    return [redact(getattr(part, "text", "") or part.refusal) for part in message.content]


def refusal_unguarded(text):
    return respond(text).output


def streamed(text):
    with client() as asking:
        events = asking.responses.create(model="gpt-test", input=text, stream=True)
        deltas = (each.delta for each in events if each.type == "response.output_text.delta")
        yield from redact_pieces(deltas)


def with_tools(text):
    for item in respond(text, tools=FLAT).output:
        if item.type == "function_call":
            return note(**json.loads(redact(item.arguments)))
    return ""


def tools_unguarded(text):
    for item in respond(text, tools=FLAT).output:
        if item.type == "function_call":
            return bool(note(**json.loads(item.arguments)))
    return ""


def message(text):
    answer = httpx2.post(
        "https://api.anthropic.com/v1/messages",
        json={"model": "claude-test", "messages": [{"role": "user", "content": text}]},
        headers={"x-api-key": os.environ.get("ANTHROPIC_API_KEY", "none")},
    )
    return redact("".join(part["text"] for part in answer.json()["content"]))
