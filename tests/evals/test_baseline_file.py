"""What is in the baseline and in the history, made from stored runs."""

import json
from pathlib import Path
from typing import Any

import pytest
from runs import case, document, suite

from pytest_llmprod.core.errors import BaselineError
from pytest_llmprod.evals import baseline, stored_run


def run_of(cases: list[Any], suites: list[Any] | None = None, **facts: Any) -> dict[str, Any]:
    return {**document(cases, suites), "run": {"id": "run-1", "started_at": "2026"}, **facts}


def made(folder: Path, run: dict[str, Any], **facts: str) -> baseline.Accepted:
    (folder / "t.py").write_text("def test_a(): ...\n")
    return baseline.make(
        run, folder, **{"who": "Ann", "why": "good", "when": "2026-11-26T10:00:00", **facts}
    )


def test_a_baseline_is_a_stored_run_that_says_the_same_of_each_case(tmp_path: Path) -> None:
    run = run_of([case("a", 1.0, tags=["long"], output="secret", cost_usd="0.1"), case("b", None)])

    baseline.write(made(tmp_path, run), tmp_path)

    found, day = baseline.load(tmp_path / "llmprod-baseline.json")
    before = stored_run.read(run)
    assert day == "2026-11-26"
    assert [each.score("a") for each in found.suites] == [1.0]
    assert found.suites[0].cases["a"].tags == before.suites[0].cases["a"].tags
    assert found.suites[0].cases["b"].outcome == "error"
    assert "secret" not in (tmp_path / "llmprod-baseline.json").read_text()


def test_each_case_stands_on_a_line_of_its_own_in_the_order_of_its_number(tmp_path: Path) -> None:
    accepted = made(tmp_path, run_of([case("a-10", 1.0), case("a-9", 1.0)]))

    text = baseline.to_text(accepted.document)

    assert json.loads(text) == accepted.document
    lines = [line for line in text.splitlines() if '"id"' in line and '"outcome"' in line]
    assert ['"id": "a-9"' in lines[0], '"id": "a-10"' in lines[1]] == [True, True]


def test_skipped_cases_are_not_kept(tmp_path: Path) -> None:
    run = run_of([case("a", 1.0), case("b", 0.0, outcome="skip")])

    assert [row["id"] for row in made(tmp_path, run).document["cases"]] == ["a"]


@pytest.mark.parametrize(
    ("run", "what"),
    [
        (document([case("a", 1.0)]), "does not say of which run it is"),
        (run_of([], suites=[suite(verdict=None, reason="3 cases got no answer")]), "3 cases got"),
        (run_of([case("a", 1.0)], [suite(cases_in_dataset=3)]), "2 of 3 cases are missing"),
        (run_of([case("a", 1.0)], [suite(cases_in_dataset=2)]), "1 of 2 cases are missing"),
        (run_of([], [suite(verdict=None, reason="\x1b[2J")]), r"not judged: \\x1b\[2J"),
        (run_of([case("a", 1.0)], [suite("gone.py::test_a")]), "there is no such file below"),
        ({**run_of([]), "suites": []}, "this run has no suite"),
    ],
)
def test_what_is_no_whole_run_is_refused_with_the_cure(
    tmp_path: Path, run: dict[str, Any], what: str
) -> None:
    with pytest.raises(BaselineError, match=what) as caught:
        made(tmp_path, run)

    assert "`" in str(caught.value)


def test_a_test_that_is_gone_is_dropped_and_one_that_did_not_run_is_kept(tmp_path: Path) -> None:
    tests = ("t.py::test_a", "u.py::test_b[x]", "u.py::test_c")
    for name in ("t.py", "u.py"):
        (tmp_path / name).write_text("def test_a(): ...\ndef test_b(): ...\ndef test_c(): ...\n")
    cases = [case("a", 1.0, suite=each) for each in tests]
    baseline.write(made(tmp_path, run_of(cases, [suite(each) for each in tests])), tmp_path)
    (tmp_path / "u.py").write_text("def test_b(): ...\n")

    accepted = made(tmp_path, run_of([case("a", 0.0)]))

    assert (accepted.kept, accepted.dropped) == (("u.py::test_b[x]",), ("u.py::test_c",))
    assert [(row["suite"], row["outcome"]) for row in accepted.document["cases"]] == [
        ("t.py::test_a", "miss"),
        ("u.py::test_b[x]", "hit"),
    ]


