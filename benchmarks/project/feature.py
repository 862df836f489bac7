"""Feature: the application under test; it asks a model for the result of a sum."""

import functools
import json
import os
from pathlib import Path
from typing import Any

import openai

CASES = Path(__file__).parent / "cases.jsonl"


def new_client() -> openai.OpenAI:
    """Return a client of its own."""
    return openai.OpenAI(base_url=os.environ["BENCHMARK_URL"], api_key="no-secret")


@functools.cache
def shared_client() -> openai.OpenAI:
    """Return the one client of this process."""
    return new_client()


@functools.cache
def async_client() -> openai.AsyncOpenAI:
    """Return the one asynchronous client of this process."""
    return openai.AsyncOpenAI(base_url=os.environ["BENCHMARK_URL"], api_key="no-secret")


def ask(client: openai.OpenAI, question: str) -> str:
    """Return the model's answer to `question`."""
    return answer_of(client.chat.completions.create(**request(question)))


async def ask_async(question: str) -> str:
    """Return the model's answer to `question`."""
    return answer_of(await async_client().chat.completions.create(**request(question)))


def request(question: str) -> dict[str, Any]:
    """Return the arguments of the call that asks `question`."""
    return {
        "model": "gpt-5-mini",
        "temperature": 0,
        "messages": [
            {"role": "system", "content": "You are a calculator."},
            {"role": "user", "content": question},
        ],
    }


def answer_of(completion: Any) -> str:
    """Return the text of an answer."""
    return completion.choices[0].message.content.strip()


def cases() -> list[dict[str, str]]:
    """Return the rows of the data set, for tests that do without pytest-llmprod."""
    lines = CASES.read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]
