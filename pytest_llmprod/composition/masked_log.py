"""Masked log: what an application logged, without secrets and without what is personal."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from pytest_llmprod.records.foreign import Imported, Row
from pytest_llmprod.records.line import LogLine
from pytest_llmprod.wire.masking import Finding, Scanner, mask_strings

#: The figures of an exchange that are texts, as its log may have them.
_TEXTS = ("provider", "operation", "model_requested", "model", "failure")


def with_masked_figures(line: LogLine, scanners: Sequence[Scanner]) -> LogLine:
    """Return a line whose figures hold nothing that `scanners` find.

    It is of no case where the name of its case does: masked, two cases would have one name.
    """
    exchange = line.exchange
    figures = {name: mask_strings(getattr(exchange, name), scanners) for name in _TEXTS}
    reasons = tuple(mask_strings(each, scanners) for each in exchange.finish_reasons)
    return replace(
        line,
        case=line.case if mask_strings(line.case, scanners) == line.case else "",
        feature=mask_strings(line.feature, scanners),
        response_id=mask_strings(line.response_id, scanners),
        exchange=replace(exchange, finish_reasons=reasons, **figures),
    )


def without_personal(imported: Imported) -> Imported:
    """Return a log with each finding of `find_pii` in what was said replaced by `[masked KIND]`.

    A row of a data set and its recording are masked alike, so that the test which asks the one
    finds the other.
    """
    pairs = [*map(_pair_without_personal, imported.lines, imported.rows)]
    return replace(
        imported,
        lines=tuple(line for line, _ in pairs),
        rows=tuple(row for _, row in pairs),
    )


def _pair_without_personal(line: LogLine, row: Row) -> tuple[LogLine, Row]:
    """Return a line and its row masked; nothing is left of what is nested too deep for that."""
    try:
        return _line_without_personal(line), mask_strings(row, (_find_personal,))
    except RecursionError:
        silent = replace(line, exchange=replace(line.exchange, request=None, text=""))
        return _line_without_personal(silent), {}


def _line_without_personal(line: LogLine) -> LogLine:
    masked = with_masked_figures(line, (_find_personal,))
    exchange = masked.exchange
    return replace(
        masked,
        exchange=replace(
            exchange,
            request=mask_strings(exchange.request, (_find_personal,)),
            text=mask_strings(exchange.text, (_find_personal,)),
        ),
    )


def _find_personal(text: str) -> Iterator[Finding]:
    from pytest_llmprod.guardrails import find_pii  # an import of figures does without

    for each in find_pii(text):
        yield Finding(each.kind, each.start, each.end)
