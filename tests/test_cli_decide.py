import json
from pathlib import Path

import pytest
from project import Project

from pytest_llmprod.cli import main
from pytest_llmprod.core.text import width


@pytest.fixture
def run_file(recorded: Project, capsys: pytest.CaptureFixture[str]) -> Path:
    """A run in which 9 of 10 cases hit."""
    recorded.run("--llm-json=run.json")
    recorded.server.requests.clear()
    capsys.readouterr()
    return recorded.path / "run.json"


def policy(folder: Path, text: str) -> str:
    path = folder / "policy.toml"
    path.write_text(text, encoding="utf-8")
    return f"--policy={path}"


def test_a_stored_run_is_judged_again_without_a_call(
    run_file: Path, recorded: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (recorded.path / "llmprod-gates.json").read_bytes()
    high = policy(recorded.path, "[doubling]\nthreshold = 0.99")

    assert main(["decide", str(run_file)]) == 0
    first = capsys.readouterr().out
    assert main(["decide", str(run_file), high]) == 1
    second = capsys.readouterr().out

    assert first.startswith("doubling: ")
    assert second.startswith("doubling: FAIL; 9/10 = 90.0%")
    assert all(width(line) <= 80 for line in (first + second).splitlines())
    assert (recorded.path / "llmprod-gates.json").read_bytes() == before
    assert not recorded.server.requests


def test_json_says_the_same(run_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    high = policy(run_file.parent, "[doubling]\nthreshold = 0.99")

    assert main(["decide", str(run_file), high, "--json"]) == 1

    (row,) = json.loads(capsys.readouterr().out)["suites"]
    assert (row["feature"], row["threshold"], row["verdict"]) == ("doubling", 0.99, "FAIL")
    assert row["is_open"] is False
    assert row["reason"].startswith("9/10 = 90.0%")


def test_strict_closes_what_is_undecided(run_file: Path) -> None:
    undecided = policy(run_file.parent, "[doubling]\nthreshold = 0.85")

    assert main(["decide", str(run_file), undecided]) == 0
    assert main(["decide", str(run_file), undecided, "--strict"]) == 1


def test_a_run_that_was_not_judged_stays_so(
    recorded: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded.run("--llm-json=run.json", "-k", "one")
    capsys.readouterr()

    assert main(["decide", str(recorded.path / "run.json")]) == 1
    assert "doubling: not judged; only a part of the suite ran" in capsys.readouterr().out


def test_a_judge_that_may_not_decide_is_passed_over(
    run_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = json.loads(run_file.read_text())
    reason = "report-only: its judge was never calibrated"
    told = {"metric": "polite", "verdict": None, "reason": reason}
    document["suites"].append(
        {**document["suites"][0], **told, "judge": {"report_only": "was never calibrated"}}
    )
    run_file.write_text(json.dumps(document))

    assert main(["decide", str(run_file)]) == 0

    assert f"doubling polite: not judged; {reason}" in capsys.readouterr().out
