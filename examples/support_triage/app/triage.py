"""Triage: which desk a customer's ticket goes to, and how soon."""

import asyncio
import functools
import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import openai

from app.call_log import recorded
from app.decision import Decision, Triage
from app.guardrails import guarded, is_suspicious, read_json, redact_record
from app.rules import triage_by_rules
from app.settings import TIMEOUT_S, TRIAGE_MODEL
from pytest_llmprod.gates import gate

PROMPT = (Path(__file__).parent / "prompt.md").read_text(encoding="utf-8")

log = logging.getLogger(__name__)
log.addFilter(redact_record)


def triage(text: str) -> Triage:
    """Return the decision about a ticket, by the model if it may answer and can."""
    if not gate_is_open() or is_suspicious(text):
        return triage_by_rules(text)
    try:
        return ask_in_time(text)
    except Exception:  # whatever is wrong with the model, the ticket needs a desk
        log.warning("The rules triage this ticket.", exc_info=True)
        return triage_by_rules(text)


async def triage_async(text: str) -> Triage:
    """Return what `triage` returns, without blocking the event loop."""
    if not gate_is_open() or is_suspicious(text):
        return triage_by_rules(text)
    try:
        async with asyncio.timeout(TIMEOUT_S):
            return await ask_model_async(text)
    except Exception:  # as above
        log.warning("The rules triage this ticket.", exc_info=True)
        return triage_by_rules(text)


def ask_in_time(text: str) -> Triage:
    """Return what `ask_model` returns, or raise TimeoutError after `TIMEOUT_S`.

    A client's own timeout bounds each wait for a piece of the answer, and not their sum.
    """
    pool = ThreadPoolExecutor(max_workers=1)
    try:
        return pool.submit(ask_model, text).result(timeout=TIMEOUT_S)
    finally:
        pool.shutdown(wait=False)  # a call that is too slow ends by itself, and nobody listens


# The evals call ask_model and not triage. They must judge the model whatever the gate says:
# behind a closed gate triage answers by rules, so a closed gate could never open again.


def ask_model(text: str) -> Triage:
    """Return the model's decision; an empty ticket is decided by the rules, without a call.

    Raises openai.OpenAIError if the provider fails, pydantic.ValidationError if the model's
    answer is not a decision, and GuardrailFailed if the ticket cannot be redacted.
    """
    if is_empty(text):
        return triage_by_rules(text)
    request = request_for(text)
    with recorded(request) as call:
        completion = client().chat.completions.create(**request)
        content = completion.choices[0].message.content
        call.answered(completion, content)
    return read_answer(content)


async def ask_model_async(text: str) -> Triage:
    """Return what `ask_model` returns, without blocking the event loop."""
    if is_empty(text):
        return triage_by_rules(text)
    request = request_for(text)
    with recorded(request) as call:
        completion = await async_client().chat.completions.create(**request)
        content = completion.choices[0].message.content
        call.answered(completion, content)
    return read_answer(content)


def is_empty(text: str) -> bool:
    """Whether a ticket holds nothing that a model could judge."""
    return not text.strip()


def request_for(text: str) -> dict[str, Any]:
    """Return the arguments of the one request that triage sends, with the ticket redacted."""
    return {
        "model": TRIAGE_MODEL,
        "messages": [
            {"role": "system", "content": PROMPT},
            {"role": "user", "content": guarded(text)},
        ],
        "response_format": {"type": "json_object"},
        "reasoning_effort": "low",
        "max_completion_tokens": 600,
    }


def read_answer(content: str | None) -> Triage:
    """Return the decision in a model's answer, or raise pydantic.ValidationError."""
    decision = Decision.model_validate(read_json(content or ""))
    return Triage(**decision.model_dump(), source="model")


@functools.cache
def gate_is_open() -> bool:
    """Whether the last evaluation lets the model answer; read once in a process's life."""
    return gate("ticket-triage").enabled


@functools.cache
def client() -> openai.OpenAI:
    """Return the application's client, built when the first ticket needs it."""
    return openai.OpenAI(timeout=TIMEOUT_S, max_retries=0)


@functools.cache
def async_client() -> openai.AsyncOpenAI:
    """Return the application's client for code that runs in an event loop."""
    return openai.AsyncOpenAI(timeout=TIMEOUT_S, max_retries=0)
