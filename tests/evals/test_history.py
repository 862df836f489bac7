"""What the history says of accepted runs, also where a line is broken."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from runs import case, document, suite

from pytest_llmprod.evals import baseline
from pytest_llmprod.evals.history import accepted_runs

SUITE = {"test": "t.py::test_a", "metric": "passed", "score": 0.5}


def history(folder: Path, *lines: Any) -> Path:
    texts = [each if isinstance(each, str) else json.dumps(each) for each in lines]
    (folder / "llmprod-history.jsonl").write_text("\n".join(texts))
    return folder


def accept(folder: Path, *suites: Any, when: str = "2026-11-26T10:00:00+00:00") -> None:
    (folder / "t.py").write_text("def test_a(): ...\n")
    run = {**document([case("a", 1.0)], suites), "run": {"id": "run-1", "started_at": "2026"}}
    baseline.write(baseline.make(run, folder, who="Ann", why="good", when=when), folder)


def test_what_was_accepted_is_read_as_it_was(tmp_path: Path) -> None:
    figures = {"score": 0.936363, "interval": [0.896032, 0.961718], "threshold": 0.9}
    told = {"cases": 220, "dataset_sha256": "ab" * 32, "cost_usd": "0.0547", "unpriced": 2}
    two = [suite(**figures, **told), suite(metric="exact", **figures, **told)]

    accept(tmp_path, *two)

    (run,) = accepted_runs(tmp_path)
    assert (run.run_id, run.who, run.why) == ("run-1", "Ann", "good")
    assert (run.cost_usd, run.unpriced) == (Decimal("0.0547"), 2)  # the requests are the same
    assert [each.metric for each in run.suites] == ["exact", "passed"]
    found = run.suites[1]
    assert (found.score, found.interval, found.threshold) == (0.9364, (0.896, 0.9617), 0.9)
    assert (found.cases, found.verdict, found.dataset) == (220, "PASS", "abababababab")


def test_a_line_without_room_says_less_of_each_suite_before_it_leaves_some_out(
    tmp_path: Path,
) -> None:
    figures = {"score": 0.936363, "interval": [0.896032, 0.961718], "cases": 220}
    accept(
        tmp_path, *[suite(metric=f"m-{n}", dataset_sha256="ab" * 32, **figures) for n in range(7)]
    )

    (run,) = accepted_runs(tmp_path)

    assert len(run.suites) == 7
    assert run.left_out == 0
    assert run.suites[6].interval == (0.896, 0.9617)
    assert run.suites[6].cases is None


def test_runs_come_in_the_order_of_their_times(tmp_path: Path) -> None:
    rows = [{"kind": "accepted", "run": each, "when": each} for each in ("2026-03", "2026-01")]

    found = accepted_runs(history(tmp_path, *rows))

    assert [run.run_id for run in found] == ["2026-01", "2026-03"]


def test_lines_of_earlier_versions_have_no_interval(tmp_path: Path) -> None:
    (run,) = accepted_runs(history(tmp_path, {"kind": "accepted", "suites": [SUITE]}))

    assert run.cost_usd is None
    assert (run.suites[0].score, run.suites[0].interval) == (0.5, None)


@pytest.mark.parametrize(
    "line",
    [
        "<<<<<<< HEAD",
        "[" * 100_000,
        "[]",
        {"kind": "drill", "feature": "triage"},
        {"kind": "accepted", "suites": 3, "cost_usd": "much", "who": 3},
        {"kind": "accepted", "suites": [3, {"score": "high"}, {"score": 3}], "cost_usd": -1},
        {"kind": "accepted", "suites": [], "cost_usd": "NaN", "left_out": True},
    ],
)
def test_what_cannot_be_read_is_passed_over(tmp_path: Path, line: Any) -> None:
    found = accepted_runs(history(tmp_path, line, {"kind": "accepted", "suites": [SUITE]}))

    assert len(found) == 2 if "accepted" in str(line) else len(found) == 1
    assert [run.suites for run in found if run.suites] == [found[-1].suites]
    assert {run.cost_usd for run in found} == {None}


def test_a_bound_that_is_no_share_makes_no_interval(tmp_path: Path) -> None:
    bad = [[0.1, 2], [0.1], ["a", "b"], "0.1"]
    rows = [{**SUITE, "interval": each, "threshold": "high"} for each in bad]

    (run,) = accepted_runs(history(tmp_path, {"kind": "accepted", "suites": rows}))

    assert {(each.interval, each.threshold) for each in run.suites} == {(None, None)}


def test_no_history_is_no_run(tmp_path: Path) -> None:
    assert accepted_runs(tmp_path) == ()
