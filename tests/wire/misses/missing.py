"""Recorded requests, and the misses of requests that are in no recording."""

import json
from typing import Any

from lab import AS_IT_IS, CHAT_URL, chat_request, recording, wire_request

from pytest_llmprod.core.miss import Miss
from pytest_llmprod.wire import masking
from pytest_llmprod.wire.bodies import split_lines
from pytest_llmprod.wire.dialects import BUILT_IN
from pytest_llmprod.wire.key import ModelChoice
from pytest_llmprod.wire.misses.explanation import explain
from pytest_llmprod.wire.recording import Recording
from pytest_llmprod.wire.tape import Tape


def kept(document: Any, *, case: str = "", url: str = CHAT_URL, **other: Any) -> Recording:
    """Return the recording of a request with this body."""
    request = {**recording().request, "uri": url, "body": {"json": split_lines(document)}}
    values = {"key": wire_request(document, url=url).key, "request": request, **other}
    return recording(case=case, **values)


def missed(tape: Tape, document: Any, choice: ModelChoice = AS_IT_IS, **request: Any) -> Miss:
    """Explain the miss of a request with this body."""
    return explain(
        tape,
        wire_request(document, **request),
        choice=choice,
        dialects=request.get("dialects", BUILT_IN),
        scanners=masking.BUILT_IN,
    )


def told(tape: Tape, document: Any, choice: ModelChoice = AS_IT_IS, **request: Any) -> str:
    """Return the whole text of the miss of a request with this body."""
    return str(missed(tape, document, choice, **request))


def differences(text: str) -> list[str]:
    """Return the lines of a miss that show what differs, without their indent of 12 columns."""
    lines = text.splitlines()
    start = next((number for number, line in enumerate(lines) if "  differs   " in line), None)
    if start is None:
        return []
    end = next(
        number
        for number, line in enumerate(lines)
        if number > start and not line.startswith(" " * 12)
    )
    return [line[12:] for line in lines[start:end]]


def conversation(*texts: str, **other: Any) -> dict[str, Any]:
    """Return a chat in which user and assistant take turns, after a system prompt."""
    roles = ["system", *(["user", "assistant"] * len(texts))]
    turns = [{"role": role, "content": text} for role, text in zip(roles, texts, strict=False)]
    return {**chat_request(""), "messages": turns, **other}


def tool(name: str, **properties: str) -> dict[str, Any]:
    """Return the definition of a tool whose parameters have these types."""
    schema = {
        "type": "object",
        "properties": {key: {"type": properties[key]} for key in properties},
    }
    return {"type": "function", "function": {"name": name, "parameters": schema}}


def copied(document: Any) -> Any:
    return json.loads(json.dumps(document))
