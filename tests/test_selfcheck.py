"""`llmprod selfcheck`: it tries the real judging, and tells of each gate that cannot fail."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
import warm

from pytest_llmprod.composition.forbidding import FORBIDDABLE, customs_of
from pytest_llmprod.composition.proofs import PLANTED, _request
from pytest_llmprod.faults.catalogue import select
from pytest_llmprod.wire.rules import LeaveRules

EVAL = """
import pytest


@pytest.mark.llm_budget({budgets})
@pytest.mark.llm_eval(
    feature="doubling", dataset="words.jsonl", threshold={threshold}, outputs="answers.jsonl"
)
def test_doubles(llm_case, llm_output):
    assert llm_output == llm_case.expected
"""
DRILL = """
import pytest


@pytest.mark.llm_drill(feature="doubling", faults={faults}, fallback={fallback})
def test_survives(llm_fault): ...
"""
ONE_DEAR = '"cost < 0.01"'
#: An audit is excused; what cannot fail cannot fail all the same.
WAIVED = """
[tool.llmprod.audit.waived]
gate = { until = 2999-01-01, by = "Ann Lee", why = "it comes with release 2" }
threshold-set = { until = 2999-01-01, by = "Ann Lee", why = "it comes with release 2" }

[tool.llmprod.audit.not_applicable]
threshold-fails = "not yet"

