"""The accepted run, from inside of pytest: what later runs say of it, and what fails them."""

import json
from pathlib import Path
from typing import Any

import pytest
from loopback import Refused, last_word_doubled
from project import WORDS, Project

from pytest_llmprod.cli import main
from pytest_llmprod.core.text import width

BASELINE = "llmprod-baseline.json"


def accept(project: Project, *arguments: str) -> int:
    return main(["accept", str(project.path / "run.json"), *arguments])


@pytest.fixture
def accepted(recorded: Project) -> Project:
    """A project whose run, 9 of 10 cases hit, is the baseline."""
    recorded.data()
    assert accept(recorded, "-m", "the first one", "--who=Ann") == 0
    return recorded


def baseline(project: Project) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((project.path / BASELINE).read_text())
    return document


def expect_wrong(project: Project, *words: str) -> None:
    """Make the data set expect something else of some words, so that their cases break."""
    path = project.path / "words.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for row in rows:
        row["expected"] = "else" if row["id"] in words else row["expected"]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def since(result: pytest.RunResult) -> list[str]:
    return [line for line in result.outlines if "since the baseline" in line]


def test_a_run_that_changed_nothing_is_silent(accepted: Project) -> None:
    result = accepted.run("-v")

    assert result.ret == pytest.ExitCode.OK
    assert since(result) == []
    result.stdout.fnmatch_lines(["*test_doubles::baseline PASSED*"])


def test_without_a_baseline_nothing_is_compared(recorded: Project) -> None:
    assert "::baseline" not in recorded.run("-v").stdout.str()


def test_newly_broken_cases_are_told_in_one_line_and_do_not_fail_the_run(
    accepted: Project,
) -> None:
    expect_wrong(accepted, "two")

    result = accepted.run()

    day = baseline(accepted)["accepted"]["when"][:10]
    assert result.ret == pytest.ExitCode.OK
    assert since(result) == [f"doubling since the baseline of {day}: 1 newly broken (two)"]


def test_many_newly_broken_cases_fail_the_run(accepted: Project) -> None:
    expect_wrong(accepted, *WORDS)

    result = accepted.run()

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*worse than the accepted run of 20*", "doubling *INFERIOR"])
    result.stdout.fnmatch_lines(["FAILED test_words.py::test_doubles::baseline - worse than*"])
    assert all(width(line) <= 80 for line in since(result))


def test_a_case_that_left_the_data_set_fails_the_run_and_is_named(accepted: Project) -> None:
    accepted.write_rows(tuple(word for word in WORDS if word != "three"))
    accepted.edit("test_words.py", "threshold=0.5", "threshold=0.1")

    result = accepted.run("--llm-record=none")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        ["*`llmprod accept run.json -m WHY`*", "  not in the new run: three"]
    )
    assert "1 missing (three)" in since(result)[0]


def test_a_run_that_only_lacks_cases_is_not_called_worse(accepted: Project) -> None:
    accepted.write_rows(tuple(word for word in WORDS if word != "three"))

    result = accepted.run()

    result.stdout.fnmatch_lines(
        [
            "1 case is missing: three; the accepted run of 20* has it. Where this is meant*",
            "FAILED test_words.py::test_doubles::baseline - 1 case is missing: three*",
        ]
    )
    result.stdout.no_fnmatch_line("*worse than*")


def test_a_run_that_is_worse_and_lacks_cases_says_both(accepted: Project) -> None:
    accepted.write_rows(tuple(word for word in WORDS if word != "three"))
    expect_wrong(accepted, *WORDS)

    result = accepted.run()

    result.stdout.fnmatch_lines(
        ["worse than the accepted run of 20*; 1 case is missing: three. Where this is meant*"]
    )


def test_a_quiet_run_names_the_cases_that_are_missing(accepted: Project) -> None:
    accepted.write_rows(tuple(word for word in WORDS if word not in ("three", "four")))

    result = accepted.run("-q", "--tb=no")

    day = baseline(accepted)["accepted"]["when"][:10]
    result.stdout.fnmatch_lines(
        [
            "llmprod: doubling 7/8 *",
            f"llmprod: doubling since the baseline of {day}: 2 missing (four, three)",
        ]
    )


def test_accepting_the_run_is_the_way_to_move_on(accepted: Project) -> None:
    accepted.write_rows(tuple(word for word in WORDS if word != "three"))
    accepted.data()

    assert accept(accepted, "-m", "three is no word") == 0

    assert accepted.run().ret == pytest.ExitCode.OK
    assert [row["id"] for row in baseline(accepted)["cases"]] == sorted(set(WORDS) - {"three"})


