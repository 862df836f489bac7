"""`llmprod merge`: shards say together what one run would have said, or do not fit together."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from checkout import check_out
from project import WORDS, Project
from splitting import merge, python, read, run_shard, run_shards

from pytest_llmprod.cli import main

ROOT = Path(__file__).parents[1]
THRESHOLDS = {"passed": 0.5, "brevity": 0.1}
GATES = "llmprod-gates.json"
PARAMETRIZED = "two = pytest.mark.parametrize('x', [1, 2])"


def failed(output: str) -> list[str]:
    """The names of what failed, as pytest's own summary lists them."""
    lines = [line for line in output.splitlines() if line.startswith("FAILED ")]
    return sorted(line.removeprefix("FAILED ").partition(" - ")[0] for line in lines)


def summary(output: str) -> list[str]:
    """The lines of our summary."""
    lines = output.splitlines()
    start = next(at for at, line in enumerate(lines) if line.strip("= ") == "llmprod")
    end = next(at for at, line in enumerate(lines[start + 1 :]) if line.startswith("==="))
    return lines[start + 1 : start + 1 + end]


def assert_as_one_run(folder: Path, *arguments: str) -> dict[str, Any]:
    """Run everything whole, then in three shards, and compare all that they leave behind."""
    files = ["--llm-html=whole.html", "--llm-markdown=whole.md", "--llm-json=merged.json"]
    before = (folder / GATES).read_bytes() if (folder / GATES).exists() else None
    one = python(folder, "pytest", "--llm-eval", *files, *arguments)
    (folder / "merged.json").rename(folder / "whole.json")  # the summary names it
    gates = read(folder / GATES) if (folder / GATES).exists() else None
    if before is None:
        (folder / GATES).unlink(missing_ok=True)
    else:
        (folder / GATES).write_bytes(before)

    run_shards(folder, *arguments)
    joined = merge(folder, "--html=merged.html", "--markdown=merged.md")

    assert joined.returncode == one.returncode, joined.stdout + joined.stderr
    assert summary(joined.stdout) == summary(one.stdout)
    assert failed(joined.stdout) == failed(one.stdout)
    assert read(folder / "merged.json") == read(folder / "whole.json")
    assert (read(folder / GATES) if (folder / GATES).exists() else None) == gates
    assert (folder / "merged.md").read_text() == (folder / "whole.md").read_text()
    pages = [(folder / f"{name}.html").read_text().splitlines() for name in ("merged", "whole")]
    assert [line for line, other in zip(*pages, strict=True) if line != other][1:] == []
    document: dict[str, Any] = json.loads((folder / "merged.json").read_text())
    return document


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "LLMPROD_GATES", "TRIAGE_MODEL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("CI", "GITHUB_STEP_SUMMARY", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)
    return check_out(tmp_path / "support_triage")


def test_three_shards_of_the_example_are_one_run(example: Path) -> None:
    settings = (example / "pyproject.toml").read_text().partition("[tool.llmprod.features")[0]
    budgets = (
        'budgets = ["sum(cost) < 0.1"]\n'
        "[tool.llmprod.features.ticket-triage]\n"
        "requests_per_month = 20000\n"
        'budgets = ["monthly(cost) < 300", "p95(latency) < 50ms"]\n'
    )
    (example / "pyproject.toml").write_text(f"{settings.rstrip()}\n{budgets}")

    document = assert_as_one_run(example)

    assert {each["feature"]: each["hits"] for each in document["suites"]} == {
        "ticket-triage": 206,
        "ticket-urgency": 195,
    }
    verdicts = {each["budget"]: each["verdict"] for each in document["budgets"]}
    assert verdicts["sum(cost) < 0.1"] == "FAIL"  # though each shard alone keeps it
    assert document["months"][0]["cases"] == 217  # the others ask no model
    assert document["run"]["incomplete"] == ""


def test_models_are_compared_over_all_shards(example: Path) -> None:
    document = assert_as_one_run(example, "--llm-models=gpt-5-mini,gpt-5-nano")

    assert [part["tag"] for each in document["swaps"] for part in each["slices"]]
    assert not (example / GATES).exists()


