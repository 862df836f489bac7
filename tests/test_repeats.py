"""`repeats=` as a user sees it: items, recordings, figures, flaky cases."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from project import Project

from pytest_llmprod.cli import main

REPEATED = "threshold=0.5, repeats=3"


class Unsteady:
    """A model that doubles a word; `four` goes wrong each second time, and `seven` always."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()

    def __call__(self, body: dict[str, Any]) -> str:
        word = str(body["messages"][-1]["content"]).split()[-1]
        self.asked[word] += 1
        is_wrong = word == "seven" or (word == "four" and self.asked[word] % 2 == 0)
        return "wrong" if is_wrong else f"{word} {word}"


@pytest.fixture
def repeated(project: Project) -> Project:
    """A project whose ten cases are recorded three times each."""
    project.server.answer = Unsteady()
    project.edit("test_words.py", "threshold=0.5", REPEATED)
    result = project.record()
    assert result.ret == pytest.ExitCode.OK, result.outlines
    return project


def sections(project: Project) -> dict[str, list[Any]]:
    document = json.loads(project.cassette().read_text())
    found: dict[str, list[Any]] = {}
    for each in document["interactions"]:
        found.setdefault(each["llmprod"]["case"], []).append(each)
    return found


def test_each_repeat_is_an_item_with_a_recording_of_its_own(repeated: Project) -> None:
    assert len(repeated.server.requests) == 30
    assert list(sections(repeated))[:4] == ["one", "one#2", "one#3", "two"]

    result = repeated.run("-v")

    assert result.parseoutcomes() == {"passed": 27, "missed": 4}
    result.stdout.fnmatch_lines(["*test_doubles?four#2? MISS*", "*test_doubles?four#3? PASSED*"])
    assert len(repeated.server.requests) == 30


def test_the_figures_tell_flaky_cases_from_failing_ones(repeated: Project) -> None:
    document = repeated.data()
    (suite,) = document["suites"]

    assert (suite["repeats"], suite["cases"], suite["answers"], suite["hits"]) == (3, 10, 30, 26)
    assert suite["score"] == pytest.approx(26 / 30)
    assert suite["pass_hat"] == pytest.approx({"1": 26 / 30, "2": (8 + 1 / 3) / 10, "3": 0.8})
    assert suite["flaky"] == [{"id": "four", "hits": 2, "answers": 3, "rate": pytest.approx(2 / 3)}]
    assert suite["failing"] == ["seven"]
    assert [each["repeat"] for each in document["cases"] if each["id"] == "four"] == [1, 2, 3]


def test_the_interval_is_that_of_ten_cases_and_not_of_thirty(repeated: Project) -> None:
    (suite,) = repeated.data()["suites"]
    low, high = suite["interval"]

    # 26 of 30 would be [0.70, 0.95], 26 / 3 of 10 would be [0.55, 0.97].
    assert low < 0.60
    assert high > 0.96
    assert suite["clustered"] is True
    assert ", clustered)" in suite["reason"]


def test_the_summary_names_a_flaky_case_once(repeated: Project) -> None:
    result = repeated.run()

    lines = result.outlines
    start = next(n for n, line in enumerate(lines) if line.startswith("suite"))
    row = lines[start + 1].split()
    assert row[:4] == ["doubling", "10x3", "26", "86.7%"]
    assert lines[start + 2] == "pass^3 0.80; 1 flaky, 1 failing case; interval clustered"
    result.stdout.fnmatch_lines(
        [
            "doubling: 4 misses in 30 answers; run the first alone with:",
            "  pytest --llm-eval 'test_words.py::test_doubles[[]seven#1[]]'",
            "  seven  hit 0 of 3: *",
            "  four  hit 2 of 3: *",
        ]
    )
    assert sum(line.startswith("  four ") for line in lines) == 1
    assert max(map(len, lines[start:])) <= 80


def test_the_page_shows_the_summary_of_repeats(repeated: Project) -> None:
    page = (Path(__file__).parents[1] / "docs" / "evals.md").read_text(encoding="utf-8")
    shown = page.partition("asked three times each:\n\n```\n")[2].partition("```")[0]

    output = repeated.run().stdout.str()

    assert len(shown.splitlines()) == 3
    assert without_times(shown) in without_times(output)
    assert "  four  hit 2 of 3: assert 'wrong' == 'four four'\n" in output


def without_times(text: str) -> str:
    """The text without what differs from run to run: times, and columns as wide as they are."""
    return re.sub(r"\d+ ms|\d\.\d\d s", "a time", re.sub(" +", " ", text))


def test_one_recording_is_not_replayed_as_several(recorded: Project) -> None:
    recorded.edit("test_words.py", "threshold=0.5", REPEATED)

    result = recorded.run()

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert result.parseoutcomes() == {"passed": 9, "failed": 20, "missed": 1}
    result.stdout.fnmatch_lines(
        [
            "*No recording: one#2 is not recorded, only one is",
            "*a recording that is played again shows no variance: each repeat",
            "  mend *--llm-eval --llm-record=once 'test_words.py::test_doubles[[]one#2[]]'",
            "20 requests are in no recording: repeat not recorded 20",
            "record what is missing with: pytest --llm-eval --llm-record=once",
        ]
    )


