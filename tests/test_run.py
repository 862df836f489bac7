import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pytest_llmprod.core.errors import LlmprodError, PricesError
from pytest_llmprod.core.results import SuiteResult
from pytest_llmprod.core.verdict import Verdict
from pytest_llmprod.run import Run
from pytest_llmprod.settings import load

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def nothing(_: SuiteResult) -> Verdict | None:
    return None


def make_run(
    tmp_path: Path,
    *,
    overrule: Callable[[SuiteResult], Any] = nothing,
    is_strict: bool = False,
) -> Run:
    settings = load(
        rootpath=tmp_path,
        record="none",
        model=None,
        swaps=(),
        models=None,
        concurrency=None,
        is_strict=is_strict,
        json_path=None,
    )
    return Run(
        settings,
        run_id="run-1",
        started_at=NOW,
        overrule=overrule,
    )


def meta(cases: int, test: str = "t.py::test_a", **changes: Any) -> dict[str, Any]:
    values = {
        "feature": "triage",
        "test": test,
        "threshold": {"passed": 0.5},
        "confidence": 0.95,
        "max_errors": 0,
        "cases": cases,
        "dataset": "d.jsonl",
        "dataset_sha256": "ab",
        "from_outputs": False,
        "variant": "",
    }
    return {**values, **changes}


def row(case: str, outcome: str = "hit", test: str = "t.py::test_a", **more: Any) -> dict[str, Any]:
    return {
        "suite": test,
        "case": case,
        "nodeid": f"{test}[{case}]",
        "outcome": outcome,
        **more,
    }


def exchange(**changes: Any) -> dict[str, Any]:
    values = {
        "provider": "openai",
        "model": "m",
        "latency_s": 0.5,
        "replayed": True,
        "recorded_at": "2026-11-22T00:00:00Z",
        "usage": {"input_tokens": 1_000_000, "output_tokens": 0},
        "cost_usd": "1",
    }
    return {**values, **changes}


def unpriced(**changes: Any) -> dict[str, Any]:
    found = exchange(**changes)
    del found["cost_usd"]
    return found


def add(run: Run, outcomes: str, **changes: Any) -> None:
    """Add one case for each letter: h for a hit, m for a miss, e for an error, s for a skip."""
    names = {"h": "hit", "m": "miss", "e": "error", "s": "skip"}
    for number, letter in enumerate(outcomes):
        found = row(f"c{number}", names[letter])
        if number == 0:
            found["meta"] = meta(**{"cases": len(outcomes), **changes})
        run.add(found)


def test_a_run_without_cases_has_no_suites(tmp_path: Path) -> None:
    run = make_run(tmp_path)

    assert run.decide() == []
    assert run.cases() == []


