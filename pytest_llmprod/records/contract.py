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
from pytest_llmprod.records.fields import FIELDS, WITHOUT_ANSWER, Field, Named, as_text, field_of

_LONGEST = 60  # characters of a value that are shown
_MOST_SHOWN = 10
_SHORT = 8
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
        text = as_text(value)
        return shorten(printable(self.masked(text)), _LONGEST)


class Told(NamedTuple):
    """A call, and the record that tells of it: None where none does."""

    call: Call
    record: Named | None


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
) -> list[Told]:
    """Return the record that tells of each call, each record for one call.

    A record that quotes the question, or the answer, of a call tells of it, and of none whose
    question is another. Records that quote nothing, because the application has masked them, tell
    of the calls that are left, in their order; the most complete ones do.
    """
    indexed = list(map(Named, records))
    telling = [each for each in indexed if any(each.holds(field) for field in _TELLING)]
    asked = [_Quotable.of(_question(call.last)) for call in calls]
    answered = [_Quotable.of(call.last.text) for call in calls]
    quotes = [_quotes(record, asked, answered) for record in telling]
    free = list(range(len(telling)))
    found: dict[int, Named] = {}
    for number, call in enumerate(calls):
        ranked = [
            (quotes[at][number], _right(telling[at], wanted, call.last), -at)
            for at in free
            if quotes[at][number]
        ]
        if ranked:
            at = -max(ranked)[2]
            free.remove(at)
            found[number] = telling[at]
    left = [number for number in range(len(calls)) if number not in found]
    masked = [at for at in free if not any(quotes[at])]
    # Sorting is stable: of equally complete records the earlier ones are taken.
    masked.sort(key=lambda at: -sum(telling[at].holds(field) for field in wanted))
    for number, at in zip(left, sorted(masked[: len(left)]), strict=False):
        found[number] = telling[at]
    return [Told(call, found.get(number)) for number, call in enumerate(calls)]


def _right(record: Named, wanted: Sequence[Field], exchange: Exchange) -> int:
    return sum(not record.find(field, exchange).problem for field in wanted)


def _question(exchange: Exchange) -> str:
    return next((text for role, text in reversed(list(turns(exchange.request))) if role), "")


def _quotes(
    record: Named, asked: "Sequence[_Quotable]", answered: "Sequence[_Quotable]"
) -> list[int]:
    """Return for each call how much of it a record quotes: 2 of question and answer, 1, or 0."""
    said, reply = record.text(FIELDS["input"]), record.text(FIELDS["output"])
    of_question = [each.is_in(said) for each in asked]
    of_answer = [each.is_in(reply) for each in answered]
    if not any(of_question):
        return list(map(int, of_answer))
    # It is of a call with that question, whatever others were answered.
    return [1 + also if first else 0 for first, also in zip(of_question, of_answer, strict=True)]


class _Quotable(NamedTuple):
    """A text, and how it is spelled inside of another: as it is, or in JSON."""

    text: str
    spelled: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> "_Quotable":
        in_json = tuple(json.dumps(text, ensure_ascii=is_ascii) for is_ascii in (True, False))
        if len(text) < _SHORT:  # it may be there by chance, unless it is all of a text
            return cls(text.strip(), in_json)
        return cls(text.strip(), (text, *(each[1:-1] for each in in_json)))

    def is_in(self, said: str) -> bool:
        """Say whether `said` is this text, or quotes it."""
        if not self.text:
            return False
        return self.text in map(str.strip, said.split("\n")) or any(
            each in said for each in self.spelled
        )


def _lacking(told: Told, wanted: Sequence[Field], name: str, rules: Rules) -> str:
    """Return what the record of a call lacks, '' where it lacks nothing."""
    exchange, record = told.call.last, told.record
    if record is None:
        return f"  {name}: no record tells of it."
    is_answered = not exchange.failure and exchange.status < 400
    lines = []
    for field in wanted:
        if not is_answered and field.name in FIELDS and field.name not in WITHOUT_ANSWER:
            continue
        found = record.find(field, exchange)
        if found.problem and found.under:
            what = f"{rules.shown(found.value)!r} under `{found.under}`, {found.problem}"
            lines.append(f"    {field.name}: {what}; {field.mend}")
        elif found.problem:
            lines.append(f"    {field.name}: nothing; {field.mend}")
    if not lines:
        return ""
    origin, text = printable(record.record.origin), record.record.text
    words = f", {rules.shown(text)!r}," if text else ""
    return "\n".join([f"  {name}: {origin}{words} lacks", *lines])


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
    text = as_text(value)
    last = name.rpartition(".")[2]
    (masked,) = rules.mask({last: rules.masked(text)}).values()
    if masked == text:
        return ""
    start = max(0, masked.find("[masked ") - _AROUND)
    return ("..." if start else "") + shorten(printable(masked[start:]), _LONGEST)


def _some(lines: Sequence[str]) -> list[str]:
    left = len(lines) - _MOST_SHOWN
    return [*lines[:_MOST_SHOWN], *([f"  ... and {left:,} more"] if left > 0 else [])]