def test_a_closed_gate_and_a_worse_run_fail_as_in_one_run(recorded: Project) -> None:
    recorded.run("--llm-json=run.json")
    accepted = python(recorded.path, "pytest_llmprod.cli", "accept", "run.json", "--who=ann")
    assert accepted.returncode == 0, accepted.stderr
    recorded.edit("words.jsonl", '"expected": "two two"', '"expected": "2 2"')
    recorded.edit("test_words.py", "threshold=0.5", "threshold=0.99")
    recorded.edit("test_words.py", "import pytest", f"import pytest\n{PARAMETRIZED}")
    recorded.edit("test_words.py", "@pytest.mark", "@two\n@pytest.mark")
    recorded.edit("test_words.py", "(llm_case)", "(llm_case, x)")
    recorded.record()

    document = assert_as_one_run(recorded.path)

    assert document["suites"][0]["verdict"] == "FAIL"


def test_repeats_scores_and_hooks_of_a_conftest_are_as_in_one_run(project: Project) -> None:
    project.edit("test_words.py", "threshold=0.5", f"threshold={THRESHOLDS}, repeats=2")
    project.edit("test_words.py", "(llm_case):", "(llm_case, llm_score):")
    project.edit("test_words.py", "    assert", "    llm_score('brevity', 0.25)\n    assert")
    project.pytester.makepyfile(
        conftest="""
        from dataclasses import replace
        def pytest_llmprod_verdict(result):
            return replace(result.verdict, reason="the hook says so", is_open=False)
        def pytest_llmprod_summary(result):
            return ["the hook was here"]
        """
    )
    project.record()

    document = assert_as_one_run(project.path, "-n2")

    assert {each["reason"] for each in document["suites"]} == {"the hook says so"}
    assert len(document["cases"]) == 20


def test_a_task_and_recorded_outputs_are_as_in_one_run(project: Project) -> None:
    rows = [{"id": word, "output": f"{word} {word}", "latency_s": 0.5} for word in WORDS]
    (project.path / "out.jsonl").write_text("".join(json.dumps(each) + "\n" for each in rows))
    project.edit("test_words.py", "threshold=0.5", "threshold=0.5, outputs='out.jsonl'")
    project.edit("test_words.py", "(llm_case):", "(llm_case, llm_output):")
    project.edit("test_words.py", "ask(llm_case.input)", "llm_output")

    document = assert_as_one_run(project.path)

    assert document["suites"][0]["source"] == "outputs file"


def test_requests_that_are_in_no_recording_are_told_as_in_one_run(recorded: Project) -> None:
    recorded.edit("words.jsonl", '"input": "two"', '"input": "twenty"')

    document = assert_as_one_run(recorded.path)

    assert document["suites"][0]["verdict"] is None
    assert any("misses" in each for each in document["tests"].values())


def test_a_test_that_fails_in_a_shard_fails_the_whole(recorded: Project) -> None:
    recorded.pytester.makepyfile(test_plain="def test_plain():\n    assert 1 == 2")

    document = assert_as_one_run(recorded.path)

    assert document["tests"] == {"test_plain.py::test_plain": {"failed": "call"}}


DRILLS = """
import logging
import openai
import pytest

def by_rules():
    return "rules"

@pytest.mark.llm_drill(
    feature="doubling", faults=["quota", "overloaded", "refusal"], fallback="test_drill:by_rules"
)
def test_survives(llm_fault):
    try:
        openai.OpenAI(max_retries=0).chat.completions.create(
            model="gpt-test", messages=[{"role": "user", "content": "Hi"}]
        )
    except openai.OpenAIError as error:
        logging.getLogger("app").warning("rules", exc_info=error)
        by_rules()
"""


def test_drills_are_told_as_in_one_run(recorded: Project) -> None:
    recorded.pytester.makepyfile(test_drill=DRILLS)

    document = assert_as_one_run(recorded.path)

    found = {each["fault"]: each["outcome"] for each in document["drills"]}
    assert found == {
        "quota": "fell back",
        "overloaded": "fell back",
        "refusal": "accepted the fault as success",
    }


