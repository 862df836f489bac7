"""Foreign: an application's own log, read as lines of ours.

Two forms are known: JSON lines with one exchange each, under names as people choose them, and the
JSON of OpenTelemetry's protocol, as its file exporters write it. A line may be of either form.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pytest_llmprod.core.exchange import Exchange, Usage
from pytest_llmprod.core.money import amount_of
from pytest_llmprod.records import names, synonyms
from pytest_llmprod.records.line import LogLine

Row = Mapping[str, Any]

_TIMES = (names.TIMESTAMP, "time", "ts", "@timestamp", "created_at", "date")
_ASKED = (names.MODEL_ASKED, "model_requested", "model", names.MODEL)
_PROVIDERS = (names.PROVIDER, "gen_ai.system", "provider")
_TOKENS_IN = (names.INPUT_TOKENS, "input_tokens", "prompt_tokens", "tokens_in")
_TOKENS_OUT = (names.OUTPUT_TOKENS, "output_tokens", "completion_tokens", "tokens_out")
_CACHED = (names.CACHE_READ_TOKENS, "cache_read_tokens", "cached_tokens")
_STATUSES = (names.STATUS, "status_code", "status")
_ERRORS = (names.ERROR, "error")
#: Between these times a number is a date in one unit at most: 2100 in seconds is a smaller number
#: than 2000 in milliseconds.
_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_UNITS_IN_A_SECOND = (1, 10**3, 10**6, 10**9)


@dataclass(frozen=True, slots=True)
class Imported:
    """The lines of a log, and how many of its rows `left_out` tell of no exchange.

    `rows` are what the lines were read from, by their names, one for each.
    """

    lines: tuple[LogLine, ...]
    left_out: int
    rows: tuple[Row, ...]


def read(content: bytes, feature: str) -> Imported:
    """Return the exchanges in an application's log; `feature` is for those that name none.

    A row is one where it has a model, or both what was asked and what was answered.
    """
    lines: list[LogLine] = []
    rows: list[Row] = []
    left_out = 0
    for document in _documents(content):
        for row in _rows(document):
            if _is_exchange(row):
                lines.append(_line(row, feature))
                rows.append(row)
            else:
                left_out += 1
    return Imported(tuple(lines), left_out, tuple(rows))


def _documents(content: bytes) -> Iterator[Any]:
    """Yield the JSON values in a file: it is one, or has one in each line."""
    whole = _decoded(content)
    if whole is not None:
        yield from whole if isinstance(whole, list) else [whole]
        return
    for line in content.splitlines():
        if line.strip():
            yield _decoded(line)


def _decoded(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _rows(document: Any) -> Iterator[Row]:
    """Yield rows of names and values; what is none is a row without any."""
    if not isinstance(document, dict):
        yield {}
    elif "resourceSpans" in document:
        yield from _of_protocol(document, "resourceSpans", "scopeSpans", "spans")
    elif "resourceLogs" in document:
        yield from _of_protocol(document, "resourceLogs", "scopeLogs", "logRecords")
    else:
        yield _unfolded(document)


def _unfolded(document: Row) -> Row:
    """Return a row with what its request, its answer and its usage tell, if it has these whole."""
    request, answer = (_dict(document.get(name)) for name in ("request", "response"))
    usage = _dict(document.get("usage", answer.get("usage")))
    found = {**request, **usage, **document}
    if request.get("model"):
        found.setdefault(names.MODEL_ASKED, request["model"])
    for name, key in ((names.MODEL, "model"), (names.RESPONSE_ID, "id")):
        if answer.get(key):
            found.setdefault(name, answer[key])
    return found


def _dict(value: Any) -> Row:
    return value if isinstance(value, dict) else {}


def _of_protocol(document: Row, outer: str, middle: str, inner: str) -> Iterator[Row]:
    for resource in _dicts(document.get(outer)):
        for scope in _dicts(resource.get(middle)):
            for record in _dicts(scope.get(inner)):
                yield _attributes(record.get("attributes")) | _times(record)


def _dicts(values: Any) -> list[dict[str, Any]]:
    return [each for each in values if isinstance(each, dict)] if isinstance(values, list) else []


def _attributes(attributes: Any) -> dict[str, Any]:
    return {str(each.get("key")): _value(each.get("value")) for each in _dicts(attributes)}


def _value(value: Any) -> Any:
    """Return an AnyValue of the protocol as the value that it stands for."""
    if not isinstance(value, dict) or len(value) != 1:
        return None
    ((kind, inner),) = value.items()
    if kind == "intValue":  # 64 bits, which JSON holds as text
        return _whole(inner)
    values = inner.get("values") if isinstance(inner, dict) else None
    if kind == "arrayValue":
        return [_value(each) for each in _dicts(values)]
    return _attributes(values) if kind == "kvlistValue" else inner


def _times(record: Row) -> dict[str, Any]:
    start = _whole(record.get("startTimeUnixNano", record.get("timeUnixNano")))
    end = _whole(record.get("endTimeUnixNano"))
    times: dict[str, Any] = {}
    if start is not None:
        times[names.TIMESTAMP] = start
        if end is not None and end >= start:
            times[names.LATENCY_S] = (end - start) / 1e9
    return times


def _is_exchange(row: Row) -> bool:
    return bool(_first(row, _ASKED)) or (
        _first(row, synonyms.INPUTS) is not None and _first(row, synonyms.OUTPUTS) is not None
    )


def _line(row: Row, feature: str) -> LogLine:
    cost = amount_of(_first(row, synonyms.COSTS))
    moment = _iso(_first(row, _TIMES))
    return LogLine(
        exchange=_exchange(row, moment),
        timestamp=moment,
        case=_text(row.get(names.CASE, row.get("case"))),
        feature=_text(row.get(names.FEATURE, row.get("feature"))) or feature,
        cost_usd=cost,
        cost_status="unpriced" if cost is None else "priced",
        response_id=_text(_first(row, synonyms.IDS)),
    )


def _exchange(row: Row, moment: str) -> Exchange:
    asked = _parsed(_first(row, synonyms.INPUTS))
    status = _whole(_first(row, _STATUSES)) or 0
    seconds = _number(_first(row, synonyms.SECONDS))
    milliseconds = _number(_first(row, synonyms.MILLISECONDS))
    return Exchange(
        provider=_text(_first(row, _PROVIDERS)),
        operation=_text(row.get(names.OPERATION)) or "chat",
        model_requested=_text(_first(row, _ASKED)),
        model=_text(_first(row, synonyms.MODELS)),
        stream=row.get(names.STREAM) is True,
        status=status,
        usage=_usage(row),
        latency_s=seconds or (milliseconds or 0.0) / 1000,
        ttft_s=_number(row.get(names.TTFT_S)),
        text=_said(_parsed(_first(row, synonyms.OUTPUTS))),
        replayed=False,
        recorded_at=moment,
        request={"messages": asked} if isinstance(asked, list) else asked,
        key="",
        finish_reasons=_texts(row.get(names.FINISH_REASONS)),
        failure="" if status >= 400 else _text(_first(row, _ERRORS)),
    )


def _usage(row: Row) -> Usage | None:
    tokens_in, tokens_out = _whole(_first(row, _TOKENS_IN)), _whole(_first(row, _TOKENS_OUT))
    if tokens_in is None and tokens_out is None:
        return None
    cached = _whole(_first(row, _CACHED)) or 0
    return Usage(
        input_tokens=tokens_in or 0, output_tokens=tokens_out or 0, cache_read_tokens=cached
    )


def _first(row: Row, keys: Sequence[str]) -> Any:
    return next((row[key] for key in keys if row.get(key) is not None), None)


def _parsed(value: Any) -> Any:
    """Return messages that an attribute holds as JSON in a text, and other values as they are."""
    if isinstance(value, str) and value[:1] in ("[", "{"):
        decoded = _decoded(value.encode("utf-8", "surrogatepass"))
        return value if decoded is None else decoded
    return value


def _said(value: Any) -> str:
    """Return the words of an answer: those of its messages, or its JSON where it has none."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, dict) and _dicts(value.get("choices")):  # an answer of OpenAI's chat
        value = [_dict(choice.get("message")) for choice in _dicts(value["choices"])]
        return "\n".join(_text(message.get("content")) for message in value)
    parts = [part for message in _dicts(value) for part in _dicts(message.get("parts"))]
    words = [part["content"] for part in parts if isinstance(part.get("content"), str)]
    return "\n".join(words) if words else json.dumps(value, ensure_ascii=False)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None or isinstance(value, bool) else json.dumps(value)


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(str(each) for each in value) if isinstance(value, list) else ()


def _number(value: Any) -> float | None:
    """Return a duration; what no clock can have measured is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < 1e15 else None


def _whole(value: Any) -> int | None:
    """Return a count of at most 64 bits; data frames write it as a float, the protocol as text."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str) and value.isdecimal() and len(value) < 20:
        value = int(value)
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63
    return value if is_count else None


def _iso(value: Any) -> str:
    """Return a time as ISO 8601 in UTC, '' where it is none, or none of a log of a model's answers.

    Numbers count seconds since 1970, or smaller units.
    """
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else _since_1970(value)
        if moment is None:
            return ""
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return ""
    return moment.isoformat().replace("+00:00", "Z") if _EARLIEST <= moment < _LATEST else ""


def _since_1970(value: Any) -> datetime | None:
    """Return the moment that a number counts, in the only unit in which it is one of this age."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    for units in _UNITS_IN_A_SECOND:
        if _EARLIEST.timestamp() <= value / units < _LATEST.timestamp():
            return datetime.fromtimestamp(value / units, UTC)
    return None
