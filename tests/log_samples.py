"""Exchanges, lines and logs as runs write them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from pytest_llmprod.core.exchange import Exchange, Usage
from pytest_llmprod.records.line import LogLine
from pytest_llmprod.records.log import LogWriter

START = datetime(2026, 11, 19, 14, 2, tzinfo=UTC)


def an_exchange(**changed: Any) -> Exchange:
    facts: dict[str, Any] = {
        "provider": "openai",
        "operation": "chat",
        "model_requested": "gpt-5-mini",
        "model": "gpt-5-mini-2025-08-07",
        "stream": False,
        "status": 200,
        "usage": Usage(input_tokens=120, output_tokens=12, cache_read_tokens=64),
        "latency_s": 0.81,
        "ttft_s": None,
        "text": "shipping",
        "replayed": True,
        "recorded_at": "2026-11-01T09:00:00Z",
        "request": {
            "model": "gpt-5-mini",
            "messages": [
                {"role": "system", "content": "Label the ticket."},
                {"role": "user", "content": "Customer 4711: where is my parcel?"},
            ],
            "temperature": 0.0,
            "max_completion_tokens": 50,
        },
        "key": "k",
        "finish_reasons": ("stop",),
    }
    return Exchange(**{**facts, **changed})


def a_line(number: int = 1, *, exchange: Exchange | None = None, **changed: Any) -> LogLine:
    facts: dict[str, Any] = {
        "exchange": exchange or an_exchange(),
        "timestamp": (START + timedelta(seconds=number)).isoformat().replace("+00:00", "Z"),
        "test": f"test_triage.py::test_labels_a_ticket[t-{number:03d}]",
        "case": f"t-{number:03d}",
        "feature": "ticket-triage",
        "cost_usd": Decimal("0.000125"),
        "cost_status": "priced",
        "scores": {"passed": 0.0},
        "verdict": "miss",
        "why": "assert 'shipping' == 'refund'",
        "cassette": "cassettes/test_triage/test_labels_a_ticket.gpt-5-mini.json",
        "commit": "0" * 40,
    }
    return LogLine(**{**facts, **changed})


def as_it_is(value: Any) -> Any:
    """Mask nothing."""
    return value


def write(runs: Path, *lines: LogLine, run: str = "run-1", writer: str = "main") -> list[str]:
    """Log these lines as one process, and return their ids."""
    log = LogWriter(runs, run, writer, mask=as_it_is)
    written = [log.add(line) for line in lines]
    log.close()
    return written
