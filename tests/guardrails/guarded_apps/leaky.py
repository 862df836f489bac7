"""The same help desk with one hole each: what the contract has to find."""

import json
import logging

import desk
import openai
from desk import ADDRESS, SORRY, TOOLS, ask, by_rules, client, note, redact

log = logging.getLogger("leaky")
FOUND = {}


def redact_each(pieces):
    for piece in pieces:
        yield redact(piece)


def plain(text):
    return ask(text).choices[0].message.content


def asked_by(text):
    return redact(ask(f"{text} (jane.roe@example.com)").choices[0].message.content)


def asks_all_the_same(text):
    text = f"{text} (jane.roe@example.com)"
    try:
        text = redact(text)
    except Exception:
        log.exception("the guardrail failed")
    return "" if "@" in ask(text).choices[0].message.content else SORRY


def half(text):
    """Replace the part behind the @ only."""
    content = redact(ask(text).choices[0].message.content)
    return content + ask(text).choices[0].message.content.partition("@")[0]


def streamed(text):
    with client() as asking:
        chunks = asking.chat.completions.create(
            model="gpt-test", messages=[{"role": "user", "content": text}], stream=True
        )
        yield from redact_each(chunk.choices[0].delta.content or "" for chunk in chunks)


def redact_but_lose(pieces):
    for number, piece in enumerate(desk.redact_pieces(pieces)):
        if number != 3:
            yield piece


def losing(text):
    with client() as asking:
        chunks = asking.chat.completions.create(
            model="gpt-test", messages=[{"role": "user", "content": text}], stream=True
        )
        yield from redact_but_lose(chunk.choices[0].delta.content or "" for chunk in chunks)


def first_draft_guarded(text):
    first, *others = (choice.message.content for choice in ask(text, n=3).choices)
    return [redact(first), *others]


def refused(text):
    message = ask(text).choices[0].message
    return message.refusal or redact(message.content)


def tools_unguarded(text):
    messages = [{"role": "user", "content": text}]
    with client() as asking:
        message = (
            asking.chat.completions.create(model="gpt-test", messages=messages, tools=TOOLS)
            .choices[0]
            .message
        )
        if not message.tool_calls:
            return redact(message.content)
        (call,) = message.tool_calls
        result = json.dumps(note(**json.loads(call.function.arguments)))
        messages += [message, {"role": "tool", "tool_call_id": call.id, "content": result}]
        answer = asking.chat.completions.create(model="gpt-test", messages=messages)
    return redact(answer.choices[0].message.content)


def fallback_unguarded(text):
    try:
        return redact(ask(text).choices[0].message.content)
    except openai.OpenAIError:
        return by_rules(text)


def cached_raw(text):
    if text in FOUND:
        return FOUND[text]
    FOUND[text] = ask(text).choices[0].message.content
    return redact(FOUND[text])


def error_told(text):
    try:
        return redact(ask(text).choices[0].message.content)
    except openai.OpenAIError as error:
        return f"That went wrong: {error}"


def error_logged(text):
    try:
        return redact(ask(text).choices[0].message.content)
    except openai.OpenAIError:
        log.exception("the rules answer")
        return SORRY


def error_raised(text):
    try:
        return redact(ask(text).choices[0].message.content)
    except openai.OpenAIError as error:
        raise RuntimeError("no answer") from error


def shown_all_the_same(text):
    content = ask(text).choices[0].message.content
    try:
        return redact(content).strip()
    except Exception:
        log.warning("the guardrail failed", exc_info=True)
        return content


def waits_for_ever(text):
    return redact(ask(text).choices[0].message.content)


def silent(text):
    content = ask(text).choices[0].message.content
    try:
        return redact(content).strip()
    except Exception:
        return SORRY


def open_and_told(text):
    content = ask(text).choices[0].message.content
    try:
        return redact(content).strip()
    except Exception as error:
        log.warning("the guardrail failed: %s", error)
        return content


def unguarded_words(text):
    return ADDRESS.sub("", ask(text).choices[0].message.content)
