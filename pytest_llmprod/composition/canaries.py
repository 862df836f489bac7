"""Canaries: what a test plants in its zones, and all that may tell it.

Composes the tokens with the exchanges of the test, and with what the application logs.
"""

from collections.abc import AsyncIterable, Awaitable, Iterator
from typing import Any

from pytest_llmprod.core.text import printable, shorten
from pytest_llmprod.guardrails.canary import Surface, leaks, token_of
from pytest_llmprod.guardrails.shown import texts_in
from pytest_llmprod.records.app_record import AppRecord
from pytest_llmprod.records.collecting import Records
from pytest_llmprod.wire.tape import Tape

_LONGEST = 160
_MOST_SHOWN = 10


class Canaries:
    """The tokens of a test or of a block, one for each zone: `canaries("system")`."""

    def __init__(self, tape: Tape, records: Records) -> None:
        """Plant nothing yet; `records` collects what the application logs meanwhile."""
        label = tape.label
        self._test = f"{label.folder.name}::{label.function}::{label.first or label.case}"
        self._tape = tape
        self._records = records
        self._before = len(tape.exchanges)
        self._tokens: dict[str, str] = {}
        self._is_checked = False
        self._is_told = False
        self._has_logs = True

    def __call__(self, zone: str) -> str:
        """Return the token of a zone, the same one for the same zone, in every run of the test."""
        if not isinstance(zone, str) or not zone.strip():
            raise ValueError(
                f"llm_canary() takes the name of a zone, 'system' for instance: {zone!r}"
            )
        return self._tokens.setdefault(zone, token_of(self._test, zone))

    def assert_kept(self, *outputs: Any, logs: bool = True) -> None:
        """Raise AssertionError, which names the zone, where a token is told.

        Searched are the `outputs` of the application, texts or anything that has some; without
        any, what the models said in this test, and the arguments of the tools they called. With
        `logs`, log records and spans are searched, too. Encodings make no difference, and neither
        does it that a token comes in pieces.
        """
        __tracebackhide__ = True  # the application failed, not this function
        self._is_checked = True
        self._has_logs = logs
        if not self._tokens:
            raise ValueError("There is no canary yet. Plant one first: llm_canary('system').")
        surfaces = [*_of_outputs(outputs)] if outputs else [*self._said()]
        if not surfaces and not (logs and self._records.records):
            raise AssertionError(
                "No model has answered, so there is nothing that could be searched: the test "
                "proves nothing. Call assert_kept() behind what asks the model."
            )
        told = self._told(surfaces, logs=logs)
        if told:
            self._is_told = True
            raise AssertionError(told)

    def left_over(self) -> str:
        """Return what is told at the end, "" where nothing is, or `assert_kept` has failed.

        Where somebody has asked for it before, that is what was logged, also later: a span ends
        when its work is done.
        """
        if self._is_told or not self._tokens:
            return ""
        return self._told([] if self._is_checked else [*self._said()], logs=self._has_logs)

    def _told(self, surfaces: list[Surface], *, logs: bool) -> str:
        if logs:
            surfaces += _of_records(self._records.records)
        found = list(dict.fromkeys(map(str, leaks(self._tokens.items(), surfaces))))
        if not found:
            return ""
        lines = [f"  {shorten(printable(each), _LONGEST)}" for each in found[:_MOST_SHOWN]]
        more = [f"  and {len(found) - _MOST_SHOWN} more"] if len(found) > _MOST_SHOWN else []
        return "\n".join(["A canary has left its zone:", *lines, *more])

    def _said(self) -> Iterator[Surface]:
        """Yield what the models said: a stream is put together, so are arguments of tools."""
        for number, exchange in enumerate(self._tape.exchanges[self._before :], 1):
            yield Surface(f"the answer of request {number}", exchange.text)
            yield Surface(f"the refusal of request {number}", exchange.refusal)
            for call in exchange.tool_calls:
                name = f"the arguments of the tool {call.name!r} in request {number}"
                yield Surface(name, _as_text(call.arguments))


def _of_outputs(outputs: tuple[Any, ...]) -> Iterator[Surface]:
    for output in outputs:
        if isinstance(output, Awaitable):
            raise TypeError(
                "assert_kept() cannot search an answer that is still to come. Wait for it: "
                "llm_canary.assert_kept(await answer)."
            )
        if isinstance(output, Iterator | AsyncIterable):
            raise TypeError(
                "assert_kept() cannot search a stream that the application still has to read. Give "
                "it the pieces: llm_canary.assert_kept(list(stream))."
            )
        pieces = list(output) if isinstance(output, list | tuple) else [output]
        texts = [_as_text(each) for each in pieces]
        yield Surface("the output", "".join(texts))
        if len(texts) > 1:
            yield Surface("the output", "\n".join(texts))


def _of_records(records: tuple[AppRecord, ...]) -> Iterator[Surface]:
    for record in records:
        yield Surface(record.origin, f"{record.text}\n{_as_text(dict(record.fields))}")
    # One that logs each piece of a stream tells the whole.
    yield Surface("several records", "".join(record.text for record in records))


def _as_text(value: Any) -> str:
    return "\n".join(text for _, text in texts_in(value))
