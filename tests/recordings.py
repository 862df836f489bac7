"""Recordings and cassettes as they lie in a user's project, for tests of the command line."""

from pathlib import Path
from typing import Any

from pytest_llmprod.core.exchange import Usage
from pytest_llmprod.wire.cassettes import cassette_file
from pytest_llmprod.wire.recording import Recording

KEY = "sk-proj-" + "k" * 32
HOSTILE = "\x1b[2J\x1b]0;x\x07\u202e\x00\ud800"
CHAT_URL = "https://api.openai.com/v1/chat/completions"


def recording(
    said: str = "hello you",
    *,
    asked: str = "say hello",
    model: str = "gpt-test",
    version: str = "",
    **facts: Any,
) -> Recording:
    """Return a recording of a chat in which `version` of `model` answers `said`."""
    version = version or f"{model}-1"
    values: dict[str, Any] = {
        "case": "t-1",
        "key": f"{asked} {model}",
        "recorded_at": "2026-11-22T12:30:00Z",
        "latency_s": 0.25,
        "ttft_s": None,
        "model": version,
        "usage": Usage(input_tokens=10, output_tokens=4),
        "attempt": 1,
        "complete": True,
        "request": {
            "method": "POST",
            "uri": CHAT_URL,
            "headers": {},
            "body": {"json": {"model": model, "messages": [{"role": "user", "content": asked}]}},
        },
        "response": {
            "status": {"code": 200, "message": "OK"},
            "headers": {},
            "body": {"json": {"model": version, "choices": [{"message": {"content": said}}]}},
        },
    }
    return Recording(**(values | facts))


def save(path: Path, *recordings: Recording) -> Path:
    """Write a cassette and return its path."""
    cassette_file.save(path, recordings)
    return path


def cassette(
    project: Path, *recordings: Recording, test: str = "test_x", module: str = "test_m"
) -> Path:
    """Write the cassette of a test where it belongs, in the folder of a project."""
    return save(project / "cassettes" / module / f"{test}.gpt-test.json", *recordings)
