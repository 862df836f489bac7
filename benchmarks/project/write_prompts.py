"""Write the cassette of `test_misses.py`, and nothing else, into the folder of its cassettes."""

import json
import shutil
from pathlib import Path
from typing import Any

import model
import prompts

from pytest_llmprod.wire.cassettes import cassette_file
from pytest_llmprod.wire.key import stored_key
from pytest_llmprod.wire.recording import Recording

FOLDER = Path("cassettes/test_misses")
HEADERS = {"content-type": ["application/json"]}


def recording(number: int) -> Recording:
    """Return the recording of a request of `prompts`, in a section of its own.

    One in the middle is that of the case `known`.
    """
    request = {
        "method": "POST",
        "uri": "https://api.openai.com/v1/chat/completions",
        "headers": HEADERS,
        "body": {"json": prompts.request(number)},
    }
    response = {"status": {"code": 200, "message": "OK"}, "headers": HEADERS, "body": answer()}
    return Recording(
        case="known" if number == prompts.COUNT // 2 else f"r{number:04d}",
        key=stored_key(request),
        recorded_at="2026-01-01T00:00:00Z",
        latency_s=0.5,
        ttft_s=None,
        model="gpt-5-mini",
        usage=None,
        attempt=1,
        complete=True,
        request=request,
        response=response,
    )


def answer() -> dict[str, Any]:
    """Return the stored body of an answer."""
    asked = {"model": "gpt-5-mini", "messages": [{"content": "What is 1 + 2?"}]}
    return {"json": json.loads(model.completion(json.dumps(asked).encode()))}


if __name__ == "__main__":
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    path = FOLDER / "test_misses.gpt-5-mini.json"
    cassette_file.save(path, [recording(number) for number in range(prompts.COUNT)])
    print(f"wrote {path.stat().st_size} bytes")
