"""Masked log: what an application logged, without what no file may hold of it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from pytest_llmprod.records.foreign import Imported
from pytest_llmprod.records.line import LogLine
from pytest_llmprod.wire.masking import Finding, Scanner, mask_strings


def without_telling_case(line: LogLine, scanners: Sequence[Scanner]) -> LogLine:
    """Return a line of no case where `scanners` find something in the name of its case.

    Masked, two of them would have one name.
    """
    is_harmless = mask_strings(line.case, scanners) == line.case
    return line if is_harmless else replace(line, case="")


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
        without_telling_case(line, (_find_personal,)),
        exchange=replace(
            exchange,
            request=mask_strings(exchange.request, (_find_personal,)),
            text=mask_strings(exchange.text, (_find_personal,)),
            failure=mask_strings(exchange.failure, (_find_personal,)),
        ),
    )


def _find_personal(text: str) -> Iterator[Finding]:
    from pytest_llmprod.guardrails import find_pii  # an import of figures does without

    for each in find_pii(text):
        yield Finding(each.kind, each.start, each.end)
