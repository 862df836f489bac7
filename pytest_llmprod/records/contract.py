"""Contract: do an application's records hold what somebody needs who looks into a complaint?

For each call to a model there must be one record with every field. A call that the client tried
again is one call: an application sees its last answer only.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from numbers import Number
from typing import Any, NamedTuple, Protocol

from pytest_llmprod.core.exchange import Call, Exchange
from pytest_llmprod.core.text import counted, printable, shorten
from pytest_llmprod.records.app_record import AppRecord
from pytest_llmprod.records.conversation import turns
from pytest_llmprod.records.fields import FIELDS, WITHOUT_ANSWER, Field, field_of, find, holds

_LONGEST = 60  # characters of a value that are shown
_MOST_SHOWN = 10
_AROUND = 20  # characters before what is masked
#: What tells that a record is about an exchange, and none of a library underneath.
_TELLING = tuple(FIELDS[name] for name in ("input", "output", "model", "cost"))


class PersonalFinding(Protocol):
    """A stretch of text, `text[start:end]`, that names somebody, and what `kind` of thing it is."""

    @property
    def kind(self) -> str: ...  # noqa: D102  # the class says it
    @property
    def start(self) -> int: ...  # noqa: D102
    @property
    def end(self) -> int: ...  # noqa: D102


FindPii = Callable[[str], Iterable[PersonalFinding]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What records must not hold: `mask` returns a JSON value without its secrets.

    `find_pii` finds in a text what is personal; None where nothing can.
    """

    mask: Callable[[Any], Any]
    find_pii: FindPii | None = None

    def masked(self, text: str) -> str:
        """Return a text without what must not be told."""
        for each in self._personal(text):
            text = f"{text[: each.start]}[masked {each.kind}]{text[each.end :]}"
        return str(self.mask(text))

    def _personal(self, text: str) -> "list[PersonalFinding]":
        """Return what is personal in a text, the last first; of two that overlap, the earlier."""
        kept: list[PersonalFinding] = []
        for each in sorted(self.find_pii(text) if self.find_pii else (), key=lambda it: it.start):
            if not kept or each.start >= kept[-1].end:
                kept.append(each)
        return kept[::-1]

    def shown(self, value: Any) -> str:
        """Return a value for a reader, masked before it is cut."""
        text = _as_text(value)
        return shorten(printable(self.masked(text)), _LONGEST)


class _Told(NamedTuple):
    call: Call
    record: AppRecord | None


def failure(
    calls: Sequence[Call],
    records: Sequence[AppRecord],
    fields: Sequence[str],
    *,
    case: str,
    rules: Rules,
) -> str:
    """Return what is wrong with the records of a test that made these calls, '' where nothing is.

    `case` is the id of the test's case, '' where it has none.
    """
    wanted = [field_of(name) for name in fields]
    all_told = told_by(calls, records, wanted)
    lacking = [
        text
        for number, told in enumerate(all_told, 1)
        if (text := _lacking(told, wanted, f"call {number} ({_named(told.call, case)})", rules))
    ]
    leaks = list(dict.fromkeys(_leaks(records, rules)))
    parts = []
    if lacking:
        counts = f"{len(lacking)} of {counted(len(calls), 'call')}"
        head = f"The application's records lack what explains {counts} to a model later:"
        parts += [head, *_some(lacking)]
        if any(told.record is None for told in all_told):
            parts.append(_collected(records))
    if leaks:
        parts += ["The application's records hold what no log may hold:", *_some(leaks)]
        parts.append(
            "  Mask it before it is logged, in a logging.Filter or a processor for instance."
        )
    return "\n".join(parts)


def told_by(
    calls: Sequence[Call], records: Sequence[AppRecord], wanted: Sequence[Field]
) -> list[_Told]:
    """Return the record that tells of each call, each record for one call.

    A record that quotes a call tells of it. Others, whose texts the application has masked, tell of
    the calls that are left, in their order; the most complete ones do.
    """
    free = [each for each in records if any(holds(each, field) for field in _TELLING)]
    found: dict[int, AppRecord] = {}
    for number, call in enumerate(calls):
        ranked = [(_quotes(each, call.last), _right(each, wanted, call.last)) for each in free]
        best = max(range(len(free)), key=lambda at: ranked[at], default=None)
        if best is not None and ranked[best][0]:
            found[number] = free.pop(best)
    left = [number for number in range(len(calls)) if number not in found]
    # Sorting is stable: of equally complete records the earlier ones are taken.
    complete = sorted(
        range(len(free)),
        key=lambda at: -sum(holds(free[at], field) for field in wanted),
    )
    for number, at in zip(left, sorted(complete[: len(left)]), strict=False):
        found[number] = free[at]
    return [_Told(call, found.get(number)) for number, call in enumerate(calls)]


