"""Budgets: how the verdicts on budgets, and the month of a feature, are told."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pytest_llmprod.core.budget_result import BudgetResult, MonthResult
from pytest_llmprod.core.text import counted, printable, shorten
from pytest_llmprod.core.verdict import VerdictName
from pytest_llmprod.report.layout import wrapped

_LONGEST_NAME = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetRow:
    """One budget as text.

    `of` says whose it is, `group` is the same for all budgets of one test, feature or run.
    `measured` is the figure, `samples` how many calls it is from, and `source` says whether these
    were made live or when they were recorded.
    """

    of: str
    group: tuple[str, ...]
    budget: str
    verdict: VerdictName
    measured: str
    samples: str
    source: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthRow:
    """What a feature costs in a month, as text; `line` says all of it, for a terminal.

    `cost`, and what differs from it, is `-` where nobody knows it; `why` then says why.
    """

    of: str
    requests: str
    cost: str
    interval: str
    without_cache: str
    dearer: str
    retries: str
    why: str
    line: str


def budget_rows(budgets: Sequence[BudgetResult]) -> list[BudgetRow]:
    """Return each budget as a row, in their order.

    Where tests of several files have one name, their budgets are told with the node id.
    """
    tests = Counter(name for name, _ in {(each.name, _test(each)) for each in budgets})
    return [
        BudgetRow(
            of=_whose(each, _test(each) if tests[each.name] > 1 else ""),
            group=(each.scope, _test(each), each.name, each.model),
            budget=each.budget,
            verdict=each.verdict,
            measured=_measured(each),
            samples=_samples(each),
            source=_source(each),
            reason=printable(each.reason),
        )
        for each in budgets
    ]


def _measured(each: BudgetResult) -> str:
    if each.observed is None:
        return "-"
    if not each.observed.is_finite():
        return "no answer"
    figure = float(each.observed)
    if each.unit == "s":
        return f"{figure * 1000:.4g} ms" if figure < 1 else f"{figure:.4g} s"
    return _usd(each.observed) if each.unit == "USD" else f"{figure:,.10g}"


def _samples(each: BudgetResult) -> str:
    """Return how many calls were judged, and how many recordings these are where they differ."""
    calls = counted(each.calls, "call")
    if each.samples == each.calls:
        return calls
    return f"{calls}, {counted(each.samples, 'sample')}"


def _source(each: BudgetResult) -> str:
    first, last = each.recorded
    days = first if first == last else f"{first} to {last}"
    source = f"{each.source}, recorded {days}" if first else each.source
    return f"{source}; {each.stale:,} too old" if each.stale else source


def month_rows(months: Sequence[MonthResult]) -> list[MonthRow]:
    """Return what each feature costs in a month as a row."""
    return [
        MonthRow(
            of=_feature(each),
            requests=f"{each.requests_per_month:,}",
            cost=_usd_or_none(each.monthly_usd),
            interval=_interval(each) if each.monthly_usd is not None else "-",
            without_cache=_usd_or_none(each.without_cache_usd),
            dearer=_usd_or_none(each.dearer_usd),
            retries=f"{each.retry_rate:.2g}",
            why=printable(each.why_unknown),
            line=_month_line(each),
        )
        for each in months
    ]


def budget_blocks(rows: Sequence[BudgetRow], months: Sequence[MonthRow]) -> list[list[str]]:
    """Return a line for each month, and one for the budgets of each test, feature and run.

    Then comes each budget that is not kept, and each of which nobody knows, with its reason.
    """
    groups: dict[tuple[str, ...], list[BudgetRow]] = {}
    for row in rows:
        groups.setdefault(row.group, []).append(row)
    found = [wrapped(month.line) for month in months]
    for group in groups.values():
        found.append(wrapped(f"budgets of {group[0].of}: {_counts(group)}"))
    return [*found, *_reasons(rows, "FAIL"), *_reasons(rows, "INCONCLUSIVE")]


def brief_blocks(rows: Sequence[BudgetRow], months: Sequence[MonthRow]) -> list[list[str]]:
    """Return the same where there is room for a part of it: the verdicts in a line come first.

    A budget that is not kept has one line, so that as many as can be are named.
    """
    return [
        *([wrapped(f"budgets: {_counts(rows)}")] if rows else []),
        *_reasons(rows, "FAIL", most_lines=1),
        *(wrapped(month.line) for month in months),
        *_reasons(rows, "INCONCLUSIVE"),
    ]


def _reasons(
    rows: Sequence[BudgetRow], verdict: VerdictName, most_lines: int = 2
) -> list[list[str]]:
    return [
        wrapped(f"{row.verdict} {row.budget} of {row.of}: {row.reason}", most_lines)
        for row in rows
        if row.verdict == verdict
    ]


def _counts(rows: Sequence[BudgetRow]) -> str:
    found = Counter(row.verdict for row in rows)
    return ", ".join(f"{found[name]} {name}" for name in _VERDICTS if name in found)


_VERDICTS: Sequence[VerdictName] = ("PASS", "INCONCLUSIVE", "FAIL")


def _test(each: BudgetResult) -> str:
    """Return the node id of the test of a budget, '' where it is of a feature or of the run."""
    return each.nodeid.partition("::budget[")[0] if each.scope == "test" else ""


def _whose(each: BudgetResult, test: str = "") -> str:
    name = printable(test) or shorten(printable(each.name), _LONGEST_NAME) or "the run"
    return f"{name} with {printable(each.model)}" if each.model else name


def counts(rows: Sequence[BudgetRow]) -> str:
    """Return how many budgets there are of each verdict, '' where all are kept."""
    return _counts(rows) if any(row.verdict != "PASS" for row in rows) else ""


def failure_text(each: BudgetResult) -> str:
    """Return what the report of a budget that fails the run says."""
    verdict = "not kept" if each.verdict == "FAIL" else each.verdict
    return f"the budget '{each.budget}' of {_whose(each)} is {verdict}: {printable(each.reason)}"


def _feature(month: MonthResult) -> str:
    model = f" with {printable(month.model)}" if month.model else ""
    return shorten(printable(month.feature), _LONGEST_NAME) + model


def _month_line(month: MonthResult) -> str:
    lead = f"month of {_feature(month)}: "
    if month.monthly_usd is None:
        return f"{lead}unknown, {printable(month.why_unknown)}"
    text = f"{lead}{_usd(month.monthly_usd)} ({_interval(month)})"
    text += f" at {counted(month.requests_per_month, 'request')}"
    uncached = month.without_cache_usd
    if uncached is not None and _usd(uncached) != _usd(month.monthly_usd):
        text += f"; without prompt cache {_usd(uncached)}"
    if month.dearer_usd:
        text += f"; prices +20 % {_usd(month.dearer_usd)}"
    if month.retry_rate:
        text += f"; {month.retry_rate:.2g} tries again for each call"
    return text


def _interval(month: MonthResult) -> str:
    if month.interval_usd is None:
        return f"no interval from {counted(month.cases, 'case')}"
    low, high = (_usd(each).removeprefix("$") for each in month.interval_usd)
    return f"{low} to {high}"


def _usd_or_none(amount: Decimal | None) -> str:
    return "-" if amount is None else _usd(amount)


def _usd(amount: Decimal) -> str:
    """Return an amount in whole USD from 10 on, in cents below, and small ones in two digits."""
    if not amount.is_finite():
        return "unlimited"
    if amount >= 10:
        return f"${amount:,.0f}"
    places = 2 if not amount or amount >= Decimal("0.1") else 1 - amount.adjusted()
    return f"${amount:.{places}f}"


def to_json(each: BudgetResult) -> dict[str, Any]:
    """Return a budget as `--llm-json` writes it: money is text, times are in seconds."""
    first, last = each.recorded
    return {
        "budget": each.budget,
        "scope": each.scope,
        "name": each.name,
        "nodeid": each.nodeid,
        "model": each.model,
        "verdict": each.verdict,
        "reason": each.reason,
        "observed": _figure(each.observed, each.unit),
        "bound": _figure(each.bound, each.unit),
        "unit": each.unit,
        "calls": each.calls,
        "samples": each.samples,
        "unpriced": dict(each.unpriced),
        "source": each.source,
        "recorded": [first, last] if first else None,
        "stale": each.stale,
        "retries": each.retries,
        "retried_s": each.retried_s,
        "backoff_s": each.backoff_s,
        "judge_calls": each.judge_calls,
        "judge_cost_usd": _money(each.judge_usd),
    }


def month_to_json(month: MonthResult) -> dict[str, Any]:
    """Return the month of a feature as `--llm-json` writes it: money is text."""
    return {
        "feature": month.feature,
        "model": month.model,
        "requests_per_month": month.requests_per_month,
        "cases": month.cases,
        "monthly_usd": _money(month.monthly_usd),
        "interval_usd": (
            None if month.interval_usd is None else [_money(end) for end in month.interval_usd]
        ),
        "without_cache_usd": _money(month.without_cache_usd),
        "dearer_usd": _money(month.dearer_usd),
        "retry_rate": month.retry_rate,
        "why_unknown": month.why_unknown,
    }


def _figure(value: Decimal | None, unit: str) -> str | float | None:
    if value is None or not value.is_finite():
        return None
    return _money(value) if unit == "USD" else float(value)


def _money(value: Decimal | None) -> str | None:
    """Return an amount as text; null where nobody knows it, or where it has no end."""
    if value is None or not value.is_finite():
        return None
    return format(round(value, 12).normalize(), "f")
