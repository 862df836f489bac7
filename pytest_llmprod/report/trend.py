"""Trend: how scores and costs moved over the accepted runs, up to this one."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from pytest_llmprod.core.past import PastRun, PastSuite
from pytest_llmprod.core.results import RunResult, SuiteResult
from pytest_llmprod.core.text import counted, printable
from pytest_llmprod.report.amounts import cost_text
from pytest_llmprod.report.suite_names import one_a_test

MOST_RUNS = 20
THIS_RUN = "this run"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendRun:
    """One run: its name, which no other has, who accepted it and why, and what it cost.

    `cost_usd` is None, and `cost` is `-`, where nobody knows it.
    """

    name: str
    who: str
    why: str
    cost_usd: Decimal | None
    cost: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendPoint:
    """One suite in one run: shares in 0..1, and all of it as text."""

    run: str
    score: float
    interval: tuple[float, float] | None
    threshold: float | None
    score_text: str
    interval_text: str
    threshold_text: str
    verdict: str
    cases: str
    model: str
    data: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteTrend:
    """One suite over the runs that tell of it, the oldest first."""

    name: str
    points: tuple[TrendPoint, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """The accepted runs, the oldest first, this one last, and how each suite moved over them.

    `gaps` say what is not shown.
    """

    runs: tuple[TrendRun, ...] = ()
    suites: tuple[SuiteTrend, ...] = ()
    gaps: tuple[str, ...] = ()


NO_TREND = Trend()


def trend_of(result: RunResult, names: Mapping[int, str]) -> Trend:
    """Return the trend of the suites of a run, which `names` names by their ids.

    It is empty where no accepted run tells of one of them. This run stands in it where it judged
    one of them, and is none of those that were accepted.
    """
    past = result.past[-MOST_RUNS:]
    runs = dict(zip(_run_names(past), past, strict=True))
    is_new = result.run_id not in {run.run_id for run in past}
    suites = []
    for suite in result.suites:
        points = list(_past_points(suite, runs))
        if points and is_new and suite.verdict is not None:
            points.append(_this_point(suite))
        if points:
            suites.append(SuiteTrend(name=names[id(suite)], points=tuple(points)))
    if not suites:
        return NO_TREND
    told = [_past_run(name, run) for name, run in runs.items()]
    if any(point.run == THIS_RUN for suite in suites for point in suite.points):
        told.append(_this_run(result))
    return Trend(runs=tuple(told), suites=tuple(suites), gaps=tuple(_gaps(result.past)))


def _run_names(past: Sequence[PastRun]) -> list[str]:
    """Return the day of each run in UTC; where several have one, with what tells them apart."""
    moments = [_moment(run.when) for run in past]
    days = Counter(moment[:10] for moment in moments)
    seen: Counter[str] = Counter()
    names = []
    for moment in moments:
        name = moment[:10] if days[moment[:10]] == 1 else moment
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return names


def _moment(when: str) -> str:
    try:
        moment = datetime.fromisoformat(when)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}"
    except (ValueError, OverflowError):  # OverflowError: in UTC it is before the year 1
        return "no date"


def _past_points(suite: SuiteResult, runs: Mapping[str, PastRun]) -> Iterator[TrendPoint]:
    for name, run in runs.items():
        for each in run.suites:
            if (each.test, each.metric) == (suite.test, suite.metric):
                yield _past_point(name, each, suite)


def _past_point(name: str, each: PastSuite, suite: SuiteResult) -> TrendPoint:
    same = "same" if suite.dataset_sha256.startswith(each.dataset) else "another"
    return _point(
        name,
        score=each.score,
        interval=each.interval,
        threshold=each.threshold,
        verdict=each.verdict or "-",
        cases="-" if each.cases is None else str(each.cases),
        model=each.model or "-",
        data=same if each.dataset else "-",
    )


def _this_point(suite: SuiteResult) -> TrendPoint:
    return _point(
        THIS_RUN,
        score=suite.score,
        interval=suite.interval,
        threshold=suite.threshold,
        verdict=suite.verdict.name if suite.verdict else "-",
        cases=str(suite.cases),
        model=" + ".join(suite.models) or "-",
        data="same",
    )


def _point(
    run: str,
    *,
    score: float,
    interval: tuple[float, float] | None,
    threshold: float | None,
    verdict: str,
    cases: str,
    model: str,
    data: str,
) -> TrendPoint:
    bounds = "-" if interval is None else "[{:.1f}, {:.1f}]".format(*(x * 100 for x in interval))
    return TrendPoint(
        run=run,
        score=score,
        interval=interval,
        threshold=threshold,
        score_text=f"{score * 100:.1f}%",
        interval_text=bounds,
        threshold_text="-" if threshold is None else f"{threshold * 100:.4g}%",
        verdict=printable(verdict),
        cases=cases,
        model=printable(model),
        data=data,
    )


def _past_run(name: str, run: PastRun) -> TrendRun:
    return TrendRun(
        name=name,
        who=printable(run.who) or "-",
        why=printable(run.why),
        cost_usd=run.cost_usd,
        cost="-" if run.cost_usd is None else cost_text(run.cost_usd, run.unpriced, 1),
    )


def _this_run(result: RunResult) -> TrendRun:
    """Return what this run cost, where it ran all that the last accepted one did."""
    tests = one_a_test(result.suites)
    missing = {each.test for each in result.past[-1].suites} - {each.test for each in tests}
    is_whole = all(each.cases + each.skipped >= each.cases_in_dataset for each in tests)
    unpriced = sum(each.unpriced + each.without_usage for each in tests)
    has_price = unpriced == 0 or any(each.cost_usd for each in tests)
    cost = sum((each.cost_usd for each in tests), Decimal(0))
    is_known = is_whole and has_price and not missing
    return TrendRun(
        name=THIS_RUN,
        who="-",
        why="",
        cost_usd=cost if is_known else None,
        cost=cost_text(cost, unpriced, 1) if is_known else "-",
    )


def _gaps(past: Sequence[PastRun]) -> Iterator[str]:
    older = len(past) - MOST_RUNS
    if older > 0:
        yield f"{counted(older, 'older run')} not shown"
    left_out = sum(run.left_out > 0 for run in past[-MOST_RUNS:])
    if left_out:
        yield f"of {counted(left_out, 'run')} the history had no room for all suites"