def _right(record: AppRecord, wanted: Sequence[Field], exchange: Exchange) -> int:
    return sum(not find(record, field, exchange).problem for field in wanted)


def _quotes(record: AppRecord, exchange: Exchange) -> int:
    """Return how many of question and answer a record quotes: 0, 1 or 2."""
    asked = next((text for role, text in reversed(list(turns(exchange.request))) if role), "")
    pairs = ((FIELDS["input"], asked), (FIELDS["output"], exchange.text))
    return sum(
        bool(text.strip()) and text in _as_text(find(record, field, exchange).value)
        for field, text in pairs
    )


def _lacking(told: _Told, wanted: Sequence[Field], name: str, rules: Rules) -> str:
    """Return what the record of a call lacks, '' where it lacks nothing."""
    exchange, record = told.call.last, told.record
    if record is None:
        return f"  {name}: no record tells of it."
    is_answered = not exchange.failure and exchange.status < 400
    lines = []
    for field in wanted:
        if not is_answered and field.name in FIELDS and field.name not in WITHOUT_ANSWER:
            continue
        found = find(record, field, exchange)
        if found.problem and found.under:
            what = f"{rules.shown(found.value)!r} under `{found.under}`, {found.problem}"
            lines.append(f"    {field.name}: {what}; {field.mend}")
        elif found.problem:
            lines.append(f"    {field.name}: nothing; {field.mend}")
    if not lines:
        return ""
    words = f", {rules.shown(record.text)!r}," if record.text else ""
    return "\n".join([f"  {name}: {printable(record.origin)}{words} lacks", *lines])


def _named(call: Call, case: str) -> str:
    model = printable(call.last.model_requested or call.last.model) or "no model named"
    return f"case {printable(case)}, {model}" if case else model


def _collected(records: Sequence[AppRecord]) -> str:
    """Return what there was in place of a record, and how one is made."""
    origins = ", ".join(dict.fromkeys(printable(each.origin) for each in records))
    seen = f"{counted(len(records), 'record')}: {shorten(origins, 200)}" if records else "nothing"
    return (
        f"  Collected: {seen}.\n"
        f"  Log one record for each call, at INFO or above, for instance\n"
        f'    logger.info("asked the model", extra={{"prompt": ..., "output": ...}})\n'
        f"  Lines of JSON that go around logging are handed in by llm_records.add_lines(text)."
    )


def _leaks(records: Iterable[AppRecord], rules: Rules) -> Iterator[str]:
    """Yield a line for each text of a record that must not be told."""
    for record in records:
        leaking = [
            f"  {printable(record.origin)}: `{printable(name)}` holds {shown!r}"
            for name, value in record.fields.items()
            if not isinstance(value, Mapping) and (shown := _leak(name, value, rules))
        ]
        in_text = "" if leaking else _leak("message", record.text, rules)
        if in_text:  # else it is told already: a message of JSON has its fields
            leaking = [f"  {printable(record.origin)}: its message holds {in_text!r}"]
        yield from leaking


def _leak(name: str, value: Any, rules: Rules) -> str:
    """Return a value of this name with what is masked in it, '' where nothing is."""
    if value is None or isinstance(value, Number):
        return ""
    text = _as_text(value)
    last = name.rpartition(".")[2]
    (masked,) = rules.mask({last: rules.masked(text)}).values()
    if masked == text:
        return ""
    start = max(0, masked.find("[masked ") - _AROUND)
    return ("..." if start else "") + shorten(printable(masked[start:]), _LONGEST)


def _as_text(value: Any) -> str:
    """Return a value as text, whatever it is: one in a list is found where it is quoted."""
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (TypeError, ValueError, RecursionError) as error:
        return f"({type(value).__name__} that is no JSON: {type(error).__name__})"


def _some(lines: Sequence[str]) -> list[str]:
    left = len(lines) - _MOST_SHOWN
    return [*lines[:_MOST_SHOWN], *([f"  ... and {left:,} more"] if left > 0 else [])]
