"""Samples: requests, answers and recordings of a chat, as tests need them."""

import json
from typing import Any

from pytest_llmprod.core.exchange import Usage
from pytest_llmprod.wire import dialects, masking
from pytest_llmprod.wire.key import ModelChoice, WireRequest, read_request
from pytest_llmprod.wire.recording import Recording

KEY = "sk-proj-" + "k" * 32
AS_IT_IS = ModelChoice(swaps={})
CHAT_URL = "https://api.openai.com/v1/chat/completions"


def recording(text: str = "hello", *, case: str = "", key: str = "k1", **other: Any) -> Recording:
    """Return a recording of a chat that answers `text`."""
    values: dict[str, Any] = {
        "case": case,
        "key": key,
        "recorded_at": "2026-11-22T12:30:00Z",
        "latency_s": 0.25,
        "ttft_s": None,
        "model": "gpt-test-1",
        "usage": Usage(input_tokens=7, output_tokens=3),
        "attempt": 1,
        "complete": True,
        "request": {
            "method": "POST",
            "uri": CHAT_URL,
            "headers": {"content-type": ["application/json"]},
            "body": {"json": chat_request(text)},
        },
        "response": {
            "status": {"code": 200, "message": "OK"},
            "headers": {"content-type": ["application/json"]},
            "body": {"json": chat_answer(text)},
        },
    }
    return Recording(**(values | other))


def wire_request(document: Any = None, **other: Any) -> WireRequest:
    """Read a chat request off the wire."""
    values: dict[str, Any] = {
        "method": "POST",
        "url": CHAT_URL,
        "body": json.dumps(chat_request("hello") if document is None else document).encode(),
        "headers": {},
        "dialects": dialects.BUILT_IN,
        "scanners": masking.BUILT_IN,
        "choice": AS_IT_IS,
    }
    return read_request(**(values | other))


def chat_request(text: str, model: str = "gpt-test", **other: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": text}], **other}


def chat_answer(text: str, model: str = "gpt-test-1") -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": text},
            }
        ],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
    }


def chat_chunk(text: str) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "gpt-test-1",
        "choices": [{"index": 0, "delta": {"content": text}}],
    }


def asked_text(body: dict[str, Any]) -> str:
    return str(body["messages"][-1]["content"])


def upload(
    boundary: str, content: bytes = b"RIFF\r\n--sound", model: str = "whisper-1"
) -> dict[str, Any]:
    """Return what `wire_request` takes to read a form with a model and a file of sound."""

    def part(head: str, body: bytes) -> bytes:
        return f"--{boundary}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + body

    parts = [
        part('name="model"', model.encode()),
        part('name="file"; filename="a.wav"\r\nContent-Type: audio/wav', content),
    ]
    return {
        "url": "https://api.openai.com/v1/audio/transcriptions",
        "body": b"\r\n".join([*parts, f"--{boundary}--\r\n".encode()]),
        "headers": {"content-type": [f"multipart/form-data; boundary={boundary}"]},
    }