@pytest.mark.parametrize(
    ("selection", "kept", "dropped"),
    [(["-k", "de"], ("t.py::test_a[en]",), ()), ([], (), ("t.py::test_a[en]",))],
)
def test_parameters_that_did_not_run_are_kept_if_the_run_may_have_left_them_out(
    tmp_path: Path, selection: list[str], kept: tuple[str, ...], dropped: tuple[str, ...]
) -> None:
    tests = ("t.py::test_a[de]", "t.py::test_a[en]")
    cases = [case("a", 1.0, suite=each) for each in tests]
    baseline.write(made(tmp_path, run_of(cases, [suite(each) for each in tests])), tmp_path)
    run = run_of(cases[:1], [suite(tests[0])])
    run["run"]["selection"] = selection

    accepted = made(tmp_path, run)

    assert (accepted.kept, accepted.dropped) == (kept, dropped)
    assert {row["suite"] for row in accepted.document["cases"]} == {tests[0], *kept}


def test_a_metric_that_may_not_decide_is_left_out_and_named(tmp_path: Path) -> None:
    judged = suite(metric="polite", judge={"report_only": "was never calibrated"})

    accepted = made(tmp_path, run_of([case("a", 1.0)], [suite(), judged]))

    assert accepted.left_out == (("t.py::test_a", "polite"),)
    assert [each["metric"] for each in accepted.document["suites"]] == ["passed"]


def test_each_acceptance_adds_one_line_to_the_history(tmp_path: Path) -> None:
    for why in ("one", "two"):
        baseline.write(made(tmp_path, run_of([case("a", 1.0)]), why=why), tmp_path)

    lines = (tmp_path / "llmprod-history.jsonl").read_text().splitlines()
    assert [json.loads(line)["why"] for line in lines] == ["one", "two"]


@pytest.mark.parametrize("why", ["why " * 1000, "\u5206" * 1000, '"\\' * 1000])
def test_a_line_of_the_history_is_never_longer_than_1_kb(tmp_path: Path, why: str) -> None:
    suites = [suite(metric=f"metric-{number}") for number in range(50)]
    accepted = made(tmp_path, run_of([case("a", 1.0)], suites), why=why, who=why)

    line = baseline.history_line(accepted)

    row = json.loads(line)
    assert len(line) <= 1024
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert len(row["suites"]) + row["left_out"] == 50


def test_a_line_of_a_run_whose_id_has_no_end_is_made_without_its_suites(tmp_path: Path) -> None:
    accepted = made(tmp_path, run_of([case("a", 1.0)]))
    accepted.document["run"]["id"] = "r" * 5000  # somebody has edited the file

    row = json.loads(baseline.history_line(accepted))

    assert (row["suites"], row["left_out"]) == ([], 1)


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "llmprod-history.jsonl").mkdir()

    with pytest.raises(BaselineError, match=r"llmprod-history\.jsonl: cannot be written"):
        baseline.write(made(tmp_path, run_of([case("a", 1.0)])), tmp_path)


@pytest.mark.parametrize(
    ("reason", "advice"),
    [
        ("1 case got no answer", "Record what is missing"),
        ("1 case did not play all of its recordings", "Drop what is not played"),
    ],
)
def test_a_run_whose_recordings_are_not_those_it_plays_is_refused_with_the_command_that_mends_them(
    tmp_path: Path, reason: str, advice: str
) -> None:
    run = run_of([case("a", None)], [suite(verdict=None, reason=reason)])

    with pytest.raises(
        BaselineError,
        match=rf"{advice} with `.* --llm-record=new_episodes --llm-json=run\.json`",
    ):
        made(tmp_path, run)
