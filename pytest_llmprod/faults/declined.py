"""Declined: the faults that a good status and a whole body tell in one of their fields."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pytest_llmprod.core.fault_names import Group
from pytest_llmprod.core.faulting import Asked, WireAnswer
from pytest_llmprod.faults.fault import Fault
from pytest_llmprod.faults.good import Good
from pytest_llmprod.faults.good_answer import answer_of, document_of, events_of
from pytest_llmprod.faults.http_answer import event, json_answer, stream_answer

_REFUSAL = "I'm sorry, but I can't help with that."


def _cut(good: Good, finish: str) -> Good:
    text = good.text or ""
    return replace(good, text=text[: max(1, len(text) // 2)], chunks=None, finish=finish)


def _ends(finish: str) -> Any:
    def build(asked: Asked, good: Good) -> WireAnswer | None:
        return None if asked.api == "embeddings" else answer_of(asked, _cut(good, finish))

    return build


def _refuses(asked: Asked, good: Good) -> WireAnswer | None:
    if asked.api == "embeddings":
        return None
    return answer_of(asked, replace(good, text=None, chunks=(), refusal=_REFUSAL))


def _failed(code: str) -> Any:
    """Return a builder of a response that has failed, and says so in its status only."""
    error = {"code": code, "message": "The model could not answer."}
    change = {"status": "failed", "output": [], "error": error}

    def build(asked: Asked, good: Good) -> WireAnswer | None:
        if asked.api != "responses":
            return None
        if asked.stream:
            return stream_answer(_failing_events(asked, good, change))
        return json_answer({**document_of(asked, good), **change})

    return build


def _failing_events(asked: Asked, good: Good, change: Mapping[str, Any]) -> list[bytes]:
    document = {**document_of(asked, good), **change}
    last = {"type": "response.failed", "response": document, "sequence_number": 2}
    return [*events_of(asked, good)[:2], event(last, "response.failed")]


def _response(change: Mapping[str, Any]) -> Any:
    def build(asked: Asked, good: Good) -> WireAnswer | None:
        if asked.api != "responses" or asked.stream:
            return None
        return json_answer({**document_of(asked, good), **change})

    return build


def _fault(
    name: str,
    what: str,
    build: Any,
    *,
    group: Group = "policy",
    raises: str = "",
    partial: bool = False,
    retryable: bool = True,
    words: tuple[str, ...] = (),
) -> Fault:
    return Fault(
        name=name,
        group=group,
        what=what,
        build=build,
        retryable=retryable,
        billable=True,
        raises=raises,
        partial=partial,
        words=words,
    )


DECLINED: tuple[Fault, ...] = (
    _fault("length", "half an answer: the limit of tokens was met", _ends("length"), partial=True),
    _fault(
        "content-filter",
        "half an answer: the provider's filter cut it",
        _ends("content_filter"),
        partial=True,
    ),
    _fault("refusal", "the model refuses", _refuses),
    _fault(
        "response-failed", "a response with status failed", _failed("server_error"), group="outage"
    ),
    _fault(
        "response-rate-limited",
        "a response that failed by the rate limit",
        _failed("rate_limit_exceeded"),
        group="limit",
    ),
    _fault(
        "response-policy",
        "a response that failed by the policy",
        _failed("bio_policy"),
        retryable=False,
    ),
    _fault(
        "response-empty", "a response without output", _response({"output": []}), group="garbage"
    ),
    _fault(
        "response-output-null",
        "a response whose output is null",
        _response({"output": None}),
        group="garbage",
    ),
)