def test_a_case_that_is_skipped_now_is_gone(accepted: Project) -> None:
    accepted.edit(
        "test_words.py",
        "    assert ask",
        "    if llm_case.id == 'four':\n        pytest.skip('hard')\n    assert ask",
    )

    result = accepted.run()

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["  not in the new run: four"])


def test_a_test_that_is_gone_is_a_regression(accepted: Project) -> None:
    accepted.edit("test_words.py", "def test_doubles", "def test_doubles_too")
    accepted.record()

    result = accepted.run()

    result.stdout.fnmatch_lines(["FAILED test_words.py::test_doubles::baseline - 10 cases are*"])
    assert "10 missing" in since(result)[0]


def test_the_only_eval_that_is_gone_is_a_regression_too(accepted: Project) -> None:
    (accepted.path / "test_words.py").write_text("def test_nothing(): ...\n")

    result = accepted.run()

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["FAILED test_words.py::test_doubles::baseline - 10 cases are*"])


@pytest.mark.parametrize("arguments", [("-k", "nothing"), ("--collect-only",)])
def test_a_run_without_evals_that_is_none_of_all_is_not_compared(
    accepted: Project, arguments: tuple[str, ...]
) -> None:
    (accepted.path / "test_words.py").write_text("def test_nothing(): ...\n")

    assert accepted.run(*arguments).ret == pytest.ExitCode.OK


def test_a_test_of_a_file_that_was_not_named_is_none(accepted: Project) -> None:
    (accepted.path / "test_more.py").write_text(
        (accepted.path / "test_words.py").read_text().replace("test_doubles", "test_more")
    )
    accepted.record("test_more.py")

    result = accepted.run("test_more.py")

    assert result.ret == pytest.ExitCode.OK
    assert since(result) == []


@pytest.mark.parametrize(
    "arguments", [("-k", "two"), ("test_words.py::test_doubles[two]",), ("--llm-record=verify",)]
)
def test_a_run_of_a_part_is_not_compared(accepted: Project, arguments: tuple[str, ...]) -> None:
    expect_wrong(accepted, "two")

    result = accepted.run("-v", *arguments)

    assert "::baseline" not in result.stdout.str()
    assert since(result) == []


def test_another_model_shows_as_such(accepted: Project) -> None:
    accepted.record("--llm-swap=gpt-test=gpt-other")

    result = accepted.run("--llm-swap=gpt-test=gpt-other")

    assert result.ret == pytest.ExitCode.OK
    (line,) = since(result)
    assert line.endswith("model now gpt-other-2026-01-01")


def test_the_margin_is_that_of_the_accepted_run(recorded: Project) -> None:
    recorded.edit("test_words.py", "threshold=0.5", "threshold=0.1, margin=0.99")
    recorded.data()
    accept(recorded, "--who=Ann")
    recorded.edit("test_words.py", "margin=0.99", "margin=0")
    expect_wrong(recorded, *WORDS[:8])

    result = recorded.run("-v")

    assert baseline(recorded)["suites"][0]["margin"] == 0.99
    result.stdout.fnmatch_lines(["*test_doubles::baseline PASSED*"])


def test_no_run_moves_the_baseline(accepted: Project) -> None:
    before = (accepted.path / BASELINE).read_bytes()
    expect_wrong(accepted, "two")

    accepted.run("--llm-json=run.json")
    accepted.record()

    assert (accepted.path / BASELINE).read_bytes() == before


def test_a_baseline_that_cannot_be_read_fails_the_run_and_says_what_mends_it(
    accepted: Project,
) -> None:
    (accepted.path / BASELINE).write_text("{")

    result = accepted.run()

    result.stdout.fnmatch_lines(["FAILED llmprod-baseline.json::read*"])
    assert "Restore it from version control" in result.stdout.str()


def test_workers_find_the_same(accepted: Project) -> None:
    accepted.write_rows(tuple(word for word in WORDS if word != "three"))

    result = accepted.run("-n2", subprocess=True)

    result.stdout.fnmatch_lines(["FAILED test_words.py::test_doubles::baseline*"])
    assert "1 missing (three)" in since(result)[0]


def test_a_quiet_run_stays_one_line(accepted: Project) -> None:
    expect_wrong(accepted, "two")

    ours = [line for line in accepted.run("-q").outlines if "baseline" in line]

    assert ours == []