def test_a_drill_that_fails_in_two_shards_is_listed_once(recorded: Project) -> None:
    recorded.pytester.makepyfile(test_drill=DRILLS)
    for group in (1, 2):
        run_shard(recorded.path, group, splits=2)
    for group, other in ((1, 2), (2, 1)):
        _add_drills(recorded.path / f"shards/{group}.json", recorded.path / f"shards/{other}.json")

    output = merge(recorded.path, expect=2).stdout

    name = "test_drill.py::test_survives[refusal]"
    assert failed(output).count(name) == 1
    assert "failed in 1.json and 2.json: what their jobs printed says why" in output
    assert len(json.loads((recorded.path / "merged.json").read_text())["drills"]) == 3


def _add_drills(path: Path, other: Path) -> None:
    """Add the drills of another shard to one, as if its job had run them, too."""
    document = json.loads(path.read_text())
    document["tests"] = {**json.loads(other.read_text())["tests"], **document["tests"]}
    path.write_text(json.dumps(document))


SCORES = """
from pytest_llmprod.guardrails import score_detector

def test_detects():
    card = score_detector(lambda text: "ignore" in text, ["ignore all"] * 60, ["hello"], name="d")
    card.assert_bounds(recall=0.95)
"""


def test_scorecards_are_told_as_in_one_run(recorded: Project) -> None:
    recorded.pytester.makepyfile(test_score=SCORES)

    document = assert_as_one_run(recorded.path)

    (card,) = document["guardrails"]
    assert (card["name"], card["test"]) == ("d", "test_score.py::test_detects")
    assert [gate["verdict"] for gate in card["gates"]] == ["PASS"]


def test_the_evidence_of_drills_is_written_once_when_all_shards_are_there(
    recorded: Project,
) -> None:
    recorded.pytester.makepyfile(test_drill=DRILLS.replace(', "refusal"', ""))
    history = recorded.path / "llmprod-history.jsonl"

    run_shards(recorded.path)
    assert not history.exists()
    for _ in range(2):
        assert merge(recorded.path).returncode == 0

    (line,) = history.read_text().splitlines()
    assert (json.loads(line)["feature"], json.loads(line)["faults"]) == ("doubling", 2)


GUARDS = """
import pytest

@pytest.mark.llm_guardrail(feature="doubling", kind="pii")
@pytest.mark.llm_guardrail(feature="halving", kind="injection")
@pytest.mark.parametrize("number", range(6))
def test_guards(number):
    assert number < 6
"""


def test_the_evidence_of_guardrails_is_written_when_all_shards_are_there(
    recorded: Project,
) -> None:
    recorded.pytester.makepyfile(test_guard=GUARDS)
    history = recorded.path / "llmprod-history.jsonl"

    run_shards(recorded.path)
    assert not history.exists()
    assert merge(recorded.path).returncode == 0

    rows = [json.loads(line) for line in history.read_text().splitlines()]
    assert [(row["feature"], row["guard"], row["tests"]) for row in rows] == [
        ("doubling", "pii", 6),
        ("halving", "injection", 6),
    ]


def test_one_shard_judges_no_suite_that_it_has_in_part(recorded: Project) -> None:
    (recorded.path / GATES).unlink()

    result = run_shard(recorded.path, 1)

    stored = json.loads((recorded.path / "shards" / "1.json").read_text())
    assert result.returncode == 0
    assert stored["suites"][0]["verdict"] is None
    assert stored["run"]["left_out"] == ["test_words.py::test_doubles"]
    assert not (recorded.path / GATES).exists()


def test_a_shard_without_evals_is_one_all_the_same(recorded: Project) -> None:
    recorded.pytester.makepyfile(test_plain="def test_plain(): pass")
    for group, file in enumerate(("test_plain.py", "test_words.py"), 1):
        python(recorded.path, "pytest", "--llm-eval", f"--llm-json=shards/{group}.json", file)

    result = merge(recorded.path, expect=2)

    assert result.returncode == 0, result.stdout
    assert json.loads((recorded.path / "merged.json").read_text())["suites"][0]["cases"] == 10


