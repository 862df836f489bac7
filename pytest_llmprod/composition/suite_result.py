"""Suite result: what the cases of a suite say under one metric, and the verdict on that."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pytest_llmprod.budgets.prices import Bill
from pytest_llmprod.composition.case_row import Row, bill_of, distinct, exchanges_of, score_of
from pytest_llmprod.composition.suite_so_far import SuiteSoFar
from pytest_llmprod.core.results import JudgeResult, Look, SuiteResult
from pytest_llmprod.core.verdict import Verdict
from pytest_llmprod.evals import statistics
from pytest_llmprod.evals.gate import Tally, cluster_of, interval_confidence, judge
from pytest_llmprod.evals.looks import LooksFile
from pytest_llmprod.evals.refusal_rates import refusal_rates
from pytest_llmprod.evals.repeats import repeats_of
from pytest_llmprod.evals.slices import Scored, slices
from pytest_llmprod.settings import Settings

if TYPE_CHECKING:
    from pytest_llmprod.evals.judging.calibration import Calibration


class SuiteResults:
    """The results of suites under their metrics, by the settings of a run and its looks file.

    What a judge is worth is told at `now`.
    """

    def __init__(self, settings: Settings, looks: LooksFile, now: datetime) -> None:
        """Make one that has read no calibration."""
        self._settings = settings
        self._looks = looks
        self._now = now

    def of(self, suite: SuiteSoFar, metric: str) -> SuiteResult:
        """Return the result of a suite under a metric; raises LooksFileError."""
        meta = suite.meta
        rows = [row for row in suite.rows.values() if row["outcome"] != "skip"]
        scores = [score_of(row, metric) for row in rows]
        clusters = [cluster_of(row["case"], row.get("cluster")) for row in rows]
        tally = Tally(
            cases=len(_cases(rows)),
            answers=len(rows),
            hits=round(sum(scores), 9),
            errors=len(_cases(row for row in rows if row["outcome"] == "error")),
            design=statistics.design_of(scores, clusters),
        )
        threshold = meta["threshold"][metric]
        look = self._look(suite, metric)
        at_look = interval_confidence(meta["confidence"], look)
        stderr, is_clustered = _stderr(scores, clusters)
        judge_standing = self._judge(suite, metric)
        is_report_only = judge_standing is not None and bool(judge_standing.report_only)
        unrecorded = [row for row in rows if row.get("unrecorded")]
        unanswered = [row for row in unrecorded if not row.get("unplayed")]
        return SuiteResult(
            feature=meta["feature"],
            test=meta["test"],
            metric=metric,
            cases=tally.cases,
            cases_in_dataset=meta["cases"],
            hits=tally.hits,
            errors=tally.errors,
            unrecorded=len(_cases(unrecorded)),
            unplayed=len(_cases(unrecorded) - _cases(unanswered)),
            skipped=len(_cases(suite.rows.values())) - tally.cases,
            score=tally.score,
            interval=tally.interval(at_look),
            interval_confidence=at_look,
            stderr=stderr,
            is_clustered=is_clustered,
            repeats=repeats_of(
                ((row["case"], score) for row, score in zip(rows, scores, strict=True)),
                meta.get("repeats", 1),
                unanswered=len(unanswered),
            ),
            look=look,
            threshold=threshold,
            confidence=meta["confidence"],
            verdict=None if is_report_only else self._verdict(suite, tally, threshold, look),
            dataset=meta["dataset"],
            dataset_sha256=meta["dataset_sha256"],
            gate_nodeid=_gate_nodeid(meta, metric),
            slices=slices(
                (
                    Scored(row["case"], row.get("tags", ()), score, cluster)
                    for row, score, cluster in zip(rows, scores, clusters, strict=True)
                ),
                confidence=meta["confidence"],
            ),
            refusals=refusal_rates(
                zip(rows, scores, clusters, strict=True), metric, meta["confidence"]
            ),
            judge=judge_standing,
            model=meta.get("model", ""),
            margin=meta.get("margin", 0.0),
            **_requests(suite, rows),
        )

    @cached_property
    def _calibrations(self) -> "Mapping[str, Calibration]":
        from pytest_llmprod.evals.judging import calibration  # only a run with a judge needs it

        return calibration.load(self._settings.rootpath / calibration.FILE_NAME)

    def _judge(self, suite: SuiteSoFar, metric: str) -> JudgeResult | None:
        """Return what the judge of a metric is worth, None where it is no judge's."""
        told = suite.meta.get("judges", {}).get(metric)
        if told is None:
            return None
        from pytest_llmprod.evals.judging import standing  # only a run with a judge needs it

        rows = [row for row in suite.rows.values() if row["outcome"] in ("hit", "miss")]
        return standing.judge_result(
            told,
            [score_of(row, metric) for row in rows],
            [cluster_of(row["case"], row.get("cluster")) for row in rows],
            self._calibrations.get(metric),
            confidence=suite.meta["confidence"],
            now=self._now,
            valid_days=self._settings.judge_valid_days,
        )

    def _look(self, suite: SuiteSoFar, metric: str) -> Look:
        """Return the how-manieth answers of the application's own model these are."""
        choice = self._settings.choice
        if choice.models or choice.override or choice.swaps or not suite.is_judgeable:
            return Look()
        return self._looks.look(suite.meta, metric, suite.answers())

    def _verdict(
        self, suite: SuiteSoFar, tally: Tally, threshold: float, look: Look
    ) -> Verdict | None:
        if not suite.is_judgeable:
            return None
        return judge(
            tally,
            threshold=threshold,
            confidence=suite.meta["confidence"],
            max_errors=suite.meta["max_errors"],
            strict=self._settings.is_strict,
            look=look,
        )


