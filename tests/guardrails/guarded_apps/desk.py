"""A help desk with guardrails at every place: each answer, each tool, each error goes by one."""

import functools
import json
import logging
import re
from concurrent.futures import ThreadPoolExecutor

import openai

log = logging.getLogger("desk")
ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.\w+)+")
SORRY = "Sorry, I cannot answer that now."
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "note",
            "description": "Keep a note about the customer.",
            "parameters": {
                "type": "object",
                "properties": {"text": {"type": "string"}, "urgent": {"type": "boolean"}},
                "required": ["text"],
            },
        },
    }
]


class Unsafe(Exception):
    """The guardrail could not look at the answer."""


def redact(text):
    return ADDRESS.sub("[e-mail]", text)


def redact_pieces(pieces):
    """Hold back the last word, in which an address may have begun."""
    held = ""
    for piece in pieces:
        held += piece
        cut = max(held.rfind(" "), held.rfind("\n")) + 1
        if cut:
            yield redact(held[:cut])
            held = held[cut:]
    if held:
        yield redact(held)


def note(text, urgent=False):
    return {"noted": text, "customer": "somebody"}


def by_rules(text):
    return SORRY


def guarded(text):
    """Return a text as the guardrail leaves it, or raise Unsafe where it does not in 2 s."""
    pool = ThreadPoolExecutor(1)
    try:
        checked = pool.submit(redact, text).result(timeout=2)
    except Exception as error:
        log.error("the guardrail failed: %s", type(error).__name__)
        raise Unsafe from None
    finally:
        pool.shutdown(wait=False)
    if not isinstance(checked, str):
        log.error("the guardrail returned no text")
        raise Unsafe
    return checked


def client():
    return openai.OpenAI(timeout=5, max_retries=0)


def ask(text, **more):
    with client() as asking:
        return asking.chat.completions.create(
            model="gpt-test", messages=[{"role": "user", "content": text}], **more
        )


def reply(text):
    try:
        message = ask(text).choices[0].message
        return guarded(message.content or message.refusal or "")
    except Unsafe:
        return SORRY
    except openai.OpenAIError as error:
        log.warning("the rules answer: %s", guarded(str(error)))
        return guarded(by_rules(text))


def asked_by(text):
    """Send what a customer of this address asks, without the address."""
    try:
        return guarded(ask(guarded(f"{text} (jane.roe@example.com)")).choices[0].message.content)
    except Unsafe:
        return SORRY


def drafts(text):
    return [guarded(choice.message.content) for choice in ask(text, n=3).choices]


def streamed(text):
    with client() as asking:
        chunks = asking.chat.completions.create(
            model="gpt-test", messages=[{"role": "user", "content": text}], stream=True
        )
        deltas = (chunk.choices[0].delta.content or "" for chunk in chunks)
        yield from redact_pieces(deltas)


async def replied(text):
    async with openai.AsyncOpenAI(timeout=5, max_retries=0) as asking:
        completion = await asking.chat.completions.create(
            model="gpt-test", messages=[{"role": "user", "content": text}]
        )
    return {"reply": redact(completion.choices[0].message.content)}


async def streamed_async(text):
    for piece in streamed(text):
        yield {"event": "delta", "text": piece}


def with_tools(text):
    messages = [{"role": "user", "content": text}]
    with client() as asking:
        answer = asking.chat.completions.create(model="gpt-test", messages=messages, tools=TOOLS)
        message = answer.choices[0].message
        if not message.tool_calls:
            return guarded(message.content)
        (call,) = message.tool_calls
        arguments = json.loads(redact(call.function.arguments))
        result = redact(json.dumps(note(**arguments)))
        messages += [message, {"role": "tool", "tool_call_id": call.id, "content": result}]
        answer = asking.chat.completions.create(model="gpt-test", messages=messages)
    return guarded(answer.choices[0].message.content)


@functools.cache
def remembered(text):
    return reply(text)
