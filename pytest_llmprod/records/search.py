"""Search: the exchanges in which a text was said."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pytest_llmprod.records import bodies, names
from pytest_llmprod.records.reading import Entry, digests_of

_SEARCHED = (names.ID, names.RESPONSE_ID, names.CASE, names.TEST, names.ERROR)
_BEFORE = 30  # characters of an excerpt, with what was found in their midst
_AFTER = 90


@dataclass(frozen=True, slots=True)
class Filter:
    """Which exchanges are asked for; what is '' or None asks for all.

    `status` is an HTTP status, `error` for all that failed, or a verdict: hit, miss, ...
    """

    since: datetime | None = None
    feature: str = ""
    model: str = ""
    status: str = ""

    def takes(self, entry: Entry) -> bool:
        """Say whether an entry is asked for."""
        return (
            (not self.feature or entry.text(names.FEATURE) == self.feature)
            and (not self.model or self.model in self._models(entry))
            and (not self.status or self.status in self._statuses(entry))
            and (self.since is None or self._is_since(entry, self.since))
        )

    def unmatched(self, entries: Sequence[Entry]) -> Iterator[tuple[str, str]]:
        """Yield what is asked for and no entry has, as its name and its value: a slip, perhaps."""
        for name in ("feature", "model", "status"):
            value = getattr(self, name)
            if value and not any(map(Filter(**{name: value}).takes, entries)):
                yield name, value

    def _models(self, entry: Entry) -> tuple[str, str]:
        return entry.text(names.MODEL_ASKED), entry.text(names.MODEL)

    def _statuses(self, entry: Entry) -> Iterator[str]:
        yield str(entry.figures.get(names.STATUS))
        yield entry.text(names.VERDICT)
        yield entry.text(names.ERROR)
        if entry.is_failed:
            yield "error"

    def _is_since(self, entry: Entry, since: datetime) -> bool:
        try:
            return datetime.fromisoformat(entry.text(names.TIMESTAMP)) >= since
        except (ValueError, TypeError):  # no time, or one without a zone
            return False


@dataclass(frozen=True, slots=True)
class Hit:
    """An entry in which a text was found: `where`, and the words around it."""

    entry: Entry
    where: str
    excerpt: str


def grep(entries: Iterable[Entry], text: str, wanted: Filter) -> list[Hit]:
    """Return the entries that hold `text`, in their order; upper and lower case are the same.

    Searched are what was asked and answered, why a test failed, and the names of an exchange.
    """
    chosen = [entry for entry in entries if wanted.takes(entry)]
    excerpts = {folder: _excerpts(folder, text) for folder in {entry.folder for entry in chosen}}
    hits: list[Hit] = []
    for entry in chosen:
        found = excerpts[entry.folder]
        for where, digest in digests_of(entry).items():
            if digest in found:
                hits.append(Hit(entry, where, found[digest]))
                break
        else:
            value = _named(entry, text.lower())
            if value:
                hits.append(Hit(entry, "name", value))
    return hits


def _named(entry: Entry, text: str) -> str:
    values = (entry.text(name) for name in _SEARCHED)
    return next((value for value in values if text in value.lower()), "")


def _excerpts(folder: Path, text: str) -> dict[str, str]:
    """Return the words around `text` in each body of a run that holds it, by its digest."""
    forms = _forms(text)
    found: dict[str, str] = {}
    for digest, content in bodies.lines_in(folder):
        lowered = content.decode("utf-8", "replace").lower()
        # Most bodies end here: decoding each of them would take several times as long.
        if digest not in found and any(form in lowered for form in forms):
            excerpt = _excerpt(content, text.lower())
            if excerpt:
                found[digest] = excerpt
    return found


def _forms(text: str) -> Sequence[str]:
    """Return how JSON may spell a text inside of a string."""
    spelled = {json.dumps(text, ensure_ascii=is_ascii)[1:-1].lower() for is_ascii in (True, False)}
    return tuple(spelled)


def _excerpt(content: bytes, text: str) -> str:
    """Return the words around `text` in the first value that holds it, '' where only names do."""
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return ""
    for value in leaves(body):
        at = value.lower().find(text)
        if at >= 0:
            start = max(0, at - _BEFORE)
            end = at + len(text) + _AFTER
            return ("..." if start else "") + value[start:end] + ("..." if value[end:] else "")
    return ""


def leaves(body: Any) -> Iterator[str]:
    """Yield the texts and figures in a JSON value in their order, without the names of members."""
    waiting = [body]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend(reversed(value.values()))
        elif isinstance(value, list):
            waiting.extend(reversed(value))
        elif value is not None:
            yield str(value)
