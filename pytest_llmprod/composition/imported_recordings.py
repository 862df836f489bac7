"""Imported recordings: exchanges of an application's log as cassettes that its tests play.

A cassette finds an answer by the whole request. A log that keeps the request as it was sent has
it; of one that does not, the request is put together as OpenAI's chat takes it, from the model, the
messages and the parameters that the log names.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pytest_llmprod.composition.imported_cases import is_answered
from pytest_llmprod.core.errors import CassetteError
from pytest_llmprod.records import conversation, names
from pytest_llmprod.records.line import LogLine
from pytest_llmprod.wire.cassettes import cassette_file, foreign, locks
from pytest_llmprod.wire.cassettes.folders import FOLDER
from pytest_llmprod.wire.cassettes.leaks import refuse_leaks
from pytest_llmprod.wire.cassettes.vcrpy_file import Interaction
from pytest_llmprod.wire.label import cassette_name
from pytest_llmprod.wire.masking import Scanner
from pytest_llmprod.wire.recording import NO_MODEL, Recording, asked_model

Row = Mapping[str, Any]
_OPENAI = "https://api.openai.com/v1/chat/completions"
_URLS = ("url", "url.full", "http.url")
_PARAMETERS = ("temperature", "top_p", "seed", "max_tokens")
_JSON = (("content-type", "application/json"),)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedRecordings:
    """Which cassettes got how many recordings, and which lines belong to them.

    `left_out` exchanges have no case, were streamed, or are of another API than OpenAI's chat and
    without their request as it was sent. `kept` counts the cases that had recordings already.
    """

    lines: tuple[LogLine, ...]
    counts: Mapping[Path, int]
    left_out: int
    kept: int


def add_recordings(
    test: str, lines: Sequence[LogLine], rows: Sequence[Row], known: Sequence[Scanner]
) -> AddedRecordings:
    """Add recordings to the cassettes that `test` plays, `test_a.py::test_b` from this folder on.

    `rows` are what the lines were read from, and `known` finds the secrets of this machine. What a
    case has already stays as it is. Raises CassetteError where a cassette cannot be written.
    """
    file, _, function = test.partition("::")
    folder = Path(file).parent / FOLDER / Path(file).stem
    found: dict[Path, list[Recording]] = {}
    told = []
    left_out = 0
    for line, row in zip(lines, rows, strict=True):
        recording = _recording(line, row, known)
        if recording is None:
            left_out += 1
            told.append(line)
            continue
        model = asked_model(recording) or NO_MODEL
        path = folder / cassette_name(function.replace("::", "."), model)
        found.setdefault(path, []).append(recording)
        told.append(replace(line, test=f"{test}[{line.case}]", cassette=path.as_posix()))
    counts, kept = _written(found)
    return AddedRecordings(lines=tuple(told), counts=counts, left_out=left_out, kept=kept)


def _written(found: Mapping[Path, Sequence[Recording]]) -> tuple[dict[Path, int], int]:
    """Write the recordings of all cases that have none; return how many, and how many cases had."""
    counts = {}
    kept = set()
    with locks.alone_with(found):
        # All are read before the first is written: one that is broken changes none.
        held = {path: cassette_file.load(path).all() for path in found}
        for path, recordings in found.items():
            taken = {each.case for each in held[path]}
            kept |= {(path, each.case) for each in recordings if each.case in taken}
            # The same question twice is one recording: a test asks it once.
            new = {(each.case, each.key): each for each in recordings if each.case not in taken}
            if new:
                cassette_file.save(path, [*held[path], *new.values()])
                counts[path] = len(new)
    return counts, len(kept)


def _recording(line: LogLine, row: Row, known: Sequence[Scanner]) -> Recording | None:
    interaction = _interaction(line, row) if line.case and is_answered(line.exchange) else None
    if interaction is None:
        return None
    try:
        recording = foreign.as_recording(interaction, known=known)
        refuse_leaks(recording.to_json(), {"the environment variable": known})
    except (CassetteError, ValueError):  # a secret that cannot be masked, or a URL that is none
        return None
    exchange = line.exchange
    return replace(
        recording,
        case=line.case,
        recorded_at=exchange.recorded_at,
        latency_s=exchange.latency_s,
        ttft_s=exchange.ttft_s,
    )


def _interaction(line: LogLine, row: Row) -> Interaction | None:
    url = next((row[name] for name in _URLS if isinstance(row.get(name), str)), "")
    request, answer = row.get("request"), row.get("response")
    is_openai = line.exchange.provider in ("", "openai") and line.exchange.operation == "chat"
    sent = request if isinstance(request, dict) else _request(line, row) if is_openai else None
    if sent is None or sent.get("stream") or not (url or is_openai):
        return None
    if not isinstance(answer, dict) and not is_openai:
        return None
    return Interaction(
        method="POST",
        uri=url or _OPENAI,
        request_headers=_JSON,
        request_body=json.dumps(sent).encode(),
        code=line.exchange.status or 200,
        reason="OK",
        headers=_JSON,
        body=json.dumps(answer if isinstance(answer, dict) else _answer(line)).encode(),
    )


def _request(line: LogLine, row: Row) -> dict[str, Any] | None:
    """Return the body of a request to OpenAI's chat; None where nobody can tell what was asked."""
    messages = _messages(line.exchange.request)
    if line.exchange.stream or not messages:
        return None
    sent: dict[str, Any] = {"model": line.exchange.model_requested, "messages": messages}
    for name in _PARAMETERS:
        value = row.get(names.PARAMETERS[name], row.get(name))
        if value is not None:
            sent[name] = value
    return sent


def _messages(request: Any) -> list[Any]:
    """Return messages as they were sent, or made of what OpenTelemetry keeps; none if unknown."""
    logged = request.get("messages") if isinstance(request, dict) else None
    if isinstance(logged, list) and all(isinstance(x, dict) and "content" in x for x in logged):
        return logged
    turns = [*conversation.turns(request)]
    known = all(role for role, _ in turns)
    return [{"role": role, "content": text} for role, text in turns] if known else []


def _answer(line: LogLine) -> dict[str, Any]:
    """Return an answer as OpenAI's chat gives it."""
    exchange = line.exchange
    answer: dict[str, Any] = {
        "id": line.response_id or "imported",
        "object": "chat.completion",
        "created": 0,
        "model": exchange.model,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": exchange.text},
                "finish_reason": next(iter(exchange.finish_reasons), "stop"),
            }
        ],
    }
    if exchange.usage is not None:
        usage = exchange.usage
        answer["usage"] = {
            "prompt_tokens": usage.input_tokens,
            "completion_tokens": usage.output_tokens,
            "total_tokens": usage.input_tokens + usage.output_tokens,
            "prompt_tokens_details": {"cached_tokens": usage.cache_read_tokens},
        }
    return answer
