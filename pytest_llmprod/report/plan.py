"""Plan: the table that `--llm-plan` prints, at most 80 columns wide."""

from collections.abc import Sequence
from decimal import Decimal

from pytest_llmprod.core.forecast import Forecast, Plan
from pytest_llmprod.core.text import printable, shorten
from pytest_llmprod.report.amounts import cost_text, listed, plural, unpriced_text
from pytest_llmprod.report.layout import COLUMNS, wrapped
from pytest_llmprod.report.table import named_table

_UNSEEN = "a changed prompt is not seen here: run the tests without --llm-plan to find it"
_HEADERS = ("test", "model", "tests", "requests", "in", "out", "cost", "time")


def render(forecasts: Sequence[Forecast], *, mode: str, asking: int) -> list[str]:
    """Return the lines of a plan for a run with `--llm-record=mode`.

    `asking` is how many of the collected tests may ask a model.
    """
    before = _before(forecasts, mode) if isinstance(forecasts, Plan) else []
    if not asking:
        return [*before, f"--llm-record={mode} would send nothing: no test here asks a model"]
    return [*before, *_table(forecasts, mode)]


def _before(plan: Plan, mode: str) -> list[str]:
    """Return what a reader must know first: options without effect, and what is there already."""
    lines = []
    for option in plan.unmet:
        lines += wrapped(f"{printable(option)} would meet no request; asked: {listed(plan.asked)}")
    if plan.waiting:
        recordings = plural(plan.waiting, "recording waits", "recordings wait")
        gain = " and may send less" if mode in ("once", "new_episodes") else ""
        lines += wrapped(
            f"{recordings} in .llmprod/recording, left by a run that was killed: a recording run "
            f"picks them up first{gain}"
        )
    return lines


def _table(forecasts: Sequence[Forecast], mode: str) -> list[str]:
    if not any(each.tests for each in forecasts):
        return [
            f"--llm-record={mode} would send nothing: everything is recorded",
            _UNSEEN,
        ]
    known = [each for each in forecasts if each.requests]
    if not known:
        return _unknown(forecasts)
    rows = [_row(each) for each in known]
    if len(known) > 1:
        rows.append(_total(known))
    return [
        f"--llm-record={mode} would send, as far as recordings tell:",
        *(named_table(_HEADERS, rows, "lrrrrrr", COLUMNS) if rows else []),
        *_notes(forecasts),
        *([_UNSEEN] if mode in ("once", "new_episodes") else []),
    ]


def _unknown(forecasts: Sequence[Forecast]) -> list[str]:
    """Return what to say where no recording tells anything."""
    number = sum(each.unknown for each in forecasts)
    tests = "1 test is" if number == 1 else f"{number} tests are"
    return [f"{tests} not recorded; what they would cost cannot be told", *_names(forecasts)]


def _names(forecasts: Sequence[Forecast]) -> list[str]:
    names = {printable(each.function) for each in forecasts if each.unknown}
    return [shorten(f"  {name}", COLUMNS) for name in sorted(names)[:5]]


def _row(each: Forecast) -> tuple[str, ...]:
    return (
        printable(each.function),
        shorten(printable(each.model), 18),
        str(each.tests),
        str(each.requests),
        _short_count(each.input_tokens),
        _short_count(each.output_tokens),
        cost_text(each.cost_usd, each.unpriced, each.requests, each.without_usage),
        _duration(each.latency_s),
    )


def _total(known: Sequence[Forecast]) -> tuple[str, ...]:
    requests = sum(each.requests for each in known)
    cost = sum((each.cost_usd for each in known), Decimal(0))
    unpriced = sum(each.unpriced for each in known)
    without_usage = sum(each.without_usage for each in known)
    return (
        "all",
        "",
        "",
        str(requests),
        _short_count(sum(each.input_tokens for each in known)),
        _short_count(sum(each.output_tokens for each in known)),
        cost_text(cost, unpriced, requests, without_usage),
        _duration(sum(each.latency_s for each in known)),
    )


def _notes(forecasts: Sequence[Forecast]) -> list[str]:
    notes = ["nothing was sent; the time is that of one request after the other"]
    guessed = sum(each.guessed for each in forecasts)
    if guessed:
        notes.append(f"never recorded, and taken to ask what others ask: {guessed} of the tests")
    unknown = sum(each.unknown for each in forecasts)
    if unknown:
        notes.append(
            f"not counted, for nothing is recorded of their function: {unknown} of the tests"
        )
        notes += _names(forecasts)
    others = {
        (printable(each.model), printable(each.told_by))
        for each in forecasts
        if each.model != each.told_by
    }
    notes += [f"{new} is taken to use as many tokens as {old} did" for new, old in sorted(others)]
    models = sorted({each.unpriced_model for each in forecasts} - {""})
    if models:
        notes.append(unpriced_text(models))
    without_usage = sum(each.without_usage for each in forecasts)
    if without_usage:
        notes.append(f"of no known usage, and so of no known cost: {without_usage} of the requests")
    return [line for note in notes for line in _lines(note)]


def _lines(note: str) -> list[str]:
    return [shorten(note, COLUMNS)] if note.startswith(" ") else wrapped(note)


def _short_count(number: int) -> str:
    return str(number) if number < 10_000 else f"{number / 1000:.0f}k"


def _duration(seconds: float) -> str:
    """Return a duration to the second; cassettes that others wrote may know none."""
    if seconds < 1:
        return "<1 s" if seconds else "-"
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
