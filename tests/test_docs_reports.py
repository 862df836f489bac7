"""The page on reports names every key of the JSON, and no other."""

import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "report"))

from report_samples import (  # noqa: E402
    budget_result,
    case_result,
    growth_result,
    month_result,
    run_result,
    scorecard_result,
    suite_result,
)

from pytest_llmprod.composition.shard_parts import settings_of  # noqa: E402
from pytest_llmprod.core.drilling import DrillResult  # noqa: E402
from pytest_llmprod.core.fallback_score import FallbackScore  # noqa: E402
from pytest_llmprod.core.mode_test import ModeTest  # noqa: E402
from pytest_llmprod.core.results import CaseRate, JudgeResult, Repeats, Slice  # noqa: E402
from pytest_llmprod.report.data import to_document  # noqa: E402
from pytest_llmprod.settings import Settings, load  # noqa: E402

PAGE = (ROOT / "docs" / "reports.md").read_text(encoding="utf-8")


def entries(heading: str) -> dict[str, str]:
    """Return the keys of the table below a heading, with what the page says of each."""
    section = re.split(r"\n#+ ", PAGE.split(f"{heading}\n", 1)[1], maxsplit=1)[0]
    return dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", section, re.MULTILINE))


def load_settings() -> Settings:
    values: dict[str, Any] = {"model": None, "models": None, "concurrency": None, "swaps": ()}
    return load(rootpath=ROOT, record="none", is_strict=False, json_path=None, **values)


def test_no_key_lacks_its_entry_and_no_entry_its_key() -> None:
    judge = JudgeResult(
        report_only="", command=(), corrected=None, corrected_interval=None, calibration={}
    )
    suite = suite_result(
        judge=judge,
        slices=(Slice(tag="en", cases=1, hits=1.0, score=1.0, interval=(0.2, 1.0)),),
        repeats=Repeats(count=2, flaky=(CaseRate(id="t-001", hits=1, answers=2),)),
    )
    budgets, months = (budget_result(),), (month_result(),)
    drill = DrillResult(feature="f", test="t", fault="quota", group="limit", outcome="fell back")
    fallback = FallbackScore(
        feature="f", test="t", metric="passed", cases=1, score=1.0, interval=(0.2, 1.0)
    )
    mode_test = ModeTest(feature="f", mode="wrong", test="t", passed=True)
    run = run_result(
        suite,
        cases=(case_result(),),
        budgets=budgets,
        months=months,
        growths=(growth_result(),),
        drills=(drill,),
        fallbacks=(fallback,),
        mode_tests=(mode_test,),
        scorecards=(scorecard_result(),),
    )
    document = to_document(run)
    (shown,), (case,) = document["suites"], document["cases"]

    assert entries("## The JSON").keys() == document.keys()
    assert entries("### `run`").keys() == document["run"].keys()
    assert entries("### `suites`").keys() == shown.keys()
    assert entries("### `cases`").keys() == case.keys()
    for name in (
        "budgets",
        "months",
        "growth",
        "drills",
        "fallbacks",
        "failure_modes",
        "guardrail_tests",
        "guardrails",
    ):
        assert entries(f"### `{name}`").keys() == document[name][0].keys()
    for name in ("flaky", "slices"):
        assert set(re.findall(r"`(\w+)`", entries("### `suites`")[name])) == shown[name][0].keys()
    for name in ("input_tokens", "calls"):
        found = set(re.findall(r"`(\w+)`", entries("### `growth`")[name]))
        assert found == document["growth"][0][name].keys()
    settings = settings_of(load_settings(), None)
    assert set(re.findall(r"`(\w+)`", entries("### `run`")["settings"])) == settings.keys()
    named = set(re.findall(r"`(\w+)`", entries("### `suites`")["judge"]))
    assert named == shown["judge"].keys()


def test_the_keys_within_a_scorecard_are_named() -> None:
    card = scorecard_result().to_json()
    (rate, *_), (gate,), (pair,) = card["rates"], card["gates"], card["pairs"]

    assert entries("### A rate in `guardrails`").keys() == rate.keys()
    of_gates = re.findall(r"`(\w+)`", entries("### `guardrails`")["gates"])
    assert rate.keys() | set(of_gates) == gate.keys()
    assert set(re.findall(r"`(\w+)`", entries("### `guardrails`")["pairs"])) == pair.keys()
