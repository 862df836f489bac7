"""App record: one thing that an application told of its work, in whatever form it told it."""

import json
import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_llmprod.core.text import error_text

#: What `logging` itself puts on a record; the rest is `extra=` of the application.
_OF_LOGGING = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_DEEPEST = 8  # a mapping may hold itself
# Instrumentations number messages: `gen_ai.prompt.0.content`.
_NUMBERED = re.compile(r"\.\d+\.(?:message\.)?content$")


@dataclass(frozen=True, slots=True, kw_only=True)
class AppRecord:
    """What an application told: `origin` says where (`INFO of app.triage`), `text` in what words.

    `fields` maps dotted names, as the application chose them, to values: those of a mapping that
    was told are there one by one beside the mapping itself.
    """

    origin: str
    text: str
    fields: Mapping[str, Any]


def of_log_record(record: logging.LogRecord) -> AppRecord:
    """Return a record of the standard library: its `extra=`, and a message that is a mapping.

    A message may also be a text of JSON, or have a mapping as its only argument.
    """
    told = {
        name: value
        for name, value in vars(record).items()
        if name not in _OF_LOGGING and not name.startswith("_")
    }
    try:
        text = record.getMessage()
    except Exception as error:  # the arguments do not fit the message: logging itself would say so
        text = f"{record.msg} ({error_text(error)})"
    for said in (record.msg, record.args, _document(text)):
        if isinstance(said, Mapping):
            told |= {str(name): value for name, value in said.items()}
    if record.exc_info and record.exc_info[1] is not None:
        text = f"{text}: {error_text(record.exc_info[1])}"
    origin = f"{record.levelname} of {record.name}"
    return AppRecord(origin=origin, text=text, fields=dict(_flat(told)))


def of_event(event: Mapping[str, Any]) -> AppRecord:
    """Return an event of structlog, as its processors have left it for the one that prints it."""
    level = str(event.get("level", "event")).upper()
    fields = {str(name): value for name, value in event.items() if not str(name).startswith("_")}
    text = str(fields.pop("event", ""))
    return AppRecord(origin=f"{level} of structlog", text=text, fields=dict(_flat(fields)))


def of_span(span: Any) -> AppRecord:
    """Return a span of OpenTelemetry that has ended, with the attributes of its events."""
    told = {str(name): value for name, value in (span.attributes or {}).items()}
    for event in span.events:
        for name, value in (event.attributes or {}).items():
            told.setdefault(str(name), value)
    # Its length is the time that the call took.
    told.setdefault("span.duration_s", (span.end_time - span.start_time) / 1e9)
    return AppRecord(origin=f"span {span.name!r}", text=span.name, fields=dict(_flat(told)))


def of_lines(text: str) -> Iterator[AppRecord]:
    """Yield a record for each line of a text; one that is a JSON object has fields."""
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            told = _document(line) or {}
            yield AppRecord(origin=f"line {number}", text=line, fields=dict(_flat(told)))


def _document(text: str) -> dict[str, Any] | None:
    """Return the JSON object that a text is, None where it is none."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _flat(told: Mapping[str, Any], prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    for name, value in told.items():
        dotted = _NUMBERED.sub("", f"{prefix}{name}")
        yield dotted, value
        if isinstance(value, Mapping) and depth < _DEEPEST:
            yield from _flat(value, f"{dotted}.", depth + 1)
