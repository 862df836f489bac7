"""The command `llmprod cassette show`: which exchanges are in a cassette?"""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytest_llmprod.core.exchange import usage_to_json
from pytest_llmprod.core.text import counted, printable, shorten, width
from pytest_llmprod.report.layout import COLUMNS
from pytest_llmprod.wire import dialects
from pytest_llmprod.wire.cassettes import any_cassette
from pytest_llmprod.wire.comparing.behaviour import behaviour_of
from pytest_llmprod.wire.recording import Recording, asked_model

_GAP = "  "
_HEADERS = ("case", "operation", "model", "status", "in", "out", "latency", "text")
_FIGURES = ("status", "in", "out", "latency")
_COMMON = ("operation", "model")  # mostly one in a cassette
_LEAST_TEXT = 20


def run(options: argparse.Namespace) -> int:
    """Print the exchanges in a cassette, ours or vcrpy's."""
    recordings = any_cassette.read(options.file)
    if options.json:
        print(json.dumps([_exchange(each) for each in recordings], indent=1))
    else:
        for line in _lines([_row(each) for each in recordings]):
            print(line)
    return 0


def _exchange(recording: Recording) -> dict[str, Any]:
    body = recording.response["body"]
    return {
        "case": recording.case,
        "provider": any_cassette.provider_of(recording),
        "operation": any_cassette.operation_of(recording),
        "stream": "stream" in body,
        "model_requested": asked_model(recording) or None,
        "model": recording.model,
        "status": recording.status,
        "usage": usage_to_json(recording.usage) if recording.usage else None,
        "latency_s": recording.latency_s,
        "ttft_s": recording.ttft_s,
        "recorded_at": recording.recorded_at,
        "text": dialects.stored_text(any_cassette.dialect_of(recording), body),
    }


def _row(recording: Recording) -> tuple[str, ...]:
    shown = _exchange(recording)
    usage = shown["usage"] or {}
    return (
        printable(shown["case"]),
        printable(shown["operation"]) + (" (stream)" if shown["stream"] else ""),
        printable(shown["model"]),
        str(shown["status"]),
        str(usage.get("input_tokens", "-")),
        str(usage.get("output_tokens", "-")),
        f"{shown['latency_s']:.2f} s",
        printable(shown["text"] or _deed(recording)),
    )


def _deed(recording: Recording) -> str:
    """Say what an answer without a text did: which tools it calls, or how it failed."""
    behaviour = behaviour_of(recording, any_cassette.dialect_of(recording))
    calls = ", ".join(f"{call.name}()" for call in behaviour.answer.tool_calls)
    return calls or behaviour.failure.rpartition(".")[2]


def _lines(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield what all recordings have in common, and the table of the rest.

    The names and the texts are cut so that a line fits.
    """
    columns = dict(zip(_HEADERS, zip(*rows, strict=True), strict=False))
    common = [name for name in _COMMON if len(set(columns.get(name, ()))) == 1]
    about = ", ".join(columns[name][0] for name in common)
    yield shorten(counted(len(rows), "recording") + (f": {about}" if about else ""), COLUMNS)
    shown = [name for name in _HEADERS if name not in common]
    widths = _widths({name: [name, *columns.get(name, ())] for name in shown})
    cells = [[*columns.get(name, ())] for name in shown]
    for row in (shown, ["-" * widths[name] for name in shown], *zip(*cells, strict=True)):
        parts = (_cell(text, widths[name], name) for text, name in zip(row, shown, strict=True))
        yield _GAP.join(parts).rstrip()


def _widths(columns: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Return how wide each column is: the names share what the figures and the text leave."""
    widths = {name: max(map(width, cells)) for name, cells in columns.items()}
    gaps = len(_GAP) * (len(widths) - 1)
    figures = sum(widths[name] for name in widths if name in _FIGURES)
    room = max(0, COLUMNS - gaps - figures)
    names = [name for name in widths if name not in _FIGURES and name != "text"]
    left = max(0, room - min(widths["text"], _LEAST_TEXT))
    most = max(
        each for each in range(left + 1) if sum(min(widths[name], each) for name in names) <= left
    )
    widths |= {name: min(widths[name], most) for name in names}
    widths["text"] = min(widths["text"], room - sum(widths[name] for name in names))
    return widths


def _cell(text: str, columns: int, name: str) -> str:
    text = shorten(text, columns)
    gap = " " * (columns - width(text))
    return gap + text if name in _FIGURES else text + gap
