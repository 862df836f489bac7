import json
from pathlib import Path

import pytest
from project import Project

from pytest_llmprod.cli import main
from pytest_llmprod.core.text import width


def run_file(path: Path, scores: dict[str, float]) -> str:
    suite = {
        "feature": "triage",
        "test": "t.py::test_a",
        "metric": "passed",
        "model": "gpt",
        "threshold": 0.5,
        "confidence": 0.95,
        "verdict": "PASS",
        "reason": "fine",
    }
    cases = [
        {
            "suite": "t.py::test_a",
            "id": name,
            "outcome": "hit" if score else "miss",
            "scores": {"passed": score},
            "output": None,
            "cost_usd": "0.5",
            "latency_s": 1.0,
        }
        for name, score in scores.items()
    ]
    path.write_text(json.dumps({"schema": 1, "suites": [suite], "cases": cases}))
    return str(path)


OLD = {f"t-{number}": 1.0 for number in range(30)}


def test_equal_runs_are_fine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = run_file(tmp_path / "old.json", OLD)

    status = main(["compare", old, old, "--margin", "0.2"])

    assert status == 0
    assert capsys.readouterr().out.splitlines() == [
        "triage  +0.0 points (-11.4 to +11.4)  NON-INFERIOR",
        "  0 broken, 0 fixed of 30 cases, p 1.0000, cost x1.00, p95 x1.00",
    ]


def test_what_broke_is_named_and_the_status_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = run_file(tmp_path / "old.json", OLD)
    new = run_file(tmp_path / "new.json", {**dict.fromkeys(OLD, 0.0), "t-0": 1.0})

    status = main(["compare", old, new])

    out = capsys.readouterr().out
    assert status == 1
    assert "INFERIOR" in out
    assert "newly broken: t-1, t-2, t-3, t-4, t-5 and 24 more" in out


def test_a_case_that_is_gone_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = run_file(tmp_path / "old.json", OLD)
    new = run_file(tmp_path / "new.json", {name: 1.0 for name in OLD if name != "t-7"})

    assert main(["compare", old, new, "--margin=0.5"]) == 1
    assert "not in the new run: t-7" in capsys.readouterr().out


def test_a_tag_that_got_worse_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ids = [f"t-{number}" for number in range(400)]
    paths = []
    for name, wrong in (("old.json", 0), ("new.json", 10)):
        path = Path(
            run_file(tmp_path / name, {each: float(n >= wrong) for n, each in enumerate(ids)})
        )
        document = json.loads(path.read_text())
        for number, row in enumerate(document["cases"]):
            row["tags"] = ["long"] if number < 20 else []
        path.write_text(json.dumps(document))
        paths.append(str(path))

    assert main(["compare", *paths, "--margin=0.05"]) == 1
    assert "  tag long: -50.0 points (-70.1 to -24.3)  INFERIOR" in capsys.readouterr().out


def test_json_has_the_shape_that_scripts_rely_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = run_file(tmp_path / "old.json", OLD)
    new = run_file(tmp_path / "new.json", {**OLD, "t-3": 0.0})

    main(["compare", old, new, "--json"])

    (suite,) = json.loads(capsys.readouterr().out)["suites"]
    assert suite["feature"] == "triage"
    assert suite["table"] == {"both": 29, "only_a": 1, "only_b": 0, "neither": 0}
    assert suite["difference"] == pytest.approx(-1 / 30)
    assert suite["newly_broken"] == ["t-3"]
    assert suite["newly_fixed"] == []
    assert {"interval", "p_value", "p_holm", "verdict"} <= set(suite)


def test_hostile_names_and_ids_cannot_leave_their_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hostile = "\x1b[2J\n\u202e" + "long " * 40
    old = run_file(tmp_path / "old.json", {hostile: 1.0})
    new = run_file(tmp_path / "new.json", {hostile: 0.0})

    main(["compare", old, new])

    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert all(width(line) <= 80 for line in out.splitlines())


def test_a_file_that_is_no_run_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "old.json"
    path.write_text("{}")

    assert main(["compare", str(path), str(path)]) == 1
    assert "is no run in schema 1" in capsys.readouterr().err


@pytest.mark.parametrize("is_reversed", [False, True])
def test_a_run_of_several_models_is_not_compared_with_a_run_of_one(
    tmp_path: Path, is_reversed: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    one = run_file(tmp_path / "one.json", OLD)
    several = run_file(tmp_path / "several.json", OLD)
    document = json.loads(Path(several).read_text())
    document["run"] = {"id": "r", "models": ["gpt-5-mini", "gpt-5-nano"]}
    Path(several).write_text(json.dumps(document))
    files = [several, one] if is_reversed else [one, several]

    with pytest.raises(SystemExit) as caught:
        main(["compare", *files])

    assert caught.value.code == 2
    told = " ".join(capsys.readouterr().err.split())
    assert f"{several} was made with --llm-models and the other run was not" in told
    assert main(["compare", several, several, "--margin", "0.2"]) == 0


@pytest.mark.parametrize("margin", ["1", "-0.1", "nan", "much"])
def test_a_wrong_margin_is_wrong_use(
    tmp_path: Path, margin: str, capsys: pytest.CaptureFixture[str]
) -> None:
    old = run_file(tmp_path / "old.json", OLD)

    with pytest.raises(SystemExit) as caught:
        main(["compare", old, old, f"--margin={margin}"])

    assert caught.value.code == 2
    assert "is no share from 0 to below 1" in capsys.readouterr().err


def test_two_runs_of_pytest_are_compared(
    recorded: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded.run("--llm-json=run.json")
    path = str(recorded.path / "run.json")
    capsys.readouterr()

    assert main(["compare", path, path]) == 0
    assert "doubling  +0.0 points" in capsys.readouterr().out
