"""Plan: the table that `--llm-plan` prints, at most 80 columns wide."""

from collections.abc import Sequence
from decimal import Decimal

from pytest_llmprod.core.results import Forecast
from pytest_llmprod.core.text import printable, shorten
from pytest_llmprod.report.table import named_table
from pytest_llmprod.report.view import cost_text

COLUMNS = 80
_HEADERS = ("test", "model", "tests", "requests", "in", "out", "cost", "time")


def render(forecasts: Sequence[Forecast], *, mode: str) -> list[str]:
    """Return the lines of a plan for a run with `--llm-record=mode`."""
    if not any(each.tests for each in forecasts):
        return [f"--llm-record={mode} would send nothing: everything is recorded"]
    known = [each for each in forecasts if each.requests]
    rows = [_row(each) for each in known]
    if len(known) > 1:
        rows.append(_total(known))
    return [
        f"--llm-record={mode} would send, as far as recordings tell:",
        *(named_table(_HEADERS, rows, "lrrrrrr", COLUMNS) if rows else []),
        *_notes(forecasts),
    ]


def _row(each: Forecast) -> tuple[str, ...]:
    return (
        printable(each.function),
        shorten(printable(each.model), 18),
        str(each.tests),
        str(each.requests),
        _short_count(each.input_tokens),
        _short_count(each.output_tokens),
        cost_text(each.cost_usd, each.unpriced, each.requests),
        _duration(each.latency_s),
    )


def _total(known: Sequence[Forecast]) -> tuple[str, ...]:
    requests = sum(each.requests for each in known)
    cost = sum((each.cost_usd for each in known), Decimal(0))
    return (
        "all",
        "",
        "",
        str(requests),
        _short_count(sum(each.input_tokens for each in known)),
        _short_count(sum(each.output_tokens for each in known)),
        cost_text(cost, sum(each.unpriced for each in known), requests),
        _duration(sum(each.latency_s for each in known)),
    )


def _notes(forecasts: Sequence[Forecast]) -> list[str]:
    notes = ["nothing was sent; the time is that of one request after the other"]
    guessed = sum(each.guessed for each in forecasts)
    if guessed:
        notes.append(f"never recorded, and taken to ask what others ask: {guessed} of the tests")
    unknown = sum(each.unknown for each in forecasts)
    if unknown:
        names = {printable(each.function) for each in forecasts if each.unknown}
        notes.append(
            f"not counted, for nothing is recorded of their function: {unknown} of the tests"
        )
        notes += [f"  {name}" for name in sorted(names)[:5]]
    others = {
        (printable(each.model), printable(each.told_by))
        for each in forecasts
        if each.model != each.told_by
    }
    notes += [f"{new} is taken to use as many tokens as {old} did" for new, old in sorted(others)]
    if any(each.unpriced for each in forecasts):
        notes.append("unpriced: add the model to llmprod.prices.toml by hand")
    return [shorten(note, COLUMNS) for note in notes]


def _short_count(number: int) -> str:
    return str(number) if number < 10_000 else f"{number / 1000:.0f}k"


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