def test_once_records_the_missing_repeats_and_leaves_the_first_as_they_are(
    recorded: Project,
) -> None:
    first = sections(recorded)
    recorded.edit("test_words.py", "threshold=0.5", REPEATED)

    result = recorded.record("--llm-record=once")

    assert result.ret == pytest.ExitCode.OK
    assert len(recorded.server.requests) == 20
    found = sections(recorded)
    assert len(found) == 30
    assert {case: found[case] for case in first} == first
    assert recorded.run().ret == pytest.ExitCode.OK


def test_fewer_repeats_leave_recordings_that_check_calls_what_they_are(
    repeated: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    repeated.edit("test_words.py", REPEATED, "threshold=0.5")
    monkeypatch.chdir(repeated.path)

    assert repeated.run().ret == pytest.ExitCode.OK
    capsys.readouterr()
    assert main(["cassette", "check"]) == 0
    assert "gone case" not in capsys.readouterr().out

    main(["cassette", "prune"])
    assert len(sections(repeated)) == 30


def test_xdist_finds_the_same(repeated: Project) -> None:
    alone = repeated.data()["suites"]

    assert repeated.data("-n2", subprocess=True)["suites"] == alone


@pytest.mark.parametrize("value", ["0", "-1", "2.0", "True", "'3'", "None"])
def test_repeats_must_be_a_number_of_times(project: Project, value: str) -> None:
    project.edit("test_words.py", "threshold=0.5", f"threshold=0.5, repeats={value}")

    result = project.run()

    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(
        [f"*repeats must be a whole number from 1 up, such as 3, not {value}.*"]
    )


def test_ids_that_read_like_repeats_are_refused(project: Project) -> None:
    project.write_rows(("one", "one#2"))
    project.edit("test_words.py", "threshold=0.5", REPEATED)

    result = project.run()

    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*1 id of the data set end*, the first is*'one#2'*"])


def test_outputs_are_judged_repeat_by_repeat(project: Project) -> None:
    project.write_rows(("one", "two"))
    project.edit("test_words.py", "threshold=0.5", 'threshold=0.5, repeats=2, outputs="out.jsonl"')
    project.edit("test_words.py", "ask(llm_case.input)", "llm_output")
    project.edit("test_words.py", "(llm_case)", "(llm_case, llm_output)")
    rows = [
        {"id": word, "repeat": repeat, "output": f"{word} {word}" if repeat == 1 else word}
        for word in ("one", "two")
        for repeat in (1, 2)
    ]
    write_lines(project.path / "out.jsonl", rows)

    (suite,) = project.data()["suites"]

    assert (suite["hits"], suite["answers"]) == (2, 4)
    assert [each["id"] for each in suite["flaky"]] == ["one", "two"]


def write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_cases_of_one_cluster_count_together(recorded: Project) -> None:
    words = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    (alone,) = recorded.data()["suites"]
    rows = [
        {"id": word, "input": word, "expected": f"{word} {word}", "cluster": str(number // 5)}
        for number, word in enumerate(words)
    ]
    write_lines(recorded.path / "words.jsonl", rows)

    document = recorded.data()
    (together,) = document["suites"]

    assert together["score"] == alone["score"]
    assert together["interval"][0] < alone["interval"][0] - 0.2
    assert document["cases"][0]["cluster"] == "1"  # of "eight", the first by name


def test_a_task_answers_each_repeat_anew(project: Project) -> None:
    project.server.answer = Unsteady()
    project.edit("test_words.py", "threshold=0.5", f"{REPEATED}, task=ask")
    project.edit("test_words.py", "ask(llm_case.input)", "llm_output")
    project.edit("test_words.py", "(llm_case)", "(llm_case, llm_output)")

    recorded = project.record()
    (suite,) = project.data()["suites"]

    assert recorded.ret == pytest.ExitCode.OK
    assert (suite["answers"], suite["hits"]) == (30, 26)
    assert [each["id"] for each in suite["flaky"]] == ["four"]


def test_the_marker_may_name_the_field_of_the_clusters(recorded: Project) -> None:
    words = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    rows = [
        {"id": word, "input": word, "expected": f"{word} {word}", "day": str(number // 5)}
        for number, word in enumerate(words)
    ]
    write_lines(recorded.path / "words.jsonl", rows)
    recorded.edit("test_words.py", "threshold=0.5", 'threshold=0.5, cluster="day"')

    clusters = [each["cluster"] for each in recorded.data()["cases"]]

    assert sorted(clusters) == ["0"] * 5 + ["1"] * 5


@pytest.mark.parametrize("value", ["5", "''", "['day']"])
def test_the_field_of_the_clusters_must_be_a_name(project: Project, value: str) -> None:
    project.edit("test_words.py", "threshold=0.5", f"threshold=0.5, cluster={value}")

    result = project.run()

    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*cluster must be the name of a field of the data set*"])


def test_a_plan_counts_the_repeats_that_are_missing(recorded: Project) -> None:
    recorded.edit("test_words.py", "threshold=0.5", REPEATED)

    result = recorded.run("--llm-plan")

    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["test_doubles * 20 * 20 *"])