"""
ROWS = 40
WIRE = '[tool.llmprod.wire]\nforbid = ["pii", "iban", "secrets"]\n'


def command(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return warm.run(["-m", *words], cwd=folder, env={**os.environ, "COLUMNS": "80"})


def write_answers(folder: Path, wrong: int = 0) -> None:
    rows = [{"id": f"w-{n:02}", "output": "" if n < wrong else f"{n} {n}"} for n in range(ROWS)]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "answers.jsonl").write_text(text)


def project(
    folder: Path,
    *,
    budgets: str = ONE_DEAR,
    threshold: str = "0.8",
    settings: str = "",
    wire: str = WIRE,
) -> Path:
    rows = [{"id": f"w-{n:02}", "input": f"{n}", "expected": f"{n} {n}"} for n in range(ROWS)]
    (folder / "words.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    write_answers(folder)
    (folder / "test_words.py").write_text(EVAL.format(budgets=budgets, threshold=threshold))
    (folder / "pyproject.toml").write_text(f"[tool.pytest.ini_options]\n{settings}{wire}")
    return folder


def selfcheck(folder: Path) -> tuple[int, str]:
    """Return the exit status, and what was printed with every proof on one line."""
    result = command(folder, "pytest_llmprod.cli", "selfcheck")
    return result.returncode, re.sub(r"\n {2,}", " ", result.stdout) + result.stderr


def test_each_gate_of_a_sound_project_can_fail(tmp_path: Path) -> None:
    settings = (
        '[tool.llmprod]\nbudgets = ["count(requests) < 1k"]\n'
        "[tool.llmprod.features.doubling]\nrequests_per_month = 1000\n"
        'budgets = ["monthly(cost) < 300"]\n'
    )
    budgets = '"cost < 0.01", "p95(latency) < 10s", "max(latency) < 60s", "sum(tokens.input) < 20k"'
    project(tmp_path, budgets=budgets, settings=settings)
    (tmp_path / "test_drill.py").write_text(DRILL.format(faults='"all"', fallback='"app:rules"'))

    status, printed = selfcheck(tmp_path)

    wrong = sum(not fault.usable for fault in select("all"))
    assert printed.splitlines() == [
        "can fail     gate doubling closes with 9 of 40 wrong",
        "can fail     cost < 0.01 of test_doubles fails for one request of 99 USD",
        "can fail     cost < 0.01 of test_doubles fails where a model has no price",
        "can fail     p95(latency) < 10s of test_doubles fails where each request is a request of "
        "an hour",
        "can fail     max(latency) < 60s of test_doubles fails for one request of an hour",
        "can fail     sum(tokens.input) < 20k of test_doubles fails for one request of 100 million "
        "tokens",
        "can fail     monthly(cost) < 300 of doubling fails where each request is a request of 99 "
        "USD",
        "can fail     monthly(cost) < 300 of doubling fails where a model has no price",
        "can fail     count(requests) < 1k of the run fails for one test of 10,000 requests",
        f"can fail     drill test_survives fails where one of {wrong} faults is accepted",
        "can fail     a shard that is missing from a merge is told",
        "can fail     a key in a request is masked before it is stored",
        "can fail     a request with pii is refused before it leaves",
        "can fail     a request with iban is refused before it leaves",
        "can fail     a request with secrets is refused before it leaves",
        "15 gates tried: each can fail",
    ]
    assert status == 0


@pytest.mark.parametrize("options", ["-n2", "-p no:xdist", "-rA --maxfail=1 --pdb"])
def test_it_collects_whatever_the_project_asks_of_its_runs(tmp_path: Path, options: str) -> None:
    status, printed = selfcheck(project(tmp_path, settings=f'addopts = "{options}"\n'))

    assert status == 0, printed
    assert printed.endswith("each can fail\n")


def test_it_leaves_nothing_behind(tmp_path: Path) -> None:
    project(tmp_path)
    before = sorted(path.name for path in tmp_path.iterdir())

    selfcheck(tmp_path)

    after = {path.name for path in tmp_path.iterdir()} - {"__pycache__"}
    assert sorted(after) == before


def test_the_number_of_wrong_cases_is_the_one_that_closes_the_gate_of_a_run(
    tmp_path: Path,
) -> None:
    project(tmp_path, budgets='"count(requests) < 100"')
    _, printed = selfcheck(tmp_path)
    found = re.search(r"closes with (\d+) of 40 wrong", printed)
    assert found is not None
    least = int(found[1])

    statuses = {}
    for wrong in (least - 1, least):
        write_answers(tmp_path, wrong)
        statuses[wrong] = command(tmp_path, "pytest", "--llm-eval", "-q").returncode

    assert statuses == {least - 1: 0, least: 1}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"threshold": "0"}, "gate doubling stays open where every case is wrong"),
        (
            {"threshold": "0", "settings": WAIVED},
            "gate doubling stays open where every case is wrong",
        ),
        (
            {"threshold": "0.95", "settings": 'addopts = ["--llm-strict"]\n'},
            "gate doubling stays closed where every case is right: 40/40 = 100.0%",
        ),
        (
            {"budgets": '"sum(cost) < 1000000", "cost < 1"'},
            "sum(cost) < 1000000 of test_doubles does not fail where each request is a request",
        ),
        (
            {"budgets": '"count(requests) < 10", "cost < 1"'},
            "count(requests) < 10 of test_doubles fails whatever happens",
        ),
        (
            {"budgets": '"p95(latency) < 120min", "cost < 1"'},
            "p95(latency) < 7200s of test_doubles does not fail where each request is a request of",
        ),
        (
            {"wire": ""},
            "nothing is forbidden to leave: nobody notices personal data in a request",
        ),
        (
            {"wire": '[tool.llmprod.wire]\nforbid = ["email"]\nallow = ["bob@*"]\n'},
            "a request with email leaves, or everything is refused",
        ),
        (
            {"budgets": '"p95(latency) < 2s"'},
            "no budget bounds a cost: nobody notices a request of 99 USD",
        ),
    ],
)
def test_a_gate_that_cannot_fail_is_told(
    tmp_path: Path, changes: dict[str, str], told: str
) -> None:
    status, printed = selfcheck(project(tmp_path, **changes))

    assert status == 1
    assert f"CANNOT FAIL  {told}" in printed
    assert "gates tried: 1 cannot fail" in printed


def test_a_drill_of_harmless_faults_is_told(tmp_path: Path) -> None:
    project(tmp_path)
    text = DRILL.format(faults='"tokens-trebled"', fallback="''")
    (tmp_path / "test_drill.py").write_text(text)

    status, printed = selfcheck(tmp_path)

    assert status == 1
    assert "CANNOT FAIL  drill test_survives has only faults whose answer may be taken" in printed


@pytest.mark.parametrize(
    ("fallback", "told"),
    [
        ("''", "can fail     drill test_survives fails where one of 3 faults is accepted"),
        ('"app:rules"', "can fail     drill test_survives fails where one of 3 faults is accepted"),
    ],
)
def test_a_drill_of_the_gate_fails_where_the_model_is_asked_all_the_same(
    tmp_path: Path, fallback: str, told: str
) -> None:
    text = DRILL.format(faults='"gate"', fallback=fallback)
    (tmp_path / "test_drill.py").write_text(text)

    status, printed = selfcheck(tmp_path)

    assert told in printed
    assert (status, printed.count("CANNOT FAIL")) == (0, 0)  # of evals there is nothing to tell


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (
            "suite_result.judge = lambda *_, **__: PASS",
            "gate doubling stays open where every case is wrong",
        ),
        (
            "budgeting.judge = lambda *a, **k: replace(judge(*a, **k), verdict='PASS')",
            "cost < 0.01 of test_doubles does not fail where each request is a request of 99",
        ),
        (
            "drill._accepted = lambda *_: None; drill._rank = lambda _: 0; "
            "drill._weaknesses = lambda *_: iter(())",
            "drill test_survives passes where",
        ),
        (
            "drilling.DrillResult.survived = False",
            "drill test_survives always fails",
        ),
        ("shards.missing_from = lambda _: []", "a shard that is missing from a merge is not told"),
        (
            "shards.missing_from = lambda _: ['all of it']",
            "a shard that is missing from a merge is not told",
        ),
        (
            "load = shards.load\n"
            "shards.load = lambda folder, _: load(folder, len(list(folder.iterdir())))",
            "a shard that is missing from a merge is not told",
        ),
        ("masking.mask = lambda text, _: text", "a key in a request stays as it is before it is"),
        (
            "leaving.Customs.problem = lambda *_: ''",
            "a request with pii leaves, or everything is refused",
        ),
        (
            "leaving.Customs.problem = lambda *_: 'no'",
            "a request with pii leaves, or everything is refused",
        ),
        (
            "",
            "gate doubling stays open where every case is wrong",
        ),
    ],
    ids=[
        *("gates", "budgets", "drills", "drills that fail", "shards", "whole runs"),
        *("shards that are gone", "masking", "leaving", "all refused", "a verdict of a plugin"),
    ],
)
def test_judging_that_is_broken_is_told(tmp_path: Path, broken: str, told: str) -> None:
    """What runs is the judging of this installation, with the hooks of the project."""
    project(tmp_path)
    drill = DRILL.format(faults='"outage"', fallback='"app:rules"')
    (tmp_path / "test_drill.py").write_text(drill)
    hook = "" if broken else "def pytest_llmprod_verdict(result):\n    return PASS\n"
    (tmp_path / "conftest.py").write_text(
        "from dataclasses import replace\n"
        "from pytest_llmprod.budgets.budget import judge\n"
        "from pytest_llmprod.composition import budgeting, suite_result\n"
        "from pytest_llmprod.core import drilling\n"
        "from pytest_llmprod.core.verdict import Verdict\n"
        "from pytest_llmprod.evals import shards\n"
        "from pytest_llmprod.faults import drill\n"
        "from pytest_llmprod.wire import leaving, masking\n"
        "PASS = Verdict(name='PASS', reason='always', is_open=True)\n"
        f"{broken}\n{hook}"
    )

    status, printed = selfcheck(tmp_path)

    assert status == 1
    assert f"CANNOT FAIL  {told}" in printed


def test_a_gate_whose_judge_is_not_calibrated_decides_nothing(tmp_path: Path) -> None:
    project(tmp_path, threshold="{polite: 0.8}")
    test = tmp_path / "test_words.py"
    test.write_text(
        "from pytest_llmprod import llm_judge\n"
        'polite = llm_judge("It is polite.", "gpt-judge", name="polite")\n' + test.read_text()
    )

    status, printed = selfcheck(tmp_path)

    assert status == 1
    told = "gate doubling polite decides nothing: its judge is not calibrated"
    assert f"CANNOT FAIL  {told}" in printed


def test_one_case_alone_is_no_merge_from_which_a_shard_may_be_missing(tmp_path: Path) -> None:
    project(tmp_path)
    (tmp_path / "words.jsonl").write_text('{"id": "w-00", "input": "0", "expected": "0 0"}\n')
    (tmp_path / "answers.jsonl").write_text('{"id": "w-00", "output": "0 0"}\n')

    _, printed = selfcheck(tmp_path)

    assert "gate doubling" in printed
    assert "shard" not in printed


def test_tests_that_cannot_be_collected_are_told(tmp_path: Path) -> None:
    project(tmp_path)
    (tmp_path / "test_broken.py").write_text("import nowhere_at_all\n")

    status, printed = selfcheck(tmp_path)

    assert status == 1
    assert "llmprod: the tests cannot be collected" in printed
    assert "nowhere_at_all" in printed


def test_what_keeps_the_gates_from_being_tried_is_told(tmp_path: Path) -> None:
    project(tmp_path)
    (tmp_path / "conftest.py").write_text("def pytest_llmprod_verdict(result):\n    return 3\n")

    status, printed = selfcheck(tmp_path)

    assert status == 1
    assert printed.startswith("llmprod: the hook pytest_llmprod_verdict must return a Verdict or")


def test_without_a_gate_nothing_is_proven(tmp_path: Path) -> None:
    (tmp_path / "test_plain.py").write_text("def test_a(): ...\n")

    status, printed = selfcheck(tmp_path)

    assert status == 1
    assert "CANNOT FAIL  no gate is collected" in printed


def test_there_is_a_sample_of_all_that_may_be_forbidden() -> None:
    assert set(PLANTED) == set(FORBIDDABLE)
    for kind in FORBIDDABLE:
        customs = customs_of(LeaveRules(forbid=(kind,)), (), lambda: ())
        assert customs is not None
        assert customs.problem(_request(PLANTED[kind])), kind
