"""Clients: one request of each API, as the official clients make it, and what came of it."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import anthropic
import openai

TEXT = "A good answer of several words, to be cut."
MESSAGES: Any = [{"role": "user", "content": "Say something."}]
TIMEOUT_S = 20.0

Ask = Callable[[], Any]


class Outcome(NamedTuple):
    """The class of the error that came out, '' for none, and the requests that were made."""

    raises: str
    requests: int


def ask_openai(mode: str) -> Any:
    """Ask openai's client in one of the modes, and read the answer to its end."""
    with openai.OpenAI(api_key="sk-test", base_url=BASE, timeout=TIMEOUT_S) as client:
        return _openai(client, mode)


BASE = "https://provider.test/v1"


def _openai(client: openai.OpenAI, mode: str) -> Any:
    if mode == "chat":
        return client.chat.completions.create(model="gpt-test", messages=MESSAGES)
    if mode == "chat stream":
        return list(
            client.chat.completions.create(model="gpt-test", messages=MESSAGES, stream=True)
        )
    if mode == "responses":
        return client.responses.create(model="gpt-test", input="Say something.")
    if mode == "responses stream":
        return list(client.responses.create(model="gpt-test", input="Say it.", stream=True))
    return client.embeddings.create(model="gpt-test", input="Say something.")


async def ask_openai_async(mode: str) -> Any:
    """Ask openai's asynchronous client in one of the modes, and read the answer to its end."""
    async with openai.AsyncOpenAI(api_key="sk-test", base_url=BASE, timeout=TIMEOUT_S) as client:
        if mode == "chat":
            return await client.chat.completions.create(model="gpt-test", messages=MESSAGES)
        stream = await client.chat.completions.create(
            model="gpt-test", messages=MESSAGES, stream=True
        )
        return [chunk async for chunk in stream]


def ask_anthropic(mode: str) -> Any:
    """Ask anthropic's client in one of the modes, and read the answer to its end."""
    with anthropic.Anthropic(
        api_key="sk-ant-test", base_url="https://provider.test", timeout=TIMEOUT_S
    ) as client:
        answer: Any = client.messages.create(
            model="claude-test", max_tokens=99, messages=MESSAGES, stream=mode.endswith("stream")
        )
        return list(answer) if isinstance(answer, Iterable) and "stream" in mode else answer


OPENAI_MODES = ("chat", "chat stream", "responses", "responses stream", "embeddings")
ANTHROPIC_MODES = ("messages", "messages stream")


def asker(mode: str) -> Ask:
    """Return the function that asks in `mode`."""
    if mode in ANTHROPIC_MODES:
        return lambda: ask_anthropic(mode)
    return lambda: ask_openai(mode)


def error_of(ask: Ask) -> str:
    """Return the class of the error that `ask` raises, '' where it raises none."""
    try:
        ask()
    except Exception as error:
        return type(error).__name__
    return ""
