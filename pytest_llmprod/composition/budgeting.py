"""Budgeting: which budgets a run has, and what became of them.

Lives in the process that sees every report, and judges from the calls of which the reports tell.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from pytest_llmprod.budgets.budget import Budget, Result, judge
from pytest_llmprod.budgets.expression import Expression, bound_text, parse
from pytest_llmprod.budgets.measured import Measured
from pytest_llmprod.budgets.provenance import Provenance
from pytest_llmprod.composition.feature_settings import FeatureSettings
from pytest_llmprod.core.budget_result import BudgetResult, MonthResult, Scope
from pytest_llmprod.core.errors import PricesError
from pytest_llmprod.report.amounts import plural
from pytest_llmprod.settings import Settings

Row = Mapping[str, Any]
#: A figure that only grows with what is missing: once it breaks a bound, it does so for ever.
_ONLY_GROW = ("each", "sum", "max", "count")
_TIMES = ("latency", "ttft")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What became of the budgets of a run, and what its features cost in a month."""

    budgets: tuple[BudgetResult, ...] = ()
    months: tuple[MonthResult, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Group:
    """The calls that some budgets judge together, and whose they are."""

    scope: Scope
    name: str
    nodeid: str
    model: str
    rows: Sequence[Row] = field(repr=False)

    @cached_property
    def calls(self) -> list[Measured]:
        return [
            Measured.from_row(call, case=row["case"], request=row["request"])
            for row in self.rows
            for call in row["calls"]
        ]

    @cached_property
    def lacking(self) -> str:
        """Return how many tests lack an answer or ask less than is recorded, '' where none does."""
        lacks = [row["lacks"] for row in self.rows if row.get("lacks")]
        less = lacks.count("request")
        number = len(lacks) - less
        texts = [plural(number, "test lacks", "tests lack") + " an answer"] if number else []
        texts += [plural(less, "test asks", "tests ask") + " less than is recorded"] if less else []
        return ", ".join(texts)


class Budgeting:
    """Gathers the calls of all tests, and judges them when the last has come."""

    def __init__(self, settings: Settings, *, now: datetime) -> None:
        """Make one without calls; `now` is the time from which the age of recordings counts."""
        self._settings = settings
        self._now = now
        self._rows: dict[str, Row] = {}
        self._is_complete = True

    def add(self, nodeid: str, row: Row) -> None:
        """Take the calls of a test. One that ran again replaces its earlier ones."""
        self._rows[nodeid] = row

    def decide(self, *, is_complete: bool = True) -> Judged:
        """Judge all budgets: of tests, by their names, then of features, then of the run.

        `is_complete` says that all calls have come that were sent. Raises PricesError where the
        prices could not be read.
        """
        self._is_complete = is_complete
        for row in self._rows.values():
            if "prices_problem" in row:
                raise PricesError(row["prices_problem"])
        rows = [row for _, row in sorted(self._rows.items())]
        budgets: list[BudgetResult] = []
        months: list[MonthResult] = []
        for model in sorted({row["model"] for row in rows}):
            of_model = [row for row in rows if row["model"] == model]
            budgets += self._of_tests(of_model, model)
            for feature, known in self._settings.features.items():
                found, month = self._of_feature(of_model, feature, known, model)
                budgets += found
                months += month
            run = _Group(scope="run", name="", nodeid="llmprod", model=model, rows=of_model)
            budgets += (self._result(run, each)[0] for each in self._settings.budgets)
        return Judged(budgets=tuple(budgets), months=tuple(months))

    def _of_tests(self, rows: Sequence[Row], model: str) -> Iterator[BudgetResult]:
        texts = dict.fromkeys((row["test"], text) for row in rows for text in row["budgets"])
        for test, text in sorted(texts, key=lambda each: each[0]):
            group = _Group(
                scope="test",
                name=test.rpartition("::")[2],
                nodeid=test,
                model=model,
                rows=[row for row in rows if row["test"] == test and text in row["budgets"]],
            )
            feature = self._settings.features.get(group.rows[0]["feature"], FeatureSettings())
            yield self._result(group, parse(text), feature.requests_per_month)[0]

    def _of_feature(
        self, rows: Sequence[Row], feature: str, known: FeatureSettings, model: str
    ) -> tuple[list[BudgetResult], list[MonthResult]]:
        of_feature = [row for row in rows if row["feature"] == feature]
        if not of_feature:
            return [], []
        group = _Group(
            scope="feature", name=feature, nodeid="llmprod", model=model, rows=of_feature
        )
        monthly = known.requests_per_month
        found = [self._result(group, each, monthly) for each in known.budgets]
        if not monthly:
            return [each for each, _ in found], []
        projected = [raw for _, raw in found if raw.budget.expression.function == "monthly"]
        raw = projected[0] if projected else self._judge(group, parse("monthly(cost) < 0"), monthly)
        return [each for each, _ in found], [_month(group, raw, monthly)]

    def _judge(self, group: _Group, expression: Expression, monthly: int | None) -> Result:
        return judge(
            Budget(expression=expression, requests_per_month=monthly),
            group.calls,
            now=self._now,
            max_age_days=self._settings.play_rules.max_age_days,
        )

    def _result(
        self, group: _Group, expression: Expression, monthly: int | None = None
    ) -> tuple[BudgetResult, Result]:
        raw = self._judge(group, expression, monthly)
        if not self._is_complete:
            raw = _unless_final(raw, "the run is INCOMPLETE", "; of what came, ")
        elif group.lacking:
            raw = _unless_final(raw, group.lacking, "; otherwise, ")
        told = raw.provenance
        reason = raw.reason
        if expression.quantity in _TIMES and raw.calls:
            reason += f"; {_when(told)}{_apart(told)}"
        lead = f"{group.name}: " if group.scope == "feature" else ""
        model = f"-{group.model}" if group.model else ""
        result = BudgetResult(
            nodeid=f"{group.nodeid}::budget[{lead}{expression}{model}]",
            budget=str(expression),
            scope=group.scope,
            name=group.name,
            model=group.model,
            verdict=raw.verdict,
            reason=reason,
            observed=raw.observed,
            bound=expression.bound,
            unit=_unit(expression),
            calls=raw.calls,
            samples=raw.samples,
            source=_source(told),
            recorded=(told.first, told.last),
            stale=told.stale,
            retries=told.retries,
            retried_s=told.retried_s,
            backoff_s=told.backoff_s,
            unpriced=raw.unpriced,
            judge_calls=raw.judge_calls,
            judge_usd=raw.judge_usd,
        )
        return result, raw


def _unless_final(found: Result, why: str, link: str) -> Result:
    """Return what can be said where some calls are missing, or all of them, and `why` says why.

    `link` leads to what the others say.
    """
    is_final = found.verdict == "FAIL" and found.budget.expression.function in _ONLY_GROW
    if is_final or found.unpriced:
        return found
    reason = f"{why}{link}{found.reason}" if found.calls else why
    return replace(found, verdict="INCONCLUSIVE", reason=reason)


def _month(group: _Group, found: Result, monthly: int) -> MonthResult:
    projection = found.projection
    if projection is None:
        return MonthResult(
            feature=group.name,
            model=group.model,
            requests_per_month=monthly,
            why_unknown=found.reason,
        )
    return MonthResult(
        feature=group.name,
        model=group.model,
        requests_per_month=monthly,
        cases=projection.cases,
        monthly_usd=projection.monthly_usd,
        interval_usd=projection.interval_usd,
        without_cache_usd=projection.without_cache_usd,
        dearer_usd=projection.dearer_usd,
        retry_rate=projection.retry_rate,
    )


def _unit(expression: Expression) -> str:
    if expression.quantity == "cost":
        return "USD"
    return "s" if expression.quantity in _TIMES else ""


def _source(told: Provenance) -> str:
    if not told.replayed:
        return "live" if told.live else "no requests"
    return "partly live" if told.live else "replayed"


def _when(told: Provenance) -> str:
    """Return whether times were measured live, or when they were recorded."""
    if not told.replayed:
        return "live"
    lead = f"{told.live:,} live, the others " if told.live else ""
    if not told.first:
        return f"{lead}recorded, nobody knows when"
    days = told.first if told.first == told.last else f"{told.first} to {told.last}"
    stale = f", {told.stale:,} of them too old" if told.stale else ""
    return f"{lead}recorded {days}{stale}"


def _apart(told: Provenance) -> str:
    """Return what stands apart from the times: tries before the last, and the pauses."""
    if not told.retries:
        return ""
    took, paused = (_seconds(each) for each in (told.retried_s, told.backoff_s))
    tries = "try" if told.retries == 1 else "tries"
    return f"; {told.retries:,} failed {tries} ({took}) and pauses ({paused}) not in it"


def _seconds(value: float) -> str:
    return bound_text("latency", round(Decimal(repr(value)), 3 if value < 1 else 2))
