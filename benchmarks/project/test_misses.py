"""Requests that are in no recording: a word of their prompt has changed.

Writes `misses_<case>.json`: the CPU, in seconds, of each miss in this process, in order.
"""

import json
from pathlib import Path
from time import process_time

import httpx2
import prompts
import pytest

from pytest_llmprod.core.errors import CassetteMiss

MISSES = 21
EVERYWHERE = [number * prompts.COUNT // MISSES for number in range(MISSES)]
KNOWN = prompts.COUNT // 2


# The case `new` has no recording, so that all others are compared; the other one has its own.
@pytest.mark.llm_cassette
@pytest.mark.parametrize("numbers", [EVERYWHERE, [KNOWN] * MISSES], ids=["new", "known"])
def test_misses(numbers, request):
    times = []
    with httpx2.Client(base_url="https://api.openai.com/v1") as client:
        for number in numbers:
            body = prompts.request(number, is_changed=True)
            start = process_time()
            try:
                client.post("/chat/completions", json=body)
            except CassetteMiss:
                times.append(process_time() - start)
    path = Path(f"misses_{request.node.callspec.id}.json")
    path.write_text(json.dumps(times), encoding="utf-8")