def test_one_run_is_compared_with_the_baseline(
    accepted: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    expect_wrong(accepted, "two")
    accepted.data()
    capsys.readouterr()

    status = main(["compare", str(accepted.path / "run.json")])

    assert status == 0
    assert "  newly broken: two\n" in capsys.readouterr().out


def test_the_baseline_shows_no_answer_for_it_keeps_none(
    accepted: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    expect_wrong(accepted, "two")
    accepted.data()
    capsys.readouterr()

    main(["compare", str(accepted.path / "run.json"), "--show", "two"])

    assert capsys.readouterr().out.splitlines()[1:] == [
        "  expected  else",
        "  old       gpt-test-2026-01-01, hit",
        "            (no output was kept)",
        "  new       gpt-test-2026-01-01, miss: assert 'two two' == 'else'",
        "            two two",
    ]


def test_who_accepted_what_and_why_is_kept(accepted: Project) -> None:
    made = baseline(accepted)

    assert (made["accepted"]["who"], made["accepted"]["why"]) == ("Ann", "the first one")
    (suite,) = made["suites"]
    assert suite["model"] == "gpt-test-2026-01-01"
    assert suite["threshold"] == 0.5
    assert len(suite["dataset_sha256"]) == 64
    assert made["cases"][0]["tokens"] == 1100
    assert not [row for row in made["cases"] if "output" in row or "expected" in row]
    (line,) = (accepted.path / "llmprod-history.jsonl").read_text().splitlines()
    row = json.loads(line)
    assert (row["kind"], row["who"], row["why"]) == ("accepted", "Ann", "the first one")
    assert row["suites"][0]["cases"] == 10


def stored(project: Project, **changes: Any) -> dict[str, Any]:
    """Change the first suite of the stored run, and return the whole."""
    path = project.path / "run.json"
    document: dict[str, Any] = json.loads(path.read_text())
    document["suites"][0] |= changes
    path.write_text(json.dumps(document))
    return document


REPORT_ONLY = {"verdict": None, "reason": "no", "judge": {"report_only": "was never calibrated"}}


def test_a_metric_that_is_report_only_is_no_part_of_the_baseline(recorded: Project) -> None:
    recorded.data()
    decided = stored(recorded)["suites"][0]
    document = stored(recorded, metric="polite", **REPORT_ONLY)
    document["suites"].append(decided)
    (recorded.path / "run.json").write_text(json.dumps(document))

    assert accept(recorded) == 0

    assert [each["metric"] for each in baseline(recorded)["suites"]] == ["passed"]
    assert len(baseline(recorded)["cases"]) == 10


def test_a_run_in_which_nothing_decides_is_not_accepted(
    recorded: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded.data()
    stored(recorded, **REPORT_ONLY)

    assert accept(recorded) == 1
    assert "this run has no suite that decides" in capsys.readouterr().err


def test_the_baseline_keeps_which_cases_hang_together(recorded: Project) -> None:
    path = recorded.path / "words.jsonl"
    rows = [json.loads(line) | {"cluster": "c"} for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    recorded.data()

    assert accept(recorded) == 0

    assert {each["cluster"] for each in baseline(recorded)["cases"]} == {"c"}


def test_a_run_of_a_part_is_not_accepted(
    recorded: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded.data("-k", "two")
    capsys.readouterr()

    assert accept(recorded) == 1

    text = capsys.readouterr().err
    assert "test_doubles was not judged: only a part of the suite ran" in text
    assert "`pytest --llm-eval --llm-json=run.json`" in text
    assert not (recorded.path / BASELINE).exists()
    assert not (recorded.path / "llmprod-history.jsonl").exists()


@pytest.mark.parametrize(
    "option",
    ["--llm-models=gpt-test,gpt-other", "--llm-swap=gpt-test=gpt-other", "--llm-model=gpt-other"],
)
def test_a_run_of_other_models_is_not_accepted(
    recorded: Project, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded.record(option)
    recorded.data(option)
    capsys.readouterr()

    assert accept(recorded) == 1
    assert f"this run asked other models ({option})" in capsys.readouterr().err
    assert not (recorded.path / BASELINE).exists()


def test_a_run_is_accepted_in_its_own_folder_only(
    recorded: Project,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    recorded.data()
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()

    assert accept(recorded) == 1
    assert "in the folder that pytest calls rootdir" in capsys.readouterr().err


def test_what_did_not_run_stays_in_the_baseline(
    accepted: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    (accepted.path / "test_more.py").write_text(
        (accepted.path / "test_words.py").read_text().replace("test_doubles", "test_more")
    )
    accepted.record("test_more.py")
    accepted.data("test_more.py")
    capsys.readouterr()

    accept(accepted, "--who=Ann")

    assert [suite["test"] for suite in baseline(accepted)["suites"]] == [
        "test_more.py::test_more",
        "test_words.py::test_doubles",
    ]
    assert "kept as it was, for it did not run: test_words.py::test_doubles" in (
        capsys.readouterr().out
    )


AGAIN = """
def again(client):
    messages = [{"role": "user", "content": "Double this word: again"}]
    client.chat.completions.create(model="gpt-test", messages=messages)
"""


def lengthen(project: Project) -> None:
    """Let the feature ask once more; each call reports the tokens of the server."""
    project.edit("feature.py", "    client.close()", "    again(client)\n    client.close()")
    path = project.path / "feature.py"
    path.write_text(f"{path.read_text()}\n{AGAIN}")


def test_one_more_call_in_each_case_fails_the_run(accepted: Project) -> None:
    lengthen(accepted)
    accepted.record("--llm-json=run.json")

    result = accepted.run("-v", "--llm-json=run.json", "--llm-markdown=run.md")

    day = baseline(accepted)["accepted"]["when"][:10]
    told = "+100.0% input tokens in 10 of 10 cases, +10 calls in 10 of 10 cases"
    (found,) = json.loads((accepted.path / "run.json").read_text())["growth"]
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert " ".join(" ".join(result.outlines).split()).count(told) >= 2
    result.stdout.fnmatch_lines(
        [
            "*test_doubles::growth FAILED*",
            f"asks more than the accepted run of {day}: {told}; input tokens and calls may grow by "
            "10% each. Where this is meant, the prompt says more on purpose for instance, make *",
            f"doubling since the baseline of {day}: *",
        ]
    )
    assert (found["calls"]["before"], found["calls"]["now"], found["too_much"]) == (10, 20, True)
    assert "input tokens in 10 of 10 cases" in (accepted.path / "run.md").read_text()


def test_a_run_that_asks_the_same_says_nothing_of_growth(accepted: Project) -> None:
    accepted.data()
    result = accepted.run("-v", "--llm-json=run.json")

    (found,) = json.loads((accepted.path / "run.json").read_text())["growth"]
    assert since(result) == []
    assert found["calls"] == {"before": 10, "now": 10, "share": 0, "cases": 10, "changed": 0}
    result.stdout.fnmatch_lines(["*test_doubles::growth PASSED*"])


def test_a_growth_that_was_accepted_is_none(accepted: Project) -> None:
    lengthen(accepted)
    accepted.record("--llm-json=run.json")
    assert accept(accepted, "-m", "asks twice", "--who=Ann") == 0

    assert accepted.run().ret == pytest.ExitCode.OK
    assert [case["calls"] for case in baseline(accepted)["cases"]] == [2] * 10


def test_tries_again_are_no_calls(accepted: Project) -> None:
    accepted.edit("feature.py", "max_retries=0", "max_retries=2")
    refusals = [Refused(503)]

    def answer(body: dict[str, Any]) -> str:
        if refusals:
            raise refusals.pop()
        return last_word_doubled(body)

    accepted.server.answer = answer
    accepted.record("--llm-json=run.json")

    document = json.loads((accepted.path / "run.json").read_text())
    (found,) = document["growth"]
    assert sum(each["requests"] for each in document["suites"]) == 11
    assert found["calls"]["now"] == 10
    assert found["input_tokens"]["changed"] == 0


def test_the_page_and_the_markdown_put_a_run_beside_the_accepted_ones(accepted: Project) -> None:
    accepted.run("--llm-html=run.html", "--llm-markdown=run.md")

    day = baseline(accepted)["accepted"]["when"][:10]
    page = (accepted.path / "run.html").read_text().partition('<h2 id="trend">')[2]
    text = (accepted.path / "run.md").read_text().partition("### Trend over accepted runs")[2]
    assert page.count('<td class="n">90.0%</td><td class="n">[59.6, 98.2]</td>') == 2
    assert f"| suite | {day} | this run |" in text
    assert "| 90.0% [59.6, 98.2] | 90.0% [59.6, 98.2] |" in text
