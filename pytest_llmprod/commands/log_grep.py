"""The command `llmprod log grep`: from what somebody complains of to the exchange it was."""

import argparse
import json
import shlex
from collections.abc import Iterator
from typing import Any

from pytest_llmprod.commands.log_runs import print_broken
from pytest_llmprod.core.text import counted, escaped, printable, shorten
from pytest_llmprod.records import names, reading
from pytest_llmprod.records.reading import Entry
from pytest_llmprod.records.search import Filter, Hit, grep
from pytest_llmprod.report.layout import COLUMNS


def run(options: argparse.Namespace) -> int:
    """Print the exchanges that hold a text; exit with 1 where there is none."""
    wanted = Filter(
        since=options.since, feature=options.feature, model=options.model, status=options.status
    )
    log = reading.read(*reading.folders_of(options.folder))
    hits = grep(log.entries, options.text, wanted)[::-1]
    if options.json:
        print(json.dumps([_document(hit) for hit in hits], indent=1))
        return 0 if hits else 1
    for hit in hits[: options.limit]:
        for line in _lines(hit):
            print(line)
    if not hits:
        print(f"no exchange of {len(log.entries):,} in {printable(str(options.folder))} holds that")
        for name, value in wanted.unmatched(log.entries):
            print(f"none of them has --{name} {printable(value)}")
    left = len(hits) - options.limit
    if left > 0:
        print(f"... and {counted(left, 'older exchange')}: --limit {len(hits)} prints all")
    print_broken(log.broken)
    return 0 if hits else 1


def _document(hit: Hit) -> dict[str, Any]:
    return {
        "run": hit.entry.run,
        "where": hit.where,
        "excerpt": hit.excerpt,
        "replay": replay_command(hit.entry),
        "figures": hit.entry.figures,
    }


def _lines(hit: Hit) -> Iterator[str]:
    entry = hit.entry
    latency = entry.number(names.LATENCY_S)
    facts = (
        entry.text(names.ID),
        entry.text(names.TIMESTAMP)[:16].replace("T", " "),
        entry.text(names.FEATURE),
        entry.text(names.CASE),
        entry.text(names.ERROR) or entry.text(names.VERDICT),
        "" if latency is None else f"{latency:.2f} s",
        entry.text(names.MODEL),
    )
    yield shorten(" ".join(printable(fact) for fact in facts if fact), COLUMNS)
    yield shorten(f"  {hit.where}: {printable(hit.excerpt)}", COLUMNS)
    command = replay_command(entry)
    if command:
        yield f"  {command}"


def replay_command(entry: Entry) -> str:
    """Return the command that replays an exchange, '' where no test of a run made it."""
    test = entry.text(names.TEST)
    options = entry.figures.get(names.OPTIONS)
    words = [each for each in options if isinstance(each, str)] if isinstance(options, list) else []
    typed = ["pytest", "--llm-eval", *(escaped(each) for each in [*words, test])]
    return shlex.join(typed) if test else ""
