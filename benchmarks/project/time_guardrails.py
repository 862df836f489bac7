"""Time every detector on hostile texts in this process: `python time_guardrails.py ROUNDS`.

Each class is made with 250 kB and with 1 MB. Prints a JSON object: for each detector its slowest
class, the milliseconds of CPU of each round on 1 MB of it, and the exponent of the growth between
both sizes there.
"""

import json
import math
import sys
from collections.abc import Callable
from statistics import median
from time import process_time
from typing import Any

from benchmarks.hostile import HOSTILE
from pytest_llmprod import guardrails

SMALL, LARGE = 250_000, 1_000_000
DETECTORS: dict[str, Callable[[str], Any]] = {
    "find_pii": guardrails.find_pii,
    "find_secrets": guardrails.find_secrets,
    "find_injection": guardrails.find_injection,
    "find_exfiltration": guardrails.find_exfiltration,
    "find_invisible": guardrails.find_invisible,
    "classify_refusal": guardrails.classify_refusal,
}


def cpu_ms(detect: Callable[[str], Any], text: str) -> float:
    """Return what a detector costs on a text."""
    start = process_time()
    detect(text)
    return (process_time() - start) * 1000


def main(rounds: int) -> None:
    """Find the slowest class of each detector in one pass, and measure that one."""
    measured = {}
    for name, detect in DETECTORS.items():
        slowest = max(HOSTILE, key=lambda kind: cpu_ms(detect, HOSTILE[kind](LARGE)))
        large = [cpu_ms(detect, HOSTILE[slowest](LARGE)) for _ in range(rounds)]
        small = [cpu_ms(detect, HOSTILE[slowest](SMALL)) for _ in range(rounds)]
        exponent = math.log(median(large) / median(small)) / math.log(LARGE / SMALL)
        measured[name] = {"class": slowest, "ms": large, "exponent": exponent}
    print(json.dumps({"classes": len(HOSTILE), "detectors": measured}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
