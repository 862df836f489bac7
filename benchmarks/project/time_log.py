"""Time a log of 10,000 exchanges in this process: `python time_log.py ROUNDS FOLDER`.

Each exchange asks something else, in a prompt of 1,400 characters, and gets an answer of 80. A log
is written with a line for each, built from the exchange: once as it is, once masked as a run masks
what it stores. Then what was said in one run is dropped. One log stays there to be searched.

Prints a JSON object: for each round the microseconds of CPU for each line, written and masked, and
the milliseconds of wall time of dropping the bodies.
"""

import json
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

from pytest_llmprod.core.exchange import Exchange, Usage
from pytest_llmprod.records import retention
from pytest_llmprod.records.line import LogLine
from pytest_llmprod.records.log import LogWriter
from pytest_llmprod.wire import masking

LINES = 10_000
SYSTEM = "You label tickets of a shop. Answer with one word. " * 24
START = datetime(2026, 11, 26, tzinfo=UTC)


def exchanges() -> list[Exchange]:
    """Return exchanges as the wire makes them."""
    first = Exchange(
        provider="openai",
        operation="chat",
        model_requested="gpt-5-mini",
        model="gpt-5-mini-2025-08-07",
        stream=False,
        status=200,
        usage=Usage(input_tokens=300, output_tokens=20),
        latency_s=0.0613,
        ttft_s=None,
        text="",
        replayed=True,
        recorded_at="2026-11-22T10:00:00Z",
        request=None,
        key="k",
        finish_reasons=("stop",),
    )
    return [
        replace(first, request=request(number), text=f"label {number} " + "because it is so " * 4)
        for number in range(LINES)
    ]


def request(number: int) -> dict[str, Any]:
    question = f"Customer {number} writes: where is my parcel? " + "It was due on Monday. " * 6
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": question}]
    return {"model": "gpt-5-mini", "messages": messages, "temperature": 0}


def write(runs: Path, run: str, answers: list[Exchange], mask: Any) -> float:
    """Log all of them and return the seconds of CPU."""
    start = process_time()
    log = LogWriter(runs, run, "main", mask)
    for number, exchange in enumerate(answers):
        line = LogLine(
            exchange=exchange,
            timestamp=(START + timedelta(milliseconds=number)).isoformat(),
            test=f"test_triage.py::test_labels_a_ticket[t-{number:05d}]",
            case=f"t-{number:05d}",
            feature="ticket-triage",
            cost_usd=Decimal("0.000125"),
            cost_status="priced",
            scores={"passed": 1.0},
            verdict="hit",
            cassette="cassettes/test_triage/test_labels_a_ticket.gpt-5-mini.json",
            commit="0" * 40,
        )
        log.add(line)
    log.close()
    return process_time() - start


def as_it_is(value: Any) -> Any:
    return value


def main(rounds: int, folder: Path) -> None:
    answers = exchanges()
    mask = partial(masking.mask_strings, scanners=masking.BUILT_IN)
    times: dict[str, list[float]] = {"written": [], "masked": [], "dropped": []}
    for number in range(rounds):
        plain, masked = f"plain-{number}", f"masked-{number}"
        times["masked"].append(write(folder, masked, answers, mask) * 1e6 / LINES)
        times["written"].append(write(folder, plain, answers, as_it_is) * 1e6 / LINES)
        start = perf_counter()
        retention.drop_bodies(folder / plain)
        times["dropped"].append((perf_counter() - start) * 1e3)
        retention.remove([folder / plain, *([folder / masked] if number else [])])
    print(json.dumps(times))


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
