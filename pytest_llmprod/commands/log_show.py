"""The command `llmprod log show`: one exchange, with all that its run knew of it."""

import argparse
import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_llmprod.commands.log_grep import replay_command
from pytest_llmprod.core.errors import LogError
from pytest_llmprod.core.text import counted, escaped, printable, shorten
from pytest_llmprod.records import conversation, names, reading
from pytest_llmprod.records.reading import Entry
from pytest_llmprod.report.layout import COLUMNS

_LEAST_DIGITS = 4
_MOST_SHOWN = 2_000  # characters of one text


def run(options: argparse.Namespace) -> int:
    """Print one exchange."""
    found, others = _find(options.folder, options.name, options.of_run)
    said = reading.bodies_of(found)
    if options.json:
        print(json.dumps(_document(found, said), indent=1))
        return 0
    for line in (*_head(found, said), *_said(found, said, options.full), *_end(found, others)):
        print(line)
    return 0


def _document(entry: Entry, said: Mapping[str, Any]) -> dict[str, Any]:
    """Return an exchange with what was said: once as OpenTelemetry does, once as it was sent.

    `llmprod dataset add` takes it.
    """
    document = {**entry.figures, "llmprod.run": entry.run, "llmprod.replay": replay_command(entry)}
    document |= {f"llmprod.{name}": value for name, value in said.items()}
    if "input" in said:
        document["gen_ai.input.messages"] = conversation.messages(said["input"])
    if "output" in said:
        answer = conversation.message("assistant", _answer(said["output"]))
        document["gen_ai.output.messages"] = [answer]
    return document


def _find(runs: Path, name: str, run: str | None) -> tuple[Entry, Sequence[Entry]]:
    """Return the entry that is meant, and the others of the same case and run."""
    folders = [reading.find_run(runs, run)] if run else reading.folders_of(runs)
    entries = reading.read(*folders).entries
    is_start = len(name) >= _LEAST_DIGITS
    found = [each for each in entries if is_start and each.text(names.ID).startswith(name)]
    found = found or [each for each in entries if name and each.text(names.RESPONSE_ID) == name]
    if found:
        if len({each.text(names.ID) for each in found}) > 1:
            ids = ", ".join(each.text(names.ID) for each in found[:5])
            raise LogError(f"{name!r} is the beginning of several exchanges: {ids}. Name one.")
        return found[-1], ()
    found = [each for each in entries if name and each.text(names.CASE) == name]
    if not found:
        raise LogError(
            f"{name!r} is no exchange and no case in {runs}. Look for what was said in it: "
            f"llmprod log grep TEXT"
        )
    *others, last = [each for each in found if each.folder == found[-1].folder]
    return last, others


def _head(entry: Entry, said: Mapping[str, Any]) -> Iterator[str]:
    when = entry.text(names.TIMESTAMP).replace("T", " ")
    title = f"{entry.text(names.ID)}  {when}  run {reading.short_id(entry.folder)}"
    yield shorten(printable(title), COLUMNS)
    for name, text in _facts(entry, said).items():
        if text:
            yield shorten(f"  {name:<9} {printable(text)}", COLUMNS)


def _facts(entry: Entry, said: Mapping[str, Any]) -> dict[str, str]:
    text = entry.text
    models = " -> ".join(dict.fromkeys((text(names.MODEL_ASKED), text(names.MODEL))))
    why = said.get("why", "")
    return {
        "feature": text(names.FEATURE),
        "case": _joined(text(names.CASE), _repeat(entry)),
        "verdict": _joined(text(names.VERDICT), why if isinstance(why, str) else ""),
        "scores": _scores(entry.figures.get(names.SCORES)),
        "findings": _list(entry.figures.get(names.FINDINGS)),
        "model": _joined(models, text(names.PROVIDER), text(names.OPERATION)),
        "status": _joined(
            str(entry.figures.get(names.STATUS, "")),
            text(names.ERROR),
            _list(entry.figures.get(names.FINISH_REASONS)),
        ),
        "tokens": _tokens(entry),
        "cost": _cost(entry),
        "latency": _latency(entry),
        "source": _source(entry),
        "answer id": text(names.RESPONSE_ID),
        "cassette": text(names.CASSETTE),
        "commit": text(names.COMMIT),
    }


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def _repeat(entry: Entry) -> str:
    repeat = entry.number(names.REPEAT) or 1
    return f"repeat {repeat:g}" if repeat > 1 else ""


def _scores(scores: Any) -> str:
    if not isinstance(scores, dict):
        return ""
    return _joined(*(f"{name} {score}" for name, score in scores.items()))


def _list(values: Any) -> str:
    return _joined(*map(str, values)) if isinstance(values, list) else ""


def _tokens(entry: Entry) -> str:
    counts = {
        "in": names.INPUT_TOKENS,
        "from the cache": names.CACHE_READ_TOKENS,
        "out": names.OUTPUT_TOKENS,
        "for reasoning": names.REASONING_TOKENS,
    }
    numbers = {what: entry.number(name) for what, name in counts.items()}
    return _joined(*(f"{n:,.0f} {what}" for what, n in numbers.items() if n is not None))


def _cost(entry: Entry) -> str:
    cost, status = entry.text(names.COST_USD), entry.text(names.COST_STATUS)
    return f"${cost}" if cost and status == "priced" else status


def _latency(entry: Entry) -> str:
    seconds = {"": names.LATENCY_S, " to the first event": names.TTFT_S}
    seconds |= {" waited before": names.BACKOFF_S}
    numbers = {what: entry.number(name) for what, name in seconds.items()}
    attempt = entry.number(names.ATTEMPT) or 1
    return _joined(
        *(f"{n:.2f} s{what}" for what, n in numbers.items() if n is not None),
        f"attempt {attempt:g}" if attempt > 1 else "",
    )


def _source(entry: Entry) -> str:
    recorded_at = entry.text(names.RECORDED_AT)
    return _joined(
        "replayed" if entry.figures.get(names.REPLAYED) else "live",
        f"recorded {recorded_at}" if recorded_at else "",
    )


def _said(entry: Entry, said: Mapping[str, Any], is_full: bool) -> Iterator[str]:
    missing = set(reading.digests_of(entry)) - set(said)
    if missing:
        yield "what was said is no longer kept: it was dropped, or the file is damaged"
    if "input" in said:
        yield "asked"
        for role, text in conversation.turns(said["input"]):
            yield from _shown(f"{role}: {text}" if role else text, is_full)
    if "output" in said:
        yield "answered"
        yield from _shown(_answer(said["output"]), is_full)


def _answer(output: Any) -> str:
    return output if isinstance(output, str) else conversation.as_json(output)


def _shown(text: str, is_full: bool) -> Iterator[str]:
    """Yield a text in lines that a terminal can show, and the first part of a long one only."""
    if is_full:
        yield from (f"  {escaped(line)}" for line in text.splitlines())
        return
    for line in text[:_MOST_SHOWN].splitlines():
        yield from textwrap.wrap(
            escaped(line), COLUMNS, initial_indent="  ", subsequent_indent="    "
        )
    if len(text) > _MOST_SHOWN:
        yield f"  ... {counted(len(text) - _MOST_SHOWN, 'more character')}: --full shows them"


def _end(entry: Entry, others: Sequence[Entry]) -> Iterator[str]:
    if others:
        ids = ", ".join(each.text(names.ID) for each in others[-5:])
        yield shorten(
            printable(f"the last of {len(others) + 1} of this case; before it: {ids}"), COLUMNS
        )
    command = replay_command(entry)
    if command:
        yield "replay it"
        yield f"  {command}"