def _requests(suite: SuiteSoFar, rows: Sequence[Row]) -> dict[str, Any]:
    """Return what a suite and its judge asked and what that cost, as fields of its result."""
    exchanges = [each for row in rows for each in exchanges_of(row)]
    judged = [each for row in rows for each in row.get("judged", ())]
    judge_bill = bill_of(judged)
    bill = Bill()
    for row in rows:
        bill.join(suite.bill(row))
    latencies = [each["latency_s"] for each in exchanges if "latency_s" in each]
    days = [each["recorded_at"] for each in exchanges if each.get("recorded_at")]
    return {
        "models": distinct(each.get("model") for each in exchanges),
        "asked": distinct(each.get("asked") for each in exchanges),
        "requests": len(exchanges),
        "cost_usd": bill.cost_usd,
        "unpriced": bill.unpriced,
        "unpriced_models": distinct(bill.unpriced_models),
        "without_usage": bill.without_usage,
        "p95_latency_s": statistics.percentile(latencies, 0.95) if latencies else None,
        "source": _source(suite.meta, exchanges),
        "recorded_at": min((each.get("recorded_at", "") for each in exchanges), default=""),
        "newest_recorded_at": max(days, default=""),
        "judge_requests": len(judged),
        "judge_cost_usd": judge_bill.cost_usd,
        "judge_unpriced": judge_bill.unpriced + judge_bill.without_usage,
    }


def _cases(rows: Iterable[Row]) -> set[str]:
    """Return the ids of the cases, each of which may have several rows."""
    return {row["case"] for row in rows}


def _stderr(scores: Sequence[float], clusters: Sequence[Hashable]) -> tuple[float, bool]:
    """Return the standard error of the mean, and whether clusters change it by more than 20 %."""
    naive = statistics.standard_error(
        sum(scores), sum(score * score for score in scores), len(scores)
    )
    if len(set(clusters)) == len(scores):
        return naive, False
    clustered = statistics.clustered_stderr(scores, clusters)
    return clustered, abs(clustered - naive) > 0.2 * naive


def _source(meta: Row, exchanges: Sequence[Row]) -> str:
    if meta["from_outputs"]:
        return "outputs file"
    kinds = {each.get("replayed") for each in exchanges}
    if not kinds:
        return "no requests"
    if kinds == {True}:
        return "replayed"
    return "live" if kinds == {False} else "partly live"


def _gate_nodeid(meta: Row, metric: str) -> str:
    variant = meta["variant"]
    base = meta["test"].removesuffix(f"[{variant}]") if variant else meta["test"]
    parts = [variant] if variant else []
    parts += [metric] if len(meta["threshold"]) > 1 else []
    return f"{base}::gate[{'-'.join(parts)}]" if parts else f"{base}::gate"
