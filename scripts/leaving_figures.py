"""Measure what `[tool.llmprod.wire] forbid` does to requests: `python -m scripts.leaving_figures`.

It times a request of 10 kB, all of whose text is new, and the same one again. With a FOLDER of
cassettes that vcrpy wrote it also says how many of the requests in them would be refused, and for
what.
"""

import json
import random
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

import yaml

from pytest_llmprod.composition.forbidding import customs_of
from pytest_llmprod.wire.leaving import Customs, Request
from pytest_llmprod.wire.masking import BUILT_IN
from pytest_llmprod.wire.outgoing import Outgoing
from pytest_llmprod.wire.rules import LeaveRules

_URL = "https://api.openai.com/v1/chat/completions"
_BYTES = 10_000
_REQUESTS = 200
_WORDS = (
    *("the", "a", "customer", "printer", "order", "says", "that", "help", "with", "from", "in"),
    *("on", "of", "and", "is", "was", "been", "answer", "mail", "window", "please", "support"),
    *("ticket", "number", "urgent", "today", "never"),
)


def _customs() -> Customs:
    customs = customs_of(LeaveRules(forbid=("pii", "secrets")), BUILT_IN, tuple)
    assert customs is not None
    return customs


def _prose(chance: random.Random) -> str:
    """Return text of which three words in a hundred are numbers, and some end a sentence."""
    words = (
        chance.choice(_WORDS) + chance.choice((".", ",", ""))
        if chance.random() < 0.97
        else str(chance.randint(1, 9999))
        for _ in range(_BYTES // 3)
    )
    return " ".join(words)[:_BYTES]


def _request(text: str) -> Request:
    turns = [text[at : at + 2_500] for at in range(0, _BYTES, 2_500)]
    document = {
        "model": "gpt-5-mini-2025-08-07",
        "messages": [{"role": "user", "content": each} for each in turns],
    }
    headers = [("content-type", "application/json"), ("authorization", "Bearer a-key-of-somebody")]
    body = json.dumps(document).encode()
    return Request(Outgoing("POST", _URL, headers, body), None, None)


def times_ms() -> tuple[float, float]:
    """Return the median CPU time of a request of 10 kB that is new, and of one that is known."""
    chance = random.Random(1)
    requests = [_request(_prose(chance)) for _ in range(_REQUESTS)]
    customs = _customs()

    def taken() -> float:
        times = []
        for request in requests:
            start = process_time()
            customs.problem(request)
            times.append(process_time() - start)
        return median(times) * 1000

    return taken(), taken()


def recorded(folder: Path) -> Iterator[Outgoing]:
    """Yield the requests in all cassettes of vcrpy below a folder."""
    for path in sorted(folder.rglob("*.yaml")):
        try:
            document = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        except yaml.YAMLError:
            continue
        for each in document.get("interactions", ()) if isinstance(document, dict) else ():
            request = each["request"]
            body = request.get("body") or request.get("parsed_body") or b""
            headers = (request.get("headers") or {}).items()
            pairs = [(name, value) for name, values in headers for value in _list(values)]
            yield Outgoing(request["method"], request["uri"], pairs, _bytes(body))


def _list(values: Any) -> list[str]:
    return [str(each) for each in (values if isinstance(values, list) else [values])]


def _bytes(body: Any) -> bytes:
    if isinstance(body, bytes):
        return body
    return (body if isinstance(body, str) else json.dumps(body)).encode()


def refused(folder: Path) -> tuple[int, list[str]]:
    """Return how many requests there are, and the kinds found in each that would be refused."""
    count, kinds = 0, []
    for outgoing in recorded(folder):
        count += 1
        told = _customs().problem(Request(outgoing, None, None))
        found = [
            line.split()[1] for line in (told or "").splitlines() if line.startswith("  found ")
        ]
        kinds += [" ".join(sorted(set(found)))] if told else []
    return count, kinds


if __name__ == "__main__":
    new, known = times_ms()
    print(f"10 kB of new text: {new:.2f} ms of CPU; of known text: {known:.3f} ms")
    if sys.argv[1:]:
        total, found = refused(Path(sys.argv[1]))
        print(f"{len(found)} of {total} recorded requests would be refused: {Counter(found)}")
