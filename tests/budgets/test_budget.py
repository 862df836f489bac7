"""Budgets judged over calls: verdicts, reasons, and what is never hidden."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_llmprod.budgets.budget import Budget, Result, judge
from pytest_llmprod.budgets.expression import parse
from pytest_llmprod.budgets.figures import figure_text
from pytest_llmprod.budgets.measured import Measured
from pytest_llmprod.core.errors import BudgetError
from pytest_llmprod.core.exchange import Usage

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
USAGE = Usage(input_tokens=100, output_tokens=20, cache_read_tokens=40)
CALL = Measured(
    recording="r",
    model="mini",
    cost_usd=Decimal("0.001"),
    latency_s=0.5,
    ttft_s=0.1,
    usage=USAGE,
    is_replayed=True,
    recorded_at="2026-11-22T12:30:00Z",
)


def calls(number: int, **facts: object) -> list[Measured]:
    """Calls that were recorded each for itself."""
    return [
        replace(CALL, **{"recording": n, "case": f"t-{n}", **facts})  # type: ignore[arg-type]
        for n in range(number)
    ]


def judged(text: str, measured: list[Measured], **facts: int) -> Result:
    traffic = {"requests_per_month": facts.pop("requests_per_month", None)}
    return judge(Budget(expression=parse(text), **traffic), measured, now=NOW, **facts)


@pytest.mark.parametrize(
    ("text", "verdict", "observed", "reason"),
    [
        ("cost < 0.002", "PASS", "0.001", "all of 10 calls keep it, up to 0.0010 USD"),
        ("cost < 0.001", "FAIL", "0.001", "10 of 10 calls break it, up to 0.0010 USD"),
        ("cost <= 0.001", "PASS", "0.001", "all of 10 calls keep it, up to 0.0010 USD"),
        ("sum(cost) < 1", "PASS", "0.010", "it is 0.010 USD"),
        ("sum(cost) < 0.01", "FAIL", "0.010", "it is 0.010 USD"),
        ("mean(cost) < 0.002", "PASS", "0.001", "it is 0.0010 USD"),
        ("max(latency) < 1s", "PASS", "0.5", "it is 500ms"),
        ("mean(latency) < 400ms", "FAIL", "0.5", "it is 500ms"),
        ("sum(tokens.input) < 1k", "FAIL", "1000", "it is 1,000"),
        ("sum(tokens.output) <= 200", "PASS", "200", "it is 200"),
        ("tokens.cached < 41", "PASS", "40", "all of 10 calls keep it, up to 40"),
        ("count(requests) <= 10", "PASS", "10", "it is 10"),
        ("count(requests) < 10", "FAIL", "10", "it is 10"),
        ("sum(retries) < 1", "PASS", "0", "it is 0"),
    ],
)
def test_a_figure_of_all_calls_is_judged(
    text: str, verdict: str, observed: str, reason: str
) -> None:
    found = judged(text, calls(10))

    assert (found.verdict, found.reason) == (verdict, reason)
    assert found.observed == Decimal(observed)


def test_one_dear_call_fails_a_ceiling_and_is_counted() -> None:
    found = judged("cost < 0.002", [*calls(9), replace(CALL, cost_usd=Decimal("0.0042"))])

    assert found.verdict == "FAIL"
    assert found.reason == "1 of 10 calls break it, up to 0.0042 USD"


def test_a_percentile_of_few_samples_is_inconclusive_and_says_what_it_needs() -> None:
    found = judged("p95(latency) < 2.5s", calls(12))

    assert found.verdict == "INCONCLUSIVE"
    assert found.reason == (
        "it is 500ms in 12 samples, of which 0 break it; a PASS needs 59 with no more of these"
    )


@pytest.mark.parametrize(("number", "verdict"), [(58, "INCONCLUSIVE"), (59, "PASS")])
def test_a_p95_needs_59_samples(number: int, verdict: str) -> None:
    assert judged("p95(latency) < 2.5s", calls(number)).verdict == verdict


def test_a_recording_that_is_replayed_often_is_one_sample() -> None:
    found = judged("p95(latency) < 2.5s", [CALL] * 100)

    assert (found.verdict, found.samples, found.calls) == ("INCONCLUSIVE", 1, 100)
    assert "in 1 sample, of which 0 break it" in found.reason


def test_a_percentile_that_is_surely_broken_fails() -> None:
    found = judged("p95(latency) < 400ms", calls(5))

    assert (found.verdict, found.observed) == ("FAIL", Decimal("0.5"))


@pytest.mark.parametrize(
    "text",
    ["latency < 1min", "max(latency) < 1min", "mean(latency) < 1min", "sum(latency) < 99min"],
)
def test_a_timeout_is_slower_than_any_bound(text: str) -> None:
    found = judged(text, [*calls(5), replace(CALL, is_timeout=True, latency_s=0.1)])

    assert found.verdict == "FAIL"
    assert found.observed == Decimal("Infinity")
    assert found.reason.endswith("no answer")


def test_a_timeout_is_an_exceedance_of_a_percentile() -> None:
    measured = [*calls(58), replace(CALL, recording=99, is_timeout=True, latency_s=0.1)]

    found = judged("p95(latency) < 2.5s", measured)

    assert found.verdict == "INCONCLUSIVE"
    assert "in 59 samples, of which 1 break it; a PASS needs 93" in found.reason


def test_answers_that_are_not_streamed_have_no_time_to_the_first_token() -> None:
    mixed = [*calls(4), *(replace(each, ttft_s=None) for each in calls(3))]

    assert judged("ttft < 90ms", mixed).reason == "4 of 4 calls break it, up to 100ms"
    found = judged("ttft < 90ms", calls(3, ttft_s=None))
    assert (found.verdict, found.observed) == ("INCONCLUSIVE", None)
    assert found.reason == "no time to the first token was measured"


def test_a_mean_without_some_of_its_calls_is_shown_and_decides_nothing() -> None:
    found = judged(
        "mean(tokens.input) < 200", [*calls(4), *(replace(each, usage=None) for each in calls(3))]
    )

    assert (found.verdict, found.reason) == ("INCONCLUSIVE", "3 calls without tokens")
    assert found.observed == 100


def test_a_stream_that_began_and_stalled_did_begin() -> None:
    stalled = calls(1, is_timeout=True)

    assert judged("ttft < 200ms", stalled).verdict == "PASS"
    assert judged("ttft < 200ms", calls(1, is_timeout=True, ttft_s=None)).verdict == "FAIL"


@pytest.mark.parametrize("text", ["cost < 1", "sum(cost) < 100", "p95(cost) < 1", "mean(cost) < 1"])
def test_a_cost_budget_over_unpriced_calls_fails_and_names_the_models(text: str) -> None:
    unknown = replace(CALL, cost_usd=None, model="llama\x1b[2J", unpriced="no price")

    found = judged(text, [*calls(70), unknown, unknown, replace(unknown, model="other")])

    assert found.verdict == "FAIL"
    assert found.observed is None
    assert found.unpriced == {"llama\x1b[2J": 2, "other": 1}
    assert found.reason == (
        "3 of 73 calls have no known cost (no price): llama\\x1b[2J (2), other (1)"
        "; run llmprod prices lock"
    )


def test_many_unpriced_models_are_counted() -> None:
    measured = [replace(CALL, cost_usd=None, model=f"m-{n}") for n in range(5)]

    assert judged("cost < 1", measured).reason == (
        "5 of 5 calls have no known cost: m-0 (1), m-1 (1), m-2 (1) and 2 other models"
    )


def test_unpriced_calls_do_not_matter_to_other_budgets() -> None:
    found = judged("max(latency) < 1s", calls(3, cost_usd=None))

    assert (found.verdict, found.unpriced) == ("PASS", {})


def test_what_is_not_told_leaves_a_sum_open_and_mends_none() -> None:
    mixed = [*calls(3), replace(CALL, usage=None)]

    assert judged("sum(tokens.input) < 1k", mixed).verdict == "INCONCLUSIVE"
    assert judged("sum(tokens.input) < 1k", mixed).reason == "1 call without tokens"
    assert judged("sum(tokens.input) < 300", mixed).verdict == "FAIL"
    assert judged("mean(tokens.input) < 1", mixed).verdict == "INCONCLUSIVE"


def test_recordings_without_times_pass_no_latency_budget() -> None:
    found = judged("max(latency) < 1s", calls(3, latency_s=None))

    assert (found.verdict, found.reason) == ("INCONCLUSIVE", "3 calls without latency")


@pytest.mark.parametrize(
    "text", ["cost < 1", "sum(cost) < 1", "p95(latency) < 1s", "mean(retries) < 1"]
)
def test_no_calls_prove_nothing(text: str) -> None:
    found = judged(text, [])

    assert (found.verdict, found.reason, found.observed) == (
        "INCONCLUSIVE",
        "no call was made",
        None,
    )


def test_no_calls_can_be_counted() -> None:
    assert judged("count(requests) <= 3", []).verdict == "PASS"


def test_judges_are_told_apart() -> None:
    judges = calls(5, is_judge=True, cost_usd=Decimal(1))

    found = judged("sum(cost) < 1", [*calls(10), *judges, replace(judges[0], cost_usd=None)])

    assert (found.verdict, found.calls) == ("PASS", 10)
    assert (found.judge_calls, found.judge_usd) == (6, 5)


def test_retries_and_pauses_stand_apart_from_the_latency() -> None:
    found = judged("max(latency) < 1s", calls(2, retries=2, retried_s=3.0, backoff_s=8.0))

    assert (found.verdict, found.observed) == ("PASS", Decimal("0.5"))
    told = found.provenance
    assert (told.retries, told.retried_s, told.backoff_s) == (4, 6.0, 16.0)
    assert judged("retries < 2", calls(2, retries=2)).verdict == "FAIL"


def test_it_is_told_whether_calls_were_live_and_when_they_were_recorded() -> None:
    older = replace(CALL, recorded_at="2026-10-01T00:00:00Z")
    live = replace(CALL, is_replayed=False, recorded_at="2026-11-26T11:00:00Z")

    found = judged("max(latency) < 1s", [CALL, older, live], max_age_days=30).provenance

    assert (found.live, found.replayed, found.stale) == (1, 2, 1)
    assert (found.first, found.last) == ("2026-10-01", "2026-11-22")


@pytest.mark.parametrize("recorded_at", ["", "yesterday", "2026-10-01", "2026-10-01T00:00:00"])
def test_a_recording_without_a_known_age_is_stale(recorded_at: str) -> None:
    found = judged("cost < 1", [replace(CALL, recorded_at=recorded_at)], max_age_days=30)

    assert found.provenance.stale == 1
    assert found.verdict == "PASS"


def test_nothing_is_stale_where_no_age_is_set() -> None:
    assert judged("cost < 1", [replace(CALL, recorded_at="")]).provenance.stale == 0


@pytest.mark.parametrize(
    ("bound", "verdict"), [("90", "FAIL"), ("101", "INCONCLUSIVE"), ("130", "PASS")]
)
def test_a_monthly_budget_judges_the_upper_end_of_its_interval(bound: str, verdict: str) -> None:
    measured = [
        replace(call, cost_usd=Decimal("0.001") * (4 + n % 3) / 5)
        for n, call in enumerate(calls(60))
    ]

    found = judged(f"monthly(cost) < {bound}", measured, requests_per_month=100_000)

    assert found.observed == 100
    assert found.verdict == verdict
    assert found.projection is not None
    assert found.projection.dearer_usd == 120
    assert found.reason.startswith("it is 100.00 USD, between 9")


def test_the_calls_of_one_request_to_the_feature_cost_together() -> None:
    twice = [replace(each, request=0) for each in calls(12) for _ in range(2)]

    found = judged("monthly(cost) < 300", twice, requests_per_month=1000)

    assert found.projection is not None
    assert (found.projection.requests, found.projection.monthly_usd) == (12, 2)
    assert found.verdict == "PASS"
    unnumbered = judged(
        "monthly(cost) < 300",
        [replace(each, request=None) for each in twice],
        requests_per_month=1000,
    )
    assert unnumbered.projection == found.projection


def test_a_month_of_calls_that_cost_nothing_costs_nothing() -> None:
    found = judged("monthly(cost) < 1", calls(12, cost_usd=Decimal(0)), requests_per_month=1000)

    assert (found.verdict, found.observed) == ("PASS", 0)


def test_a_month_without_the_cache_is_unknown_where_one_call_does_not_tell() -> None:
    known = calls(12, without_cache_usd=Decimal("0.004"))
    untold = [*known[:-1], replace(known[-1], without_cache_usd=None)]

    told = judged("monthly(cost) < 300", known, requests_per_month=1000).projection
    left_open = judged("monthly(cost) < 300", untold, requests_per_month=1000).projection

    assert told is not None
    assert told.without_cache_usd == 4
    assert left_open is not None
    assert left_open.without_cache_usd is None


def test_few_cases_leave_a_month_open() -> None:
    found = judged("monthly(cost) < 300", calls(9), requests_per_month=1000)

    assert found.verdict == "INCONCLUSIVE"
    assert found.reason == "it is 1.00 USD from 9 cases; an interval needs 10 different ones"


def test_a_monthly_budget_needs_the_traffic() -> None:
    with pytest.raises(BudgetError, match=r"Set requests_per_month of the feature\.$"):
        Budget(expression=parse("monthly(cost) < 300"))


RANKS = {"PASS": 0, "INCONCLUSIVE": 1, "FAIL": 2}


@given(
    st.sampled_from(
        ["latency < 1s", "max(latency) < 1s", "sum(latency) < 9s", "p95(latency) < 1s"]
    ),
    st.lists(st.floats(0.1, 3), min_size=1, max_size=80),
    st.integers(0, 79),
)
def test_a_slower_call_never_makes_a_verdict_better(
    text: str, times: list[float], number: int
) -> None:
    before = [replace(CALL, recording=n, latency_s=time) for n, time in enumerate(times)]
    after = list(before)
    after[number % len(times)] = replace(after[number % len(times)], is_timeout=True)

    assert RANKS[judged(text, after).verdict] >= RANKS[judged(text, before).verdict]


@pytest.mark.parametrize(
    ("quantity", "figure", "text"),
    [
        ("latency", "0.0614", "61ms"),
        ("latency", "2.4567", "2.46s"),
        ("ttft", "Infinity", "no answer"),
        ("cost", "0.00012125", "0.00012 USD"),
        ("retries", "0.0251", "0.0251"),
        ("retries", "1.005", "1.00"),
        ("tokens.input", "12345", "12,345"),
    ],
)
def test_a_figure_is_told_with_its_unit(quantity: str, figure: str, text: str) -> None:
    assert figure_text(quantity, Decimal(figure)) == text  # type: ignore[arg-type]
