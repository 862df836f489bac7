"""Harvest: what the journals of a run say about each cassette."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_llmprod.wire.recording import Recording
from pytest_llmprod.wire.rules import RecordMode


@dataclass(slots=True)
class Harvest:
    """All that the journals of one run say about one cassette."""

    mode: RecordMode = "once"
    order: list[str] = field(default_factory=list)
    finished: set[str] = field(default_factory=set)
    sections: dict[str, list[Recording]] = field(default_factory=dict)
    played: dict[str, Mapping[str, int]] = field(default_factory=dict)

    def take(self, line: Mapping[str, Any]) -> None:
        """Take in one line of a journal."""
        if "order" in line:
            self.order = list(dict.fromkeys([*self.order, *line["order"]]))
            self.mode = line["mode"]
        elif "played" in line:
            self.played[line["case"]] = line["played"]
            self.mode = line["mode"]
        elif "started" in line:  # a test that runs again says anew what it asks
            self.sections.pop(line["started"], None)
            self.finished.discard(line["started"])
        elif "finished" in line:
            self.finished.add(line["finished"])
        else:
            recording = Recording.from_json(line["recording"])
            self.sections.setdefault(recording.case, []).append(recording)

    def drop_errors(self) -> None:
        """Drop the error answers of tests that did not finish.

        A provider's bad moment would else be replayed for ever, and `once` never ask again.
        """
        for case in self.sections.keys() - self.finished:
            kept = [each for each in self.sections[case] if each.is_answer]
            if kept:
                self.sections[case] = kept
            else:
                del self.sections[case]


def gather(paths: Iterable[Path]) -> dict[str, Harvest]:
    """Return cassette -> what the journals at `paths` say about it, relative to the project."""
    harvests: dict[str, Harvest] = {}
    for path in paths:
        for line in _lines(path):
            harvests.setdefault(line["cassette"], Harvest()).take(line)
    for harvest in harvests.values():
        harvest.drop_errors()
    return harvests


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """Read a journal; its last line may be cut short by a kill, and is then left out."""
    for text in path.read_bytes().split(b"\n"):
        if not text:
            continue
        try:
            yield json.loads(text)
        except ValueError:
            return
