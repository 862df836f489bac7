import json
from decimal import Decimal
from typing import Any

import pytest
from report_samples import UNSURE, case_result, run_result, suite_result

from pytest_llmprod.core.results import Slice
from pytest_llmprod.report.data import to_json


def document(*suites: Any, **keywords: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(to_json(run_result(*suites, **keywords)))
    return found


def test_a_run_is_schema_1_with_its_suites_cases_and_gates() -> None:
    found = document(suite_result(), cases=(case_result(),))

    assert found["schema"] == 1
    assert found["run"] == {
        "id": "run-1",
        "started_at": "2026-11-22T16:10:25+00:00",
        "models": [],
        "options": [],
        "selection": [],
        "settings": {},
        "left_out": [],
        "incomplete": "",
    }
    assert (found["tests"], found["growth"]) == ({}, [])
    assert found["swaps"] == []
    assert (len(found["suites"]), len(found["cases"]), found["gates"]) == (1, 1, {})


def test_a_suite_has_the_keys_of_the_contract() -> None:
    (suite,) = document(suite_result(models=("m", "n"), stderr=0.5))["suites"]

    assert suite == {
        "feature": "triage",
        "test": "test_triage.py::test_labels",
        "metric": "passed",
        "model": "m + n",
        "asked_model": "",
        "cases": 220,
        "cases_in_dataset": 220,
        "repeats": 1,
        "answers": 220,
        "hits": 206.0,
        "errors": 0,
        "skipped": 0,
        "score": pytest.approx(0.936363, abs=1e-5),
        "interval": [0.896032, 0.961718],
        "interval_confidence": 0.95,
        "stderr": 0.5,
        "clustered": False,
        "pass_hat": {},
        "flaky": [],
        "failing": [],
        "look": 1,
        "asked_again": False,
        "threshold": 0.9,
        "confidence": 0.95,
        "margin": 0.0,
        "verdict": "INCONCLUSIVE",
        "reason": UNSURE.reason,
        "cost_usd": "0.0277",
        "unpriced": 0,
        "without_usage": 0,
        "requests": 219,
        "p95_latency_s": 0.034,
        "source": "replayed",
        "recorded_at": "2026-11-22T16:07:52Z",
        "dataset": "evals/tickets.jsonl",
        "dataset_sha256": "ab" * 32,
        "slices": [],
        "refusals": [],
    }


def test_a_suite_that_ran_in_part_has_no_verdict_and_says_why() -> None:
    (suite,) = document(suite_result(verdict=None))["suites"]

    assert suite["verdict"] is None
    assert suite["reason"] == "only a part of the suite ran"


def test_a_suite_with_cases_in_no_recording_says_so() -> None:
    (suite,) = document(suite_result(verdict=None, unrecorded=15))["suites"]

    assert suite["verdict"] is None
    assert suite["reason"] == "15 cases got no answer"


def test_tags_of_cases_and_their_slices_are_kept() -> None:
    part = Slice(tag="de", cases=4, hits=1.0, score=0.25, interval=(0.05, 0.7))
    found = document(suite_result(slices=(part,)), cases=(case_result(tags=("de", "long")),))

    assert found["suites"][0]["slices"] == [
        {"tag": "de", "cases": 4, "hits": 1.0, "score": 0.25, "interval": [0.05, 0.7]}
    ]
    assert found["cases"][0]["tags"] == ["de", "long"]


def test_a_case_keeps_all_its_scores() -> None:
    scores = {"passed": 1.0, "exact": 0.0, "f1": 0.25}

    assert document(cases=(case_result(scores=scores),))["cases"][0]["scores"] == scores


def test_a_case_has_the_keys_of_the_contract() -> None:
    (case,) = document(cases=(case_result(outcome="miss", why="was spam"),))["cases"]

    assert case == {
        "suite": "test_triage.py::test_labels",
        "id": "t-001",
        "repeat": 1,
        "model": "gpt-5-mini",
        "outcome": "miss",
        "why": "was spam",
        "tags": [],
        "cluster": None,
        "scores": {"passed": 1.0},
        "whys": {},
        "output": "refund",
        "expected": None,
        "cost_usd": "0.0001",
        "latency_s": 0.03,
        "tokens": None,
        "calls": 0,
        "input_tokens": None,
        "carried": {},
    }


@pytest.mark.parametrize(
    ("cost", "text"),
    [("0", "0"), ("1E-7", "0.0000001"), ("30.00", "30"), ("0.10", "0.1"), ("1E+2", "100")],
)
def test_money_is_plain_text_without_loss(cost: str, text: str) -> None:
    (suite,) = document(suite_result(cost_usd=Decimal(cost)))["suites"]

    assert suite["cost_usd"] == text


def test_an_unpriced_case_costs_null_and_not_nothing() -> None:
    (case,) = document(cases=(case_result(cost_usd=None),))["cases"]

    assert case["cost_usd"] is None


def test_hostile_output_is_plain_ascii_json() -> None:
    hostile = "\x1b[2J\u202e\ud800\u2028\x00</script>"

    text = to_json(run_result(suite_result(), cases=(case_result(output=hostile),)))

    assert text.isascii()
    assert json.loads(text)["cases"][0]["output"] == hostile


def test_same_run_gives_the_same_bytes_with_sorted_keys() -> None:
    first = to_json(run_result(suite_result(), cases=(case_result(scores={"a": 1, "b": 0}),)))
    second = to_json(run_result(suite_result(), cases=(case_result(scores={"b": 0, "a": 1}),)))

    assert first == second
    assert list(json.loads(first)) == sorted(json.loads(first))
