"""Masked log: what an application logged, without what is personal, for files that git keeps."""

from collections.abc import Iterator
from dataclasses import replace

from pytest_llmprod.guardrails import find_pii
from pytest_llmprod.records.foreign import Imported
from pytest_llmprod.records.line import LogLine
from pytest_llmprod.wire.masking import Finding, mask_strings


def without_personal(imported: Imported) -> Imported:
    """Return a log with each finding of `find_pii` in what was said replaced by `[masked KIND]`.

    A row of a data set and its recording are masked alike, so that the test which asks the one
    finds the other.
    """
    return replace(
        imported,
        lines=tuple(map(_line_without_personal, imported.lines)),
        rows=tuple(mask_strings(row, (_find_personal,)) for row in imported.rows),
    )


def _line_without_personal(line: LogLine) -> LogLine:
    exchange = line.exchange
    return replace(
        line,
        exchange=replace(
            exchange,
            request=mask_strings(exchange.request, (_find_personal,)),
            text=mask_strings(exchange.text, (_find_personal,)),
        ),
    )


def _find_personal(text: str) -> Iterator[Finding]:
    for each in find_pii(text):
        yield Finding(each.kind, each.start, each.end)
