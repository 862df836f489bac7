"""Results: what a test and a run found out, as plain records.

A Trace gathers while a test runs and travels on its report; the others are made from all traces
when the run ends, and are what reports print and files keep.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from pytest_llmprod.core.budget_result import BudgetResult, MonthResult
from pytest_llmprod.core.checklist import Audit
from pytest_llmprod.core.drilling import DrillResult
from pytest_llmprod.core.exchange import Exchange
from pytest_llmprod.core.fallback_score import FallbackScore
from pytest_llmprod.core.growth import Growth
from pytest_llmprod.core.mode_test import ModeTest
from pytest_llmprod.core.part import WHOLE, Part
from pytest_llmprod.core.past import PastRun
from pytest_llmprod.core.scorecard import ScorecardResult
from pytest_llmprod.core.swap import Swap, without_model
from pytest_llmprod.core.verdict import Verdict

Outcome = Literal["hit", "miss", "error", "skip"]


@dataclass(slots=True)
class Trace:
    """Exchanges, scores and the outcome of one test, gathered while it runs.

    `judged` holds the exchanges in which judges were asked about the output. `scores` maps metric
    -> score in 0..1, `whys` metric -> why it is not 1, where that is known.
    """

    exchanges: list[Exchange] = field(default_factory=list)
    judged: list[Exchange] = field(default_factory=list)
    scores: dict[str, float] = field(default_factory=dict)
    whys: dict[str, str] = field(default_factory=dict)
    outcome: Outcome | None = None
    why: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the trace as plain JSON: no Decimal, no object of ours."""
        row: dict[str, Any] = {"outcome": self.outcome}
        if self.why:
            row["why"] = self.why
        if self.scores:
            row["scores"] = dict(self.scores)
        if self.whys:
            row["whys"] = dict(self.whys)
        if self.exchanges:
            row["exchanges"] = [exchange.to_row() for exchange in self.exchanges]
        if self.judged:
            row["judged"] = [exchange.to_row() for exchange in self.judged]
        return row


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    """One case of one suite, asked the `repeat`-th time, counted from 1.

    `scores` maps metric -> score in 0..1, and `whys` metric -> why it is not 1, where that is
    known. `cost_usd` is None where a request has no price, and `latency_s` the sum over the
    requests of the case, None where there was none. `tokens` sums what went in and what came out,
    None where a request does not tell, and `input_tokens` what went in. `calls` counts what the
    case waited for: a client that tries again makes no further call. `unrecorded` says that a
    request of the case got no answer, from a recording or live. `output` and `expected` are kept
    where the run is stored. `cluster` names the cases that it hangs together with. `prompt` is
    (role, text) of each message of the last request, kept where the case did not hit; the role may
    be ''. `carried` is what else the report of its test carried, as plain JSON: its requests for
    instance.
    """

    suite: str
    id: str
    repeat: int
    nodeid: str
    outcome: Outcome
    why: str
    scores: Mapping[str, float]
    model: str
    cost_usd: Decimal | None
    latency_s: float | None
    unrecorded: bool
    output: Any
    tags: tuple[str, ...]
    whys: Mapping[str, str] = field(default_factory=dict)
    cluster: str | None = None
    tokens: int | None = None
    expected: Any = None
    prompt: tuple[tuple[str, str], ...] = ()
    calls: int = 0
    input_tokens: int | None = None
    carried: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRate:
    """How many of the `answers` to one case were hits, under one metric."""

    id: str
    hits: int
    answers: int

    @property
    def rate(self) -> float:
        """Return the share of hits, in 0..1."""
        return self.hits / self.answers


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeats:
    """What the repeats of the cases of one suite say, under one metric; a hit is a score of 1.

    Each case was to be asked `count` times, and all cases together got `answers` that were scored.
    `unanswered` of these are no answers: nothing answered, which scores 0.
    `pass_hat` maps k -> the chance that k answers to a case are all hits (pass^k), for each k that
    every case has answers for. `flaky` cases hit sometimes, `failing` ones never.
    """

    count: int = 1
    answers: int = 0
    unanswered: int = 0
    pass_hat: Mapping[int, float] = field(default_factory=dict)
    flaky: tuple[CaseRate, ...] = ()
    failing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The how-manieth set of answers to the same cases is judged, while the gate was closed.

    The first one is number 1. `is_again` says that the very same requests got answers before, which
    did not open the gate.
    """

    number: int = 1
    is_again: bool = False


FIRST_LOOK = Look()


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """The cases that carry one tag, under one metric.

    `hits` is the sum of the scores of all answers to them, `score` their mean in 0..1, and
    `interval` the bounds of a Wilson interval, corrected for the number of slices, and wider where
    cases hang together.
    """

    tag: str
    cases: int
    hits: float
    score: float
    interval: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeResult:
    """What a judge that scored a suite is worth.

    `report_only` says in a few words why it may not decide, '' where it may, and `command` holds
    the words of the command that calibrates it. `corrected` is the share of hits behind the score,
    with its interval, by how often the judge was right on labels by people; None where that is not
    known, and for a pairwise judge. `calibration` holds the figures of the calibration as plain
    JSON, and is empty where there is none of this judge.
    """

    report_only: str
    command: tuple[str, ...]
    corrected: float | None
    corrected_interval: tuple[float, float] | None
    calibration: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteResult:
    """One suite under one metric: counts, score, verdict, cost and latency.

    `verdict` is None where only a part of the suite ran, or where `unrecorded` cases got no answer
    (their request is in no recording, or a live one found nobody): the gate is then not judged, for
    this says nothing about the model. `unplayed` of these cases got all answers, and asked less
    than was recorded.
    `cost_usd` sums the priced requests; `unpriced` counts those whose models, `unpriced_models`,
    have no price, and `without_usage` those that do not tell what they used. `p95_latency_s` is
    over requests, by nearest rank, None without any. `source` says where the answers came from,
    `recorded_at` and `newest_recorded_at` when the oldest and the newest of them were recorded.
    `gate_nodeid` names the test report of the gate. `slices` are those of all tags, by name, and
    `refusals` the shares of wrong answers where the metric is one of refusals.
    `judge` is None where the metric is no judge's; where it is report-only there is no verdict.
    What the judges of all metrics of the suite asked counts apart, in `judge_requests`,
    `judge_cost_usd` and `judge_unpriced`, which are those without a price or a usage.

    `cases`, `errors`, `unrecorded` and `skipped` count cases, however often each is asked; `hits`
    is the sum of the scores of all answers, and `score` their mean. `interval` holds at
    `interval_confidence`, which is `confidence` at the first `look`. `is_clustered` says that the
    answers are so far from independent that the standard error changes by more than 20 %; `stderr`
    is the one that allows for that.

    `asked` are the names by which models were asked, and `model` the one that this suite is for in
    a run of several, '' in any other. `margin` is by how much a new model may be worse.
    """

    feature: str
    test: str
    metric: str
    models: tuple[str, ...]
    cases: int
    cases_in_dataset: int
    hits: float
    errors: int
    unrecorded: int
    skipped: int
    score: float
    interval: tuple[float, float]
    stderr: float
    threshold: float
    confidence: float
    verdict: Verdict | None
    cost_usd: Decimal
    unpriced: int
    unpriced_models: tuple[str, ...]
    without_usage: int
    requests: int
    p95_latency_s: float | None
    source: str
    recorded_at: str
    newest_recorded_at: str
    dataset: str
    dataset_sha256: str
    gate_nodeid: str
    slices: tuple[Slice, ...]
    interval_confidence: float
    repeats: Repeats = field(default_factory=Repeats)
    is_clustered: bool = False
    look: Look = FIRST_LOOK
    asked: tuple[str, ...] = ()
    model: str = ""
    margin: float = 0.0
    refusals: tuple[Slice, ...] = ()
    judge: JudgeResult | None = None
    judge_requests: int = 0
    judge_cost_usd: Decimal = Decimal(0)
    judge_unpriced: int = 0
    unplayed: int = 0

    @property
    def is_report_only(self) -> bool:
        """Say whether the metric may not decide: its judge is not calibrated."""
        return self.judge is not None and bool(self.judge.report_only)

    @property
    def answers(self) -> int:
        """Return how many answers were scored: several for each case where it has repeats."""
        return self.repeats.answers or self.cases

    @property
    def shared_test(self) -> str:
        """Return the name of the test without the model, which the suites of all models share."""
        return without_model(self.test, self.model)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unanswered:
    """What got no answer in all tests of a run, evals or not, and what mends that.

    `misses` counts the requests that no recording answers, and the tests that leave recordings
    unplayed, by kind. `moves` holds what is to be
    moved after a rename, as two paths each. `outages` counts the tests that no provider answered,
    by the reason, and `record` is the mode in which they asked. `is_capped` says that a spend cap
    kept some tests from asking; how to go on after that is told apart. `refused` counts the
    requests that must not leave, which no recording mends.
    """

    misses: Mapping[str, int] = field(default_factory=dict)
    moves: tuple[tuple[str, str], ...] = ()
    outages: Mapping[str, int] = field(default_factory=dict)
    record: str = "none"
    is_capped: bool = False
    refused: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """All that one pytest invocation found out.

    `gates` maps feature -> gate as written to the gates file; it is empty where none was written,
    and `gates_note` then says why. `options` are the command-line options by which a case of this
    run is run again, `selection` those, and the names, by which this run chose its tests. `misses`
    counts the requests of all tests, evals or not, that no recording answers, by kind, and
    `unanswered` says more of them. `objection` says why nothing was judged though it ran, ''
    otherwise.

    A run that compares `models`, the old one first, has in `swaps` what became of each suite with
    each new one, and in `unswapped` why some suite was not compared. `moves` says what is not as it
    was in the accepted run, in one line for each suite, and `regressions` has those of them that
    fail the run. `stored_as` is the file into which this run is written, '' for none. `budgets` are
    those of tests, of features and of the run, and `months` says what features cost in a month.
    `part` is what the one must know who joins this run with others. `growths` says what became of
    the calls and the input tokens of each suite since the accepted run. `drills` says what features
    did under faults, `scorecards` how guardrails did, and `fallbacks` what answers without a model
    score. `mode_tests` are the tests of guardrails. `past` are the runs that were accepted before,
    the oldest first; only reports that show a trend have them. `audit` is what the evidence on the
    disk says of the shipping checklist when all else is written, None where nobody asked.
    """

    run_id: str
    started_at: str
    suites: tuple[SuiteResult, ...]
    cases: tuple[CaseResult, ...]
    gates: Mapping[str, Mapping[str, Any]]
    gates_note: str
    options: tuple[str, ...]
    selection: tuple[str, ...]
    misses: Mapping[str, int]
    objection: str
    unanswered: Unanswered = field(default_factory=Unanswered)
    models: tuple[str, ...] = ()
    swaps: tuple[Swap, ...] = ()
    unswapped: tuple[str, ...] = ()
    moves: tuple[str, ...] = ()
    regressions: tuple[str, ...] = ()
    stored_as: str = ""
    budgets: tuple[BudgetResult, ...] = ()
    months: tuple[MonthResult, ...] = ()
    part: Part = WHOLE
    growths: tuple[Growth, ...] = ()
    drills: tuple[DrillResult, ...] = ()
    fallbacks: tuple[FallbackScore, ...] = ()
    mode_tests: tuple[ModeTest, ...] = ()
    scorecards: tuple[ScorecardResult, ...] = ()
    past: tuple[PastRun, ...] = ()
    audit: Audit | None = None
