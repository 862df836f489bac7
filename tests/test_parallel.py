"""xdist: the same totals, verdicts, JUnit cases and gates, however many workers there are."""

import json
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from project import WORDS, Project


def everything(project: Project, *arguments: str) -> dict[str, Any]:
    """What a run says, apart from its times and its id."""
    project.run("--llm-json=run.json", "--junit-xml=junit.xml", *arguments, subprocess=True)
    data = json.loads((project.path / "run.json").read_text())
    gates = json.loads((project.path / "llmprod-gates.json").read_text())
    del data["run"], gates["run"]
    for found in (data["gates"], gates["gates"]):
        for gate in found.values():
            for part in (gate, *gate["suites"]):
                del part["valid_until"]
    cases = ET.parse(project.path / "junit.xml").getroot().iter("testcase")
    names = sorted((case.get("name"), len(case)) for case in cases)
    return {"data": data, "gates": gates, "junit": names}


def test_runs_agree_with_none_two_and_four_workers(recorded: Project) -> None:
    recorded.edit("test_words.py", "threshold=0.5", "threshold=0.95")

    alone = everything(recorded, "-n0")
    two = everything(recorded, "-n2")
    four = everything(recorded, "-n4")

    assert len(alone["junit"]) == 11
    assert alone["data"]["suites"][0]["hits"] == 9
    assert two == alone
    assert four == alone


def test_two_workers_recording_into_one_cassette_lose_nothing(project: Project) -> None:
    result = project.record("-n2", subprocess=True)

    assert result.ret == pytest.ExitCode.OK
    document = json.loads(project.cassette().read_text())
    cases = [each["llmprod"]["case"] for each in document["interactions"]]
    assert cases == list(WORDS)
    assert len(project.server.requests) == len(WORDS)
    assert not list((project.path / ".llmprod" / "recording").iterdir())


def test_three_writers_of_one_cassette_leave_three_interactions(project: Project) -> None:
    project.pytester.makepyfile(
        test_words="""
        import pytest
        from feature import ask

        @pytest.mark.llm_cassette
        @pytest.mark.parametrize("word", ["one", "two", "three"])
        def test_doubles(word, worker_id):
            print(worker_id)
            assert ask(word) == f"{word} {word}"
        """
    )

    result = project.record("-n3", "-rP", subprocess=True)

    document = json.loads(project.cassette().read_text())
    assert sorted(each["llmprod"]["case"] for each in document["interactions"]) == [
        "one",
        "three",
        "two",
    ]
    assert {f"gw{number}" for number in range(3)} <= set(result.outlines)


def test_a_failed_gate_fails_a_parallel_run(recorded: Project) -> None:
    recorded.edit("test_words.py", "threshold=0.5", "threshold=0.99")

    result = recorded.run("-n2", subprocess=True)

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert result.parseoutcomes()["failed"] == 1


def test_a_task_runs_once_for_each_case_in_a_parallel_recording(project: Project) -> None:
    project.edit("test_words.py", "threshold=0.5", "threshold=0.5, task=ask")
    project.edit("test_words.py", "(llm_case):", "(llm_case, llm_output):")
    project.edit("test_words.py", "ask(llm_case.input)", "llm_output")

    result = project.record("-n2", subprocess=True)

    assert result.ret == pytest.ExitCode.OK
    assert len(project.server.requests) == len(WORDS)


def test_evals_that_were_left_out_are_told_in_a_parallel_run(recorded: Project) -> None:
    recorded.pytester.makepyfile(test_plain="def test_plain(): pass")

    result = recorded.pytester.runpytest_subprocess("-n2")

    result.stdout.fnmatch_lines(["llmprod: 1 eval was deselected; run with --llm-eval"])


def crashing(recorded: Project) -> None:
    """Let the process end in which one of the cases runs."""
    crash = "    if llm_case.id == 'two': import os; os._exit(1)\n    assert"
    recorded.edit("test_words.py", "    assert", crash)
    (recorded.path / "llmprod-gates.json").unlink()


def test_a_worker_that_crashes_leaves_the_run_incomplete(recorded: Project) -> None:
    crashing(recorded)

    result = recorded.run("-n2", "--llm-json=run.json", subprocess=True)

    document = json.loads((recorded.path / "run.json").read_text())
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert not (recorded.path / "llmprod-gates.json").exists()
    result.stdout.fnmatch_lines(
        [
            "INCOMPLETE: Worker gw? ended before its time (Not properly terminated), and what its "
            "last test left behind is missing.",
            "*partial*",
            "gate doubling: not judged; only 9 of 10 cases ran",
            "FAILED llmprod::complete - INCOMPLETE: *",
        ]
    )
    assert document["run"]["incomplete"].startswith("Worker gw")


def test_budgets_of_a_run_whose_worker_crashed_are_not_known(recorded: Project) -> None:
    crashing(recorded)
    marks = "llm_budget('count(requests) <= 10', 'count(requests) <= 5')\n@pytest.mark.llm_eval"
    recorded.edit("test_words.py", "llm_eval", marks)

    document = recorded.data("-n2", subprocess=True)

    verdicts = {each["budget"]: each["verdict"] for each in document["budgets"]}
    assert verdicts["count(requests) <= 10"] == "INCONCLUSIVE"
    assert verdicts["count(requests) <= 5"] == "FAIL"


LOSING = """
def pytest_report_to_serializable(config, report):
    if report.when == "teardown" and "{case}" in report.nodeid:
        for name in ("llmprod", "llmprod_calls", "llmprod_counted"):
            report.__dict__.pop(name, None)
"""


@pytest.mark.parametrize("case", ["two", "test_doubles"], ids=["one", "all"])
def test_a_record_that_gets_lost_on_its_way_leaves_the_run_incomplete(
    recorded: Project, case: str
) -> None:
    (recorded.path / "conftest.py").write_text(LOSING.replace("{case}", case))

    result = recorded.run("-n2", subprocess=True)

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["INCOMPLETE: *Worker gw? has sent * record*, and * came.*"])


def test_a_worker_that_crashes_in_a_run_without_evals_is_none_of_our_business(
    project: Project,
) -> None:
    project.pytester.makepyfile(test_words="import os\ndef test_ends(): os._exit(1)")

    result = project.pytester.runpytest_subprocess("-n1")

    assert "INCOMPLETE" not in result.stdout.str()


def test_half_a_surrogate_pair_from_a_model_crosses_to_the_controller(project: Project) -> None:
    project.server.answer = lambda body: "half a pair \ud83d"

    recorded = project.record("-n2", "--llm-json=run.json", subprocess=True)
    replayed = project.run("-n2", "--llm-json=run.json", subprocess=True)

    assert "INTERNALERROR" not in recorded.stdout.str() + replayed.stdout.str()
    document = json.loads((project.path / "run.json").read_text())
    assert document["cases"][0]["output"] == "half a pair ?"