def test_a_run_that_verified_writes_no_gates(recorded: Project) -> None:
    (recorded.path / GATES).unlink()
    for group in (1, 2):
        words = WORDS[group - 1 :: 2]
        names = [f"test_words.py::test_doubles[{word}]" for word in words]
        recorded.record("--llm-record=verify", f"--llm-json=shards/{group}.json", *names)

    result = merge(recorded.path, expect=2)

    assert result.returncode == 0, result.stdout
    assert "gates not written: --llm-record=verify writes nothing" in result.stdout
    assert not (recorded.path / GATES).exists()


def test_collecting_alone_stores_nothing(recorded: Project) -> None:
    recorded.run("--collect-only", "--llm-json=run.json")

    assert not (recorded.path / "run.json").exists()


def test_what_no_shard_has_is_incomplete(recorded: Project) -> None:
    recorded.pytester.makepyfile(
        test_more=(recorded.path / "test_words.py").read_text().replace("doubling", "more")
    )
    (recorded.path / GATES).unlink()
    for group in (1, 2):
        words = " or ".join(WORDS[group - 1 : 9 : 2])
        arguments = [f"--llm-json=shards/{group}.json", "-k", f"test_words and ({words})"]
        python(recorded.path, "pytest", "--llm-eval", *arguments)

    result = merge(recorded.path, expect=2)

    assert result.returncode == 1
    assert failed(result.stdout) == ["llmprod::complete"]
    text = " ".join(result.stdout.split())
    assert "INCOMPLETE: test_words.py::test_doubles: 9 of 10 answers are there." in text
    assert "test_more.py::test_doubles: no shard ran it." in text
    assert "gates not written: the run is INCOMPLETE, see the failure above" in text
    assert not (recorded.path / GATES).exists()
    stored = json.loads((recorded.path / "merged.json").read_text())
    assert stored["run"]["incomplete"].startswith("test_words.py::test_doubles: 9 of 10")


