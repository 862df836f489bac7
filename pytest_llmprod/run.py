"""Run: what one pytest invocation left behind, and what is decided from it.

Lives in the one process that sees every report: that of pytest itself, or the xdist controller.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pytest_llmprod.budgets.prices import Bill
from pytest_llmprod.core.errors import LlmprodError, PricesError
from pytest_llmprod.core.exchange import Usage, usage_from_json
from pytest_llmprod.core.results import CaseResult, JudgeResult, Look, RunResult, SuiteResult
from pytest_llmprod.core.verdict import Verdict
from pytest_llmprod.evals import gates_file, statistics
from pytest_llmprod.evals.gate import Tally, cluster_of, interval_confidence, judge
from pytest_llmprod.evals.looks import Answers, LooksFile
from pytest_llmprod.evals.metrics import PASSED
from pytest_llmprod.evals.refusal_rates import refusal_rates
from pytest_llmprod.evals.repeats import repeats_of
from pytest_llmprod.evals.slices import Scored, slices
from pytest_llmprod.gates import FILE_NAME
from pytest_llmprod.settings import Settings

if TYPE_CHECKING:
    from pytest_llmprod.evals.judging.calibration import Calibration

Row = Mapping[str, Any]
_Asked = tuple[str, int]  # the id of a case, and its repeat


@dataclass(slots=True)
class _Suite:
    """What the reports of one suite said: its marker, and the last row of each repeat of a case.

    `bills` holds what the requests of a case cost.
    """

    meta: Mapping[str, Any] = field(default_factory=dict)
    rows: dict[_Asked, Row] = field(default_factory=dict)
    bills: dict[_Asked, Bill] = field(default_factory=dict)


def _is_judgeable(suite: _Suite) -> bool:
    """Say whether every case has come, and none asked what is in no recording."""
    if len(suite.rows) != suite.meta.get("cases", 0) * suite.meta.get("repeats", 1):
        return False
    return not any(row.get("unrecorded") for row in suite.rows.values())


class Run:
    """Gathers the rows of all cases, and decides when the last has come.

    `overrule` lets plugins replace a verdict.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        run_id: str,
        started_at: datetime,
        overrule: Callable[[SuiteResult], Verdict | None],
    ) -> None:
        """Make a run without rows."""
        self.settings = settings
        self.run_id = run_id
        self._started_at = started_at
        self._overrule = overrule
        self._suites: dict[str, _Suite] = {}
        self._looks = LooksFile(settings.rootpath)

    @property
    def is_complete(self) -> bool:
        """Say whether every case of every suite has come, and was judged from an answer."""
        return all(_is_judgeable(each) for each in self._suites.values())

    @property
    def has_skipped(self) -> bool:
        """Say whether a case was skipped."""
        rows = (row for suite in self._suites.values() for row in suite.rows.values())
        return any(row["outcome"] == "skip" for row in rows)

    def is_old_model(self, suite: SuiteResult) -> bool:
        """Say whether a suite is that of the old model, with which the others are compared."""
        return bool(suite.model) and suite.model == self.settings.choice.models[0]

    def add(self, row: Row) -> None:
        """Take the row of one case. A case that ran again replaces its earlier row."""
        suite = self._suites.setdefault(row["suite"], _Suite())
        if "meta" in row:
            row = dict(row)
            suite.meta = row.pop("meta")
        if self.settings.is_fallback_only:
            row = {**row, "exchanges": ()}  # what nobody answered says nothing of a model
        asked = _asked(row)
        before = suite.rows.get(asked, {})
        if before.get("unrecorded"):  # what one try missed, another may have got from a cache
            row = {**row, "unrecorded": True}
        suite.rows[asked] = row
        suite.bills.pop(asked, None)

    def decide(self, *, judging: bool = True) -> list[SuiteResult]:
        """Return the result of each suite and metric, suites in the order of their tests' names.

        Without `judging` no suite gets a verdict. Raises PricesError where costs are unknown
        because the prices could not be read.
        """
        self._refuse_unread_prices()
        results = [
            self._result(suite, metric)
            for _, suite in sorted(self._suites.items())
            for metric in suite.meta["threshold"]
        ]
        if judging:
            return [self._overruled(result) for result in results]
        return [replace(result, verdict=None) for result in results]

    def _refuse_unread_prices(self) -> None:
        for suite in self._suites.values():
            for row in suite.rows.values():
                if "prices_problem" in row:
                    raise PricesError(row["prices_problem"])

    def cases(self) -> list[CaseResult]:
        """Return the result of each case, in the order of suites and of ids.

        The order of arrival would differ from run to run under xdist.
        """
        return [
            # The row that brought the marker may have been replaced by one of the same case.
            self._case(name, suite, row if number else {**row, "meta": suite.meta})
            for name, suite in sorted(self._suites.items())
            for number, (_, row) in enumerate(sorted(suite.rows.items()))
        ]

    def write_gates(
        self, suites: Sequence[SuiteResult], now: datetime
    ) -> Mapping[str, Mapping[str, Any]]:
        """Write the gates of a whole run and return them; raises GatesFileError."""
        deciding = [suite for suite in suites if not suite.is_report_only]
        valid_days = self.settings.gate_valid_days
        entries = gates_file.gate_entries(deciding, now=now, valid_days=valid_days)
        return gates_file.write(
            self.settings.rootpath / FILE_NAME,
            entries,
            run_id=self.run_id,
            now=now,
            report_only={(suite.test, suite.metric) for suite in suites if suite.is_report_only},
        )

    def note_looks(self, suites: Sequence[SuiteResult], *, is_whole: bool) -> None:
        """Note which new answers were judged; raises LooksFileError.

        A run that `is_whole` drops the looks at tests that are gone.

        A run that records nothing shows nothing new. Neither does one that fails by its errors: it
        says something about the application, and hardly anything about its answers.
        """
        for suite in suites:
            found = self._suites[suite.test]
            is_new = suite.source in ("live", "partly live")
            if suite.verdict and is_new and suite.errors <= found.meta["max_errors"]:
                is_open = suite.verdict.is_open
                self._looks.note(found.meta, suite.metric, _answers(found), is_open=is_open)
        self._looks.save(is_whole=is_whole)

    def result(
        self,
        suites: Sequence[SuiteResult],
        *,
        gates: Mapping[str, Mapping[str, Any]],
        gates_note: str,
        selection: Sequence[str],
        misses: Mapping[str, int],
        objection: str,
    ) -> RunResult:
        """Return everything that reports print; RunResult says what the arguments mean."""
        return RunResult(
            run_id=self.run_id,
            started_at=self._started_at.isoformat(timespec="seconds"),
            suites=tuple(suites),
            cases=tuple(self.cases()),
            gates=gates,
            gates_note=gates_note,
            options=("--llm-eval", *self.settings.options),
            models=self.settings.choice.models,
            stored_as="" if self.settings.json_path is None else str(self.settings.json_path),
            selection=tuple(selection),
            misses=misses,
            objection=objection,
        )

    def _result(self, suite: _Suite, metric: str) -> SuiteResult:
        meta = suite.meta
        rows = [row for row in suite.rows.values() if row["outcome"] != "skip"]
        scores = [_score(row, metric) for row in rows]
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
        unrecorded = len(_cases(row for row in rows if row.get("unrecorded")))
        return SuiteResult(
            feature=meta["feature"],
            test=meta["test"],
            metric=metric,
            cases=tally.cases,
            cases_in_dataset=meta["cases"],
            hits=tally.hits,
            errors=tally.errors,
            unrecorded=unrecorded,
            skipped=len(_cases(suite.rows.values())) - tally.cases,
            score=tally.score,
            interval=tally.interval(at_look),
            interval_confidence=at_look,
            stderr=stderr,
            is_clustered=is_clustered,
            repeats=repeats_of(
                ((row["case"], score) for row, score in zip(rows, scores, strict=True)),
                meta.get("repeats", 1),
                unanswered=sum(1 for row in rows if row.get("unrecorded")),
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
            **self._requests(suite, rows),
        )

    def _requests(self, suite: _Suite, rows: Sequence[Row]) -> dict[str, Any]:
        """Return what a suite and its judge asked and what that cost, as fields of its result."""
        exchanges = [each for row in rows for each in _exchanges(row)]
        judged = [each for row in rows for each in row.get("judged", ())]
        judge_bill = _add_up(judged)
        bill = Bill()
        for row in rows:
            bill.join(self._bill(suite, row))
        latencies = [each["latency_s"] for each in exchanges if "latency_s" in each]
        days = [each["recorded_at"] for each in exchanges if each.get("recorded_at")]
        return {
            "models": _names(each.get("model") for each in exchanges),
            "asked": _names(each.get("asked") for each in exchanges),
            "requests": len(exchanges),
            "cost_usd": bill.cost_usd,
            "unpriced": bill.unpriced,
            "unpriced_models": _names(bill.unpriced_models),
            "without_usage": bill.without_usage,
            "p95_latency_s": statistics.percentile(latencies, 0.95) if latencies else None,
            "source": _source(suite.meta, exchanges),
            "recorded_at": min((each.get("recorded_at", "") for each in exchanges), default=""),
            "newest_recorded_at": max(days, default=""),
            "judge_requests": len(judged),
            "judge_cost_usd": judge_bill.cost_usd,
            "judge_unpriced": judge_bill.unpriced + judge_bill.without_usage,
        }

    @cached_property
    def _calibrations(self) -> "Mapping[str, Calibration]":
        from pytest_llmprod.evals.judging import calibration  # only a run with a judge needs it

        return calibration.load(self.settings.rootpath / calibration.FILE_NAME)

    def _judge(self, suite: _Suite, metric: str) -> JudgeResult | None:
        """Return what the judge of a metric is worth, None where it is no judge's."""
        told = suite.meta.get("judges", {}).get(metric)
        if told is None:
            return None
        from pytest_llmprod.evals.judging import standing  # only a run with a judge needs it

        rows = [row for row in suite.rows.values() if row["outcome"] in ("hit", "miss")]
        return standing.judge_result(
            told,
            [_score(row, metric) for row in rows],
            [cluster_of(row["case"], row.get("cluster")) for row in rows],
            self._calibrations.get(metric),
            confidence=suite.meta["confidence"],
            now=self._started_at,
            valid_days=self.settings.judge_valid_days,
        )

    def _look(self, suite: _Suite, metric: str) -> Look:
        """Return the how-manieth answers of the application's own model these are."""
        choice = self.settings.choice
        if choice.models or choice.override or choice.swaps or not _is_judgeable(suite):
            return Look()
        return self._looks.look(suite.meta, metric, _answers(suite))

    def _verdict(self, suite: _Suite, tally: Tally, threshold: float, look: Look) -> Verdict | None:
        if not _is_judgeable(suite):
            return None
        return judge(
            tally,
            threshold=threshold,
            confidence=suite.meta["confidence"],
            max_errors=suite.meta["max_errors"],
            strict=self.settings.is_strict,
            look=look,
        )

    def _overruled(self, result: SuiteResult) -> SuiteResult:
        if result.verdict is None:
            return result
        verdict = self._overrule(result)
        if verdict is None:
            return result
        if not isinstance(verdict, Verdict):
            raise LlmprodError(
                f"the hook pytest_llmprod_verdict must return a Verdict or None, not {verdict!r}"
            )
        return replace(result, verdict=verdict)

    def _bill(self, suite: _Suite, row: Row) -> Bill:
        """Return what the requests of a case cost."""
        asked = _asked(row)
        bill = suite.bills.get(asked)
        if bill is None:
            bill = suite.bills[asked] = _add_up(_exchanges(row))
        return bill

    def _case(self, name: str, suite: _Suite, row: Row) -> CaseResult:
        exchanges = _exchanges(row)
        bill = self._bill(suite, row)
        latencies = [each["latency_s"] for each in exchanges if "latency_s" in each]
        return CaseResult(
            suite=name,
            id=row["case"],
            repeat=row.get("repeat", 1),
            nodeid=row["nodeid"],
            outcome=row["outcome"],
            why=row.get("why", ""),
            scores={
                **row.get("scores", {}),
                **{metric: _score(row, metric) for metric in suite.meta["threshold"]},
            },
            model=" + ".join(_names(each.get("model") for each in exchanges)),
            cost_usd=bill.cost_usd if bill.is_complete else None,
            latency_s=sum(latencies) if latencies else None,
            unrecorded=bool(row.get("unrecorded")),
            output=row.get("output"),
            tags=tuple(row.get("tags", ())),
            whys=row.get("whys", {}),
            cluster=row.get("cluster"),
            tokens=_tokens(exchanges),
            expected=row.get("expected"),
            prompt=tuple((role, text) for role, text in row.get("prompt", ())),
            calls=_calls(exchanges),
            input_tokens=_input_tokens(exchanges),
            carried=_carried(row),
        )


def _add_up(exchanges: Iterable[Row]) -> Bill:
    bill = Bill()
    for exchange in exchanges:
        if not exchange.get("free"):
            name = exchange.get("model") or exchange.get("asked") or ""
            cost = exchange.get("cost_usd")
            bill.add_cost(None if cost is None else Decimal(cost), _usage(exchange), name)
    return bill


#: What of a row a stored case holds under keys of its own.
_TOLD = {"suite", "case", "repeat", "outcome", "why", "scores", "whys"}
_TOLD |= {"tags", "cluster", "output", "expected"}


def _carried(row: Row) -> Row:
    return {key: value for key, value in row.items() if key not in _TOLD}


def _asked(row: Row) -> _Asked:
    return row["case"], row.get("repeat", 1)


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


def _answers(suite: _Suite) -> Answers:
    """Return what tells the answers of a suite from others to the same requests."""
    rows = [row for _, row in sorted(suite.rows.items())]
    return Answers.of(
        times=[
            # To the digits that a cassette keeps: a replay must read like the run that recorded.
            (*_asked(row), each.get("recorded_at", ""), round(each.get("latency_s", 0.0), 6))
            for row in rows
            for each in row.get("exchanges", ())
        ],
        requests=[(row["case"], row.get("asked", "")) for row in rows],
    )


def _score(row: Row, metric: str) -> float:
    """Return the score of a case; an error scores 0, and so does a miss before it was scored."""
    if row["outcome"] == "error":
        return 0.0
    if metric == PASSED:
        return float(row["outcome"] == "hit")
    return float(row.get("scores", {}).get(metric, 0.0))


def _exchanges(row: Row) -> Sequence[Row]:
    """Return the requests of a case; a recorded output that says what it took counts as one."""
    recorded = row.get("recorded")
    found: Sequence[Row] = row.get("exchanges", ())
    return [*found, recorded] if recorded else found


def _usage(exchange: Row) -> Usage | None:
    usage = exchange.get("usage")
    return None if usage is None else usage_from_json(usage)


def _tokens(exchanges: Sequence[Row]) -> int | None:
    """Return the tokens that went in and came out, None where a request does not tell."""
    usages = [_usage(each) for each in exchanges if not each.get("free")]
    known = [each.input_tokens + each.output_tokens for each in usages if each is not None]
    return sum(known) if len(known) == len(usages) else None


def _calls(exchanges: Iterable[Row]) -> int:
    """Return how many calls the requests of a case make up: one that tries again makes several."""
    return sum(each.get("attempt", 1) == 1 for each in exchanges)


def _input_tokens(exchanges: Sequence[Row]) -> int | None:
    """Return the tokens that went in, None where a call does not tell.

    A try that failed tells nothing mostly, and is no part of the prompt.
    """
    known = [usage for usage in map(_usage, exchanges) if usage is not None]
    if len(known) < _calls(each for each in exchanges if not each.get("free")):
        return None
    return sum(each.input_tokens for each in known)


def _names(values: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(sorted({value for value in values if value}))


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
