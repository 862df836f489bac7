"""Prompts: requests with long texts of made-up words, the same on every machine.

The environment names their kind: `long`, one text of 1,400 characters, another in each; `system`, a
system prompt of 8,000 characters, the same in all, before a text of 100; `two`, two texts of 8,000
characters, others in each.
"""

import os
import random
from typing import Any

KIND = os.environ["BENCHMARK_KIND"]
COUNT = 5_000
_LENGTHS = {"long": (0, 1_400), "system": (8_000, 100), "two": (8_000, 8_000)}
_WORDS = [
    "".join(random.Random(number).choices("abcdefghijklmnopqrstuvwxyz", k=3 + number % 8))
    for number in range(3_000)
]
_FEWEST_CHARACTERS = 4  # of a word and the space after it


def request(number: int, *, is_changed: bool = False) -> dict[str, Any]:
    """Return a request; `is_changed` replaces one word in the middle of its last text."""
    system_length, length = _LENGTHS[KIND]
    system = _text(-1 if KIND == "system" else COUNT + number, system_length)
    words = _text(number, length).split()
    if is_changed:
        words[len(words) // 2] = "changed"
    messages = [{"role": "system", "content": system}] if system else []
    messages.append({"role": "user", "content": " ".join(words)})
    return {"model": "gpt-5-mini", "temperature": 0, "messages": messages}


def _text(seed: int, length: int) -> str:
    source = random.Random(seed)
    words = source.choices(_WORDS, k=length // _FEWEST_CHARACTERS)
    return " ".join(words)[:length].strip()