def edited(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


def test_a_missing_shard_is_named_with_the_cure(recorded: Project) -> None:
    run_shards(recorded.path)
    (recorded.path / "shards" / "2.json").unlink()

    result = merge(recorded.path)

    assert result.returncode == 1
    assert result.stderr == (
        "llmprod: shards: there are 2 shards of 3: 1.json, 3.json. A job that was stopped writes "
        "none. Run the missing job again, and put into this folder what its --llm-json names.\n"
    )
    assert not (recorded.path / "merged.json").exists()
    (recorded.path / "shards" / "3.json").unlink()
    assert "there is 1 shard of 3: 1.json. " in merge(recorded.path).stderr


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda d: d["run"]["settings"].update(strict=True), "not the same strict of --llm-strict"),
        (lambda d: d["run"]["settings"].update(version="0.0"), "not the same version of pytest-ll"),
        (
            lambda d: d["run"]["settings"].update(options=["--llm-model=x"]),
            "--llm-model=x, not",
        ),
        (
            lambda d: d["run"]["settings"].update(table_sha256="ab"),
            "of [tool.llmprod] in",
        ),
        (lambda d: d["cases"][0]["carried"]["meta"].update(dataset_sha256="ab"), "dataset_sha256"),
        (
            lambda d: d["cases"][0]["carried"]["meta"].update(threshold={"passed": 0.9}),
            "another threshold",
        ),
        (lambda d: d["run"].pop("settings"), "whose runs cannot be joined. Install this version"),
        (lambda d: d.update(schema=2), "is no run in schema 1. It must be what `pytest --llm-eval"),
    ],
    ids=["strict", "version", "model", "table", "dataset", "threshold", "older", "schema"],
)
def test_a_foreign_shard_is_named_with_what_differs(
    recorded: Project, change: Callable[[dict[str, Any]], object], told: str
) -> None:
    run_shards(recorded.path, splits=2)
    edited(recorded.path / "shards" / "2.json", change)

    result = merge(recorded.path, expect=2)

    assert result.returncode == 1
    assert "2.json: " in result.stderr
    assert told in result.stderr
    assert not (recorded.path / "merged.json").exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d["run"].update(left_out=[1]),
        lambda d: d["run"].update(started_at="yesterday"),
        lambda d: d["run"].update(settings=[]),
        lambda d: d["cases"][0].update(carried=7),
        lambda d: d["cases"][0]["carried"].pop("meta"),
        lambda d: d["cases"][0]["carried"].pop("nodeid"),
        lambda d: d.update(tests=[]),
        lambda d: d["run"]["settings"].update(options=["-pevil"]),
        lambda d: d["run"]["settings"].update(ini="no.ini"),
    ],
)
def test_a_damaged_shard_is_an_error_of_one_line(
    recorded: Project,
    change: Callable[[dict[str, Any]], object],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(recorded.path)
    recorded.data()
    capsys.readouterr()
    (recorded.path / "shards").mkdir()
    (recorded.path / "run.json").rename(recorded.path / "shards" / "1.json")
    edited(recorded.path / "shards" / "1.json", change)

    assert main(["merge", "shards", "--expect=1"]) == 1

    said = capsys.readouterr()
    assert said.err.startswith("llmprod: ")
    assert said.err.count("\n") == 1
    assert "session starts" not in said.out


def test_doubled_shards_and_cases_are_named(recorded: Project) -> None:
    run_shards(recorded.path, splits=2)
    folder = recorded.path / "shards"
    shutil.copy(folder / "1.json", folder / "3.json")
    same_run = merge(recorded.path)
    edited(folder / "3.json", lambda document: document["run"].update(id="another"))
    same_case = merge(recorded.path)
    too_many = merge(recorded.path, expect=2)

    assert (same_run.returncode, same_case.returncode, too_many.returncode) == (1, 1, 1)
    assert "3.json: is the same run as 1.json. Remove one of them" in same_run.stderr
    assert "3.json: holds case five of test_words.py::test_doubles, and so does" in same_case.stderr
    assert "there are 3 shards of 2: 1.json, 2.json, 3.json. Remove" in too_many.stderr


def test_shards_of_another_commit_or_project_are_refused(recorded: Project) -> None:
    git = recorded.path / ".git"
    git.mkdir()
    (git / "HEAD").write_text("a" * 40)
    run_shards(recorded.path, splits=2)
    (git / "HEAD").write_text("b" * 40)
    other_commit = merge(recorded.path, expect=2)
    (git / "HEAD").write_text("a" * 40)
    (recorded.path / "pyproject.toml").write_text("[tool.llmprod]\ngate_valid_days = 1\n")
    other_table = merge(recorded.path, expect=2)
    (recorded.path / "pyproject.toml").unlink()
    (recorded.path / "test_words.py").rename(recorded.path / "test_renamed.py")
    other_folder = merge(recorded.path, expect=2)

    assert (other_commit.returncode, other_table.returncode, other_folder.returncode) == (1, 1, 1)
    assert "has not the same commit that is checked out as this project has" in other_commit.stderr
    assert "[tool.llmprod] in pyproject.toml as this project has" in other_table.stderr
    assert "test_words.py: there is no such file below" in other_folder.stderr


def test_a_file_that_is_no_run_is_named(recorded: Project) -> None:
    run_shards(recorded.path, splits=2)
    (recorded.path / "shards" / "other.json").write_text("[]")

    result = merge(recorded.path)

    assert result.returncode == 1
    assert "other.json: is no run in schema 1." in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [["nowhere", "--expect=3"], ["."], [".", "--expect=0"], ["words.jsonl", "--expect=1"]],
)
def test_wrong_use_exits_with_2(project: Project, arguments: list[str]) -> None:
    result = python(project.path, "pytest_llmprod.cli", "merge", *arguments)

    assert result.returncode == 2


def test_options_of_the_configuration_do_not_reach_a_merge(
    recorded: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    (recorded.path / "pytest.ini").write_text("[pytest]\naddopts = -k one -n2\n")
    run_shards(recorded.path, "-k", "one or two", "-n0", splits=1)
    monkeypatch.setenv("PYTEST_ADDOPTS", "-n2 --no-such-option")

    result = merge(recorded.path, expect=1)

    assert "INCOMPLETE" in result.stdout
    assert "2 of 10 answers are there" in " ".join(result.stdout.split())
