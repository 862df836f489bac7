import json
from pathlib import Path
from typing import Any

import pytest
from runs import case, document, suite

from pytest_llmprod.core.errors import PolicyError
from pytest_llmprod.evals import policy, stored_run
from pytest_llmprod.evals.policy import Rule
from pytest_llmprod.evals.stored_run import StoredSuite


@pytest.fixture
def stored(tmp_path: Path) -> list[StoredSuite]:
    """Two suites of one test: 95 of 100 cases passed, and the other metric was 0.5 each."""
    scores = [{"passed": float(number >= 5), "f1": 0.5} for number in range(100)]
    cases = [case(str(number), None) | {"scores": each} for number, each in enumerate(scores)]
    cases = [each | {"outcome": "hit" if each["scores"]["passed"] else "miss"} for each in cases]
    suites = [suite(threshold=0.8), suite(metric="f1", threshold=0.2)]
    path = tmp_path / "run.json"
    path.write_text(json.dumps(document(cases, suites)), encoding="utf-8")
    return list(stored_run.load(path))


def loaded(tmp_path: Path, text: str, stored: list[StoredSuite]) -> Any:
    path = tmp_path / "policy.toml"
    path.write_text(text, encoding="utf-8")
    return policy.load(path, stored)


def verdicts(stored: list[StoredSuite], rules: Any, *, strict: bool = False) -> list[Any]:
    decisions = policy.decide(stored, rules, strict=strict)
    return [(each.threshold, each.verdict and each.verdict.name) for each in decisions]


def test_without_a_policy_a_run_is_judged_as_it_was(stored: list[StoredSuite]) -> None:
    assert verdicts(stored, {}) == [(0.8, "PASS"), (0.2, "PASS")]


def test_one_threshold_is_that_of_every_metric(tmp_path: Path, stored: list[StoredSuite]) -> None:
    rules = loaded(tmp_path, "[triage]\nthreshold = 0.99", stored)

    assert verdicts(stored, rules) == [(0.99, "FAIL"), (0.99, "FAIL")]


def test_a_metric_may_have_its_own(tmp_path: Path, stored: list[StoredSuite]) -> None:
    rules = loaded(tmp_path, "[triage]\nthreshold = { f1 = 0.7 }", stored)

    assert verdicts(stored, rules) == [(0.8, "PASS"), (0.7, "FAIL")]


def test_more_confidence_needs_more_cases(tmp_path: Path, stored: list[StoredSuite]) -> None:
    rules = loaded(tmp_path, "[triage]\nthreshold = {passed = 0.88}\nconfidence = 0.999", stored)

    assert verdicts(stored, {"triage": Rule(thresholds={"passed": 0.88})})[0][1] == "PASS"
    assert verdicts(stored, rules)[0][1] == "INCONCLUSIVE"


def test_errors_fail_a_suite_unless_they_are_allowed() -> None:
    cases = {
        str(number): stored_run.StoredCase(
            id=str(number),
            outcome="hit" if number else "error",
            scores={"passed": 1.0} if number else {},
            output=None,
            cost_usd=None,
            latency_s=None,
            tags=(),
        )
        for number in range(100)
    }
    suite = StoredSuite(
        feature="triage",
        test="t",
        metric="passed",
        model="gpt",
        threshold=0.5,
        confidence=0.95,
        not_judged="",
        cases=cases,
    )

    assert verdicts([suite], {}) == [(0.5, "FAIL")]
    assert verdicts([suite], {"triage": Rule(max_errors=1)}) == [(0.5, "PASS")]


def test_strict_closes_the_gate_of_a_suite_that_is_undecided(stored: list[StoredSuite]) -> None:
    rules = {"triage": Rule(thresholds={"passed": 0.94})}

    (lax, _), (strict, _) = (
        policy.decide(stored, rules, strict=strict) for strict in (False, True)
    )

    assert lax.verdict is not None
    assert strict.verdict is not None
    assert lax.verdict.name == strict.verdict.name == "INCONCLUSIVE"
    assert (lax.verdict.is_open, strict.verdict.is_open) == (True, False)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[triag]", "there is no feature 'triag' to judge. Did you mean 'triage'?"),
        ("[triage]\ntreshold = 1", "no key 'treshold' to judge. Did you mean 'threshold'?"),
        ("[triage]\nthreshold = {f2 = 1}", "there is no metric 'f2' to judge."),
        ("[triage]\nthreshold = 90", "threshold must be a share in 0..1 such as 0.9, not 90"),
        ("[triage]\nthreshold = true", "not True"),
        ("[triage]\nconfidence = 95", "confidence must be a share from 0.5 to below 1"),
        ("[triage]\nmax_errors = -1", "max_errors must be a whole number from 0, not -1"),
        ("triage = 0.9", "must be a table"),
        ("[triage", "cannot be read"),
    ],
)
def test_a_policy_that_does_not_fit_is_refused(
    tmp_path: Path, stored: list[StoredSuite], text: str, what: str
) -> None:
    with pytest.raises(PolicyError) as caught:
        loaded(tmp_path, text, stored)

    assert what in str(caught.value)
    assert "policy.toml" in str(caught.value)


def judged_again(tmp_path: Path, cases: list[Any], **facts: Any) -> Any:
    path = tmp_path / "again.json"
    path.write_text(json.dumps(document(cases, [suite(**facts)])), encoding="utf-8")
    (decision,) = policy.decide(stored_run.load(path), {}, strict=False)
    return decision.verdict


def test_repeats_are_judged_as_clusters_as_in_the_run(tmp_path: Path) -> None:
    # 96 of 100 cases always hit. 480 of 500 independent answers would pass.
    cases = [
        case(str(number), float(number >= 4), repeat=repeat)
        for number in range(100)
        for repeat in range(1, 6)
    ]

    found = judged_again(tmp_path, cases, threshold=0.92)

    assert found.name == "INCONCLUSIVE"
    assert found.reason.startswith("480/500 = 96.0% (95% interval 90")


def test_a_case_with_an_error_in_two_repeats_is_one_error(tmp_path: Path) -> None:
    cases = [case("a", None, repeat=1), case("a", None, repeat=2), case("b", 1.0)]

    assert judged_again(tmp_path, cases).advice == "1 case ended in an error, at most 0 may"


def test_another_threshold_takes_no_look_away(tmp_path: Path) -> None:
    cases = [case(str(number), float(number >= 6)) for number in range(100)]
    path = tmp_path / "again.json"
    facts = suite(threshold=0.9, look=3, asked_again=True)
    path.write_text(json.dumps(document(cases, [facts])), encoding="utf-8")
    stored = stored_run.load(path)

    (same,) = policy.decide(stored, {}, strict=False)
    (other,) = policy.decide(stored, {"triage": Rule(thresholds={"": 0.91})}, strict=False)

    assert same.verdict is not None
    assert other.verdict is not None
    assert (same.verdict.name, same.verdict.is_open) == ("INCONCLUSIVE", False)
    assert ", look 3)" in same.verdict.reason
    assert ", look 3)" in other.verdict.reason
    assert (other.verdict.name, other.verdict.is_open) == ("INCONCLUSIVE", False)
