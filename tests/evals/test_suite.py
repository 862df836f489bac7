from dataclasses import replace
from pathlib import Path

from pytest_llmprod.evals.dataset import load
from pytest_llmprod.evals.suite import Suite


def make_suite(folder: Path) -> Suite:
    path = folder / "evals" / "data.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text('{"id": "a", "input": 1}\n{"id": "b", "input": 1}\n')
    return Suite(
        feature="triage",
        test="test_a.py::test_a",
        dataset=load(path),
        threshold={"passed": 0.9},
        confidence=0.95,
        max_errors=1,
        task=None,
        outputs=None,
    )


def test_the_deciding_process_is_told_all_it_needs(tmp_path: Path) -> None:
    suite = make_suite(tmp_path)

    assert suite.to_json(tmp_path) == {
        "feature": "triage",
        "test": "test_a.py::test_a",
        "variant": "",
        "model": "",
        "repeats": 1,
        "threshold": {"passed": 0.9},
        "metrics": ["passed"],
        "confidence": 0.95,
        "margin": 0.0,
        "max_errors": 1,
        "cases": 2,
        "dataset": "evals/data.jsonl",
        "dataset_sha256": suite.dataset.sha256,
        "from_outputs": False,
        "judges": {},
    }


def test_a_data_set_outside_of_the_rootdir_is_named_in_full(tmp_path: Path) -> None:
    suite = make_suite(tmp_path / "elsewhere")

    assert suite.to_json(tmp_path / "root")["dataset"] == suite.dataset.path.as_posix()


def test_the_repeats_of_a_case_follow_one_another(tmp_path: Path) -> None:
    askings = replace(make_suite(tmp_path), repeats=2).askings

    assert [each.id for each in askings] == ["a#1", "a#2", "b#1", "b#2"]
    assert [each.section for each in askings] == ["a", "a#2", "b", "b#2"]


def test_a_case_that_is_asked_once_is_named_by_its_id_alone(tmp_path: Path) -> None:
    askings = make_suite(tmp_path).askings

    assert [each.id for each in askings] == ["a", "b"]
    assert [each.section for each in askings] == ["a", "b"]


def test_the_model_ends_the_name_of_an_item_and_no_section(tmp_path: Path) -> None:
    first = replace(make_suite(tmp_path), repeats=3, model="gpt-5-nano").askings[2]

    assert (first.id, first.section) == ("a#3-gpt-5-nano", "a#3")


def test_judging_recorded_outputs_is_told(tmp_path: Path) -> None:
    assert replace(make_suite(tmp_path), outputs={}).to_json(tmp_path)["from_outputs"] is True
