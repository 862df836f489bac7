"""Fields: what somebody needs who looks into a complaint, and how it is found in a record."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from pytest_llmprod.core.exchange import Exchange
from pytest_llmprod.records import synonyms
from pytest_llmprod.records.app_record import AppRecord

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NO_LETTER = re.compile(r"[^a-z0-9]+")
#: Too common a name to mean an exchange where it belongs to something else (`user.id`).
_WHOLE_NAMES = frozenset({"id", "text", "response"})
_TIME = re.compile(r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)\s*(?:ns|us|ms|s|seconds?)?")
_MONEY = re.compile(r"(?:\$|usd)?\s*([\d.]+(?:e-?\d+)?)\s*(?:\$|usd)?")

#: Says what is wrong with a value in a relative clause, '' where it is as it should be.
Check = Callable[[Any, Exchange], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """Something that a record should hold: the names by which it goes, and how it is checked.

    `mend` says what the application should do where it is missing.
    """

    name: str
    names: tuple[str, ...]
    check: Check
    mend: str


@dataclass(frozen=True, slots=True)
class Found:
    """What a record holds for a field; `problem` is '' where it is as it should be.

    `under` is the name that the application gave it, '' where there is nothing.
    """

    under: str
    value: Any
    problem: str


def _is_said(value: Any, exchange: Exchange) -> str:
    if isinstance(value, str):
        return "" if value.strip() else "which is empty"
    if isinstance(value, Mapping | list | tuple):
        return "" if value else "which is empty"
    return "which is no text"


def _is_time(value: Any, exchange: Exchange) -> str:
    if isinstance(value, str):
        return "" if _TIME.fullmatch(value.strip().lower()) else "which is no time"
    return _is_amount(value)


def _is_money(value: Any, exchange: Exchange) -> str:
    if not isinstance(value, str):
        return _is_amount(value)
    match = _MONEY.fullmatch(value.strip().lower())
    return _is_amount(match[1]) if match else "which is no amount"


def _is_amount(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        return "which is no number"
    try:
        amount = Decimal(str(value))
    except (InvalidOperation, ValueError):  # ValueError: more digits than Python writes
        return "which is no number"
    return "" if amount.is_finite() and amount >= 0 else "which is no amount"


def _is_answering_model(value: Any, exchange: Exchange) -> str:
    if not isinstance(value, str) or not value.strip():
        return "which is no name"
    if exchange.model in value:  # `openai/gpt-5-mini-2025-08-07`, too; all hold an unknown one
        return ""
    return f"but {exchange.model!r} answered"


def _is_id(value: Any, exchange: Exchange) -> str:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    is_name = isinstance(value, str) and bool(value.strip())
    return "" if is_name or is_number else "which is no id"


def _is_there(value: Any, exchange: Exchange) -> str:
    return "which is empty" if value is None or value == "" else ""


#: The fields that there are by default, by their names.
FIELDS: Mapping[str, Field] = {
    each.name: each
    for each in (
        Field(
            name="input",
            names=(*synonyms.INPUTS, "input_messages", "input.value", "prompts", "query"),
            check=_is_said,
            mend="log the messages that were sent as `prompt`",
        ),
        Field(
            name="output",
            names=(*synonyms.OUTPUTS, "output_messages", "output.value", "completions", "reply"),
            check=_is_said,
            mend="log the text of the answer as `output`",
        ),
        Field(
            name="latency",
            names=(
                *(*synonyms.SECONDS, *synonyms.MILLISECONDS, "latency", "duration", "elapsed"),
                *("elapsed_s", "elapsed_ms", "took_ms", "response_time", "response_time_ms"),
            ),
            check=_is_time,
            mend="log how long the call took as `latency_ms`",
        ),
        Field(
            name="cost",
            names=(*synonyms.COSTS, "total_cost", "cost.total", "price_usd", "usage.cost"),
            check=_is_money,
            mend="log what the call cost as `cost_usd`",
        ),
        Field(
            name="model",
            names=(*synonyms.MODELS, "model_version", "response_model", "model_name", "model_id"),
            check=_is_answering_model,
            mend="log the model that the answer names as `model`, not the one that was asked",
        ),
        Field(
            name="request_id",
            names=(*synonyms.IDS, "x_request_id", "completion_id", "generation_id"),
            check=_is_id,
            mend="log the id of the answer as `request_id`",
        ),
    )
}
#: What can be known of a call to which no answer came.
WITHOUT_ANSWER = frozenset({"input", "latency"})


def field_of(name: str) -> Field:
    """Return the field of this name; any other is one that the application itself chose."""
    known = FIELDS.get(name)
    if known is not None:
        return known
    return Field(name=name, names=(name,), check=_is_there, mend=f"log it as `{name}`")


class Named:
    """The fields of a record, by every name by which they can be found."""

    __slots__ = ("_by_alias", "record")

    def __init__(self, record: AppRecord) -> None:
        """Index the fields of `record`."""
        self.record = record
        self._by_alias: dict[str, list[tuple[str, Any]]] = {}
        for name, value in record.fields.items():
            for alias in aliases(name):
                self._by_alias.setdefault(alias, []).append((name, value))

    def find(self, field: Field, exchange: Exchange) -> Found:
        """Return what the record holds for a field: the first value that is right, else the first.

        Names that are preferred come first.
        """
        first: Found | None = None
        for name, value in self._called(field):
            found = Found(name, value, field.check(value, exchange))
            if not found.problem:
                return found
            first = first or found
        return first or Found("", None, "nothing")

    def holds(self, field: Field) -> bool:
        """Say whether the record has something under a name of the field."""
        return any(value is not None for _, value in self._called(field))

    def text(self, field: Field) -> str:
        """Return all that the record has under the names of a field, as text."""
        return "\n".join(as_text(value) for _, value in self._called(field))

    def _called(self, field: Field) -> Iterator[tuple[str, Any]]:
        for name in field.names:
            yield from self._by_alias.get(_plain(name), ())


def aliases(name: str) -> Iterator[str]:
    """Yield by what a dotted name may be found: `llm.requestId` is also a `request_id`."""
    parts = [_plain(part) for part in name.split(".")]
    for start in range(len(parts)):
        alias = "_".join(parts[start:])
        if start == 0 or alias not in _WHOLE_NAMES:
            yield alias


def as_text(value: Any) -> str:
    """Return a value as text, whatever it is."""
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (TypeError, ValueError, RecursionError) as error:
        return f"({type(value).__name__} that is no JSON: {type(error).__name__})"


@lru_cache(maxsize=10_000)
def _plain(name: str) -> str:
    return _NO_LETTER.sub("_", _CAMEL.sub("_", name).lower()).strip("_")