def test_hits_misses_errors_and_skips_are_counted_apart(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    add(run, "hhhhhhmes", max_errors=1)

    (suite,) = run.decide()

    assert (suite.cases, suite.hits, suite.errors, suite.skipped) == (8, 6.0, 1, 1)
    assert suite.score == 0.75
    assert suite.interval == pytest.approx((0.4093, 0.9285), abs=1e-4)
    assert suite.verdict is not None
    assert suite.verdict.name == "INCONCLUSIVE"
    assert suite.verdict.is_open


def test_an_error_beyond_the_limit_closes_the_gate(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    add(run, "h" * 30 + "e")

    (suite,) = run.decide()

    assert suite.verdict is not None
    assert (suite.verdict.name, suite.verdict.is_open) == ("FAIL", False)


def test_a_strict_run_closes_what_is_inconclusive(tmp_path: Path) -> None:
    run = make_run(tmp_path, is_strict=True)
    add(run, "hhhhhhmm")

    (suite,) = run.decide()

    assert suite.verdict is not None
    assert (suite.verdict.name, suite.verdict.is_open) == ("INCONCLUSIVE", False)


def test_a_suite_of_which_a_part_ran_is_not_judged(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    add(run, "hhh", cases=4)

    (suite,) = run.decide()

    assert not run.is_complete
    assert suite.verdict is None
    assert (suite.cases, suite.cases_in_dataset) == (3, 4)


def test_a_suite_is_whole_when_its_last_case_has_come(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    add(run, "hhh", cases=4)
    run.add(row("c3"))

    assert run.is_complete
    assert run.decide()[0].verdict is not None


def test_a_case_that_ran_again_counts_once_with_its_last_outcome(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    add(run, "mh")
    run.add(row("c0", "hit"))

    (suite,) = run.decide()

    assert (suite.cases, suite.hits) == (2, 2.0)


@pytest.mark.parametrize(
    ("first", "second", "unplayed"),
    [
        ({"unrecorded": True}, {}, 0),
        ({"unrecorded": True, "unplayed": True}, {}, 1),
        ({"unrecorded": True, "unplayed": True}, {"unrecorded": True}, 0),
        ({"unrecorded": True}, {"unrecorded": True, "unplayed": True}, 0),
        ({"unrecorded": True, "unplayed": True}, {"unrecorded": True, "unplayed": True}, 1),
    ],
)
def test_what_one_try_of_a_case_lacked_is_not_mended_by_another(
    tmp_path: Path, first: dict[str, bool], second: dict[str, bool], unplayed: int
) -> None:
    run = make_run(tmp_path)
    add(run, "hh")
    run.add(row("c0", "error", **first))
    run.add(row("c0", "hit", **second))

    (suite,) = run.decide()

    assert (suite.verdict, suite.unrecorded, suite.unplayed) == (None, 1, unplayed)


def test_a_case_of_which_one_repeat_got_no_answer_is_none_that_asks_less(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    run.add(row("c0", "error", unrecorded=True, meta=meta(cases=3, repeats=2)))
    run.add(row("c0", "error", repeat=2, unrecorded=True, unplayed=True))
    run.add(row("c1", "error", unrecorded=True, unplayed=True))
    run.add(row("c1", repeat=2))
    run.add(row("c2", "error", unrecorded=True))
    run.add(row("c2", "error", repeat=2, unrecorded=True))

    (suite,) = run.decide()

    assert (suite.unrecorded, suite.unplayed, suite.repeats.unanswered) == (3, 1, 3)


def test_the_facts_of_a_suite_may_come_with_any_of_its_cases(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    run.add(row("c0"))
    run.add(row("c1", meta=meta(2)))

    assert run.is_complete
    assert run.decide()[0].feature == "triage"


def test_each_metric_has_a_result_of_its_own(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    run.add(row("a", scores={"f1": 0.1}, meta=meta(4, threshold={"f1": 0.9, "passed": 0.5})))
    run.add(row("b", "miss", scores={"f1": 0.2}))
    run.add(row("c", "error", scores={"f1": 1.0}))
    run.add(row("d", "miss"))

    f1, passed = run.decide()

    assert (f1.metric, f1.hits, f1.gate_nodeid) == ("f1", 0.3, "t.py::test_a::gate[f1]")
    assert (passed.metric, passed.hits) == ("passed", 1.0)


def test_the_gate_of_the_only_metric_is_named_without_it(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    add(run, "h")

    assert run.decide()[0].gate_nodeid == "t.py::test_a::gate"


def test_suites_stand_in_the_order_of_their_names(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    for test in ("t.py::test_b", "t.py::test_a", "s.py::test_c"):
        run.add(row("x", test=test, meta=meta(1, test)))

    assert [each.test for each in run.decide()] == ["s.py::test_c", "t.py::test_a", "t.py::test_b"]


def one_case(run: Run, *exchanges: dict[str, Any], **changes: Any) -> SuiteResult:
    run.add(row("a", exchanges=list(exchanges), meta=meta(1, **changes)))
    return run.decide()[0]


def test_cases_stand_in_the_order_of_the_numbers_in_their_ids(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    add(run, "h" * 12)

    assert [case.id for case in run.cases()] == [f"c{number}" for number in range(12)]


def test_priced_requests_are_summed(tmp_path: Path) -> None:
    run = make_run(tmp_path)

    suite = one_case(run, exchange(), exchange(cost_usd="0.0000001"))

    assert (suite.cost_usd, suite.unpriced, suite.requests) == (Decimal("1.0000001"), 0, 2)
    assert run.cases()[0].cost_usd == Decimal("1.0000001")


@pytest.mark.parametrize("changes", [{"model": "other"}, {"model": None, "asked": "other"}])
def test_an_unpriced_request_is_counted_and_its_case_costs_none(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    run = make_run(tmp_path)

    suite = one_case(run, exchange(), unpriced(**changes))

    assert (suite.cost_usd, suite.unpriced, suite.requests) == (Decimal(1), 1, 2)
    assert suite.unpriced_models == (changes.get("model") or changes.get("asked") or "m",)
    assert run.cases()[0].cost_usd is None


def test_an_answer_that_tells_no_usage_is_not_unpriced(tmp_path: Path) -> None:
    run = make_run(tmp_path)

    suite = one_case(run, exchange(), unpriced(usage=None))

    assert (suite.cost_usd, suite.unpriced, suite.without_usage) == (Decimal(1), 0, 1)
    assert suite.unpriced_models == ()
    assert run.cases()[0].cost_usd is None


def test_a_request_that_the_provider_refused_costs_nothing(tmp_path: Path) -> None:
    run = make_run(tmp_path)

    suite = one_case(run, exchange(), exchange(model="", usage=None, free=True, cost_usd="0"))

    assert (suite.unpriced, suite.without_usage) == (0, 0)
    assert run.cases()[0].cost_usd == Decimal(1)


def test_a_run_whose_prices_cannot_be_read_is_not_decided(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    run.add(row("a", exchanges=[unpriced()], meta=meta(1), prices_problem="x.toml: broken"))

    with pytest.raises(PricesError, match="broken"):
        run.decide()


def test_latency_is_the_95th_percentile_of_requests_and_the_sum_of_a_case(tmp_path: Path) -> None:
    run = make_run(tmp_path)

    suite = one_case(run, *(exchange(latency_s=float(each)) for each in range(1, 21)))

    assert suite.p95_latency_s == 19.0
    assert run.cases()[0].latency_s == 210.0


@pytest.mark.parametrize(
    ("replayed", "source"),
    [
        ([], "no requests"),
        ([True, True], "replayed"),
        ([False], "live"),
        ([True, False], "partly live"),
    ],
)
def test_the_source_of_answers_is_told(tmp_path: Path, replayed: list[bool], source: str) -> None:
    suite = one_case(make_run(tmp_path), *(exchange(replayed=each) for each in replayed))

    assert suite.source == source


def test_the_oldest_recording_dates_a_suite(tmp_path: Path) -> None:
    suite = one_case(
        make_run(tmp_path),
        exchange(recorded_at="2026-11-22T00:00:00Z"),
        exchange(recorded_at="2026-01-01T00:00:00Z", model="n"),
    )

    assert suite.recorded_at == "2026-01-01T00:00:00Z"
    assert suite.newest_recorded_at == "2026-11-22T00:00:00Z"
    assert suite.models == ("m", "n")


def test_a_recorded_output_counts_as_a_request(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    recorded = {
        "model": "m",
        "latency_s": 2.0,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }
    run.add(row("a", recorded=recorded, meta=meta(2, from_outputs=True)))
    run.add(row("b", recorded={}))

    (suite,) = run.decide()

    assert suite.source == "outputs file"
    assert (suite.requests, suite.unpriced, suite.p95_latency_s) == (1, 1, 2.0)


def test_what_went_in_and_came_out_of_a_case_is_summed(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    used = exchange(asked="m", usage={"input_tokens": 100, "output_tokens": 10})
    unsent = exchange(free=True, usage=None)

    suite = one_case(run, used, used, unsent, model="m", margin=0.02)

    assert run.cases()[0].tokens == 220
    assert (suite.asked, suite.model, suite.margin) == (("m",), "m", 0.02)


def test_tokens_are_unknown_where_a_request_does_not_tell(tmp_path: Path) -> None:
    run = make_run(tmp_path)

    one_case(run, exchange(), exchange(usage=None))

    assert run.cases()[0].tokens is None


def test_a_plugin_may_overrule_a_verdict(tmp_path: Path) -> None:
    closed = Verdict(name="FAIL", reason="on Fridays", is_open=False)
    run = make_run(tmp_path, overrule=lambda _: closed)
    add(run, "h" * 50)

    assert run.decide()[0].verdict == closed


def test_nobody_is_asked_about_a_suite_that_was_not_judged(tmp_path: Path) -> None:
    asked: list[SuiteResult] = []
    run = make_run(tmp_path, overrule=asked.append)
    add(run, "hh", cases=3)

    run.decide()

    assert asked == []


def test_a_plugin_that_returns_something_else_is_told(tmp_path: Path) -> None:
    run = make_run(tmp_path, overrule=lambda _: "PASS")
    add(run, "hh")

    with pytest.raises(LlmprodError, match="must return a Verdict or None, not 'PASS'"):
        run.decide()


def test_gates_are_written_below_the_rootdir_for_90_days(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    add(run, "h" * 50)

    gates = run.write_gates(run.decide(), NOW)

    document = json.loads((tmp_path / "llmprod-gates.json").read_text())
    assert document["gates"] == gates
    assert document["run"]["id"] == "run-1"
    assert gates["triage"]["enabled"] is True
    assert gates["triage"]["valid_until"] == "2027-02-20T12:00:00+00:00"


def test_a_result_holds_suites_cases_and_the_note(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    add(run, "hm")
    suites = run.decide()

    result = run.result(
        suites,
        gates={},
        gates_note="gates not written",
        selection=["-k", "x"],
        misses={"model": 2},
        objection="",
    )

    assert result.run_id == "run-1"
    assert result.started_at == "2026-11-22T12:00:00+00:00"
    assert result.suites == tuple(suites)
    assert [(case.id, case.outcome) for case in result.cases] == [("c0", "hit"), ("c1", "miss")]
    assert result.gates_note == "gates not written"
    assert result.misses == {"model": 2}
