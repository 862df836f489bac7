"""`pytest --llm-audit` closes the summary, and runs leave the evidence that an audit reads."""

import json
from typing import Any

import pytest
from project import Project

GUARDS = """
import pytest

@pytest.mark.llm_guardrail(feature="doubling", kind="pii")
@pytest.mark.parametrize("number", [1, 2])
def test_redacts(number):
    assert number < {most}
"""


def history(project: pytest.Pytester) -> list[dict[str, Any]]:
    path = project.path / "llmprod-history.jsonl"
    text = path.read_text() if path.exists() else ""
    return [json.loads(line) for line in text.splitlines()]


def test_the_audit_closes_the_summary_and_leaves_the_exit_status(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile("def test_a(): pass")

    result = pytester.runpytest_inprocess("--llm-audit")

    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "*= llmprod audit =*",
            "level: none  (no feature)",
            "first to mend: dataset-frozen, *",
            "handed over: 0 of 3 lines",
            "*1 passed*",
        ]
    )


def test_a_quiet_run_tells_the_level_and_what_is_first_to_mend(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_a(): pass")

    result = pytester.runpytest_inprocess("--llm-audit", "-q")

    result.stdout.fnmatch_lines(["llmprod: level: none  (no feature)", "first to mend: *"])
    result.stdout.no_fnmatch_line("*handed over: *")


def test_without_the_option_nothing_is_audited(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_a(): pass")

    pytester.runpytest_inprocess().stdout.no_fnmatch_line("*level:*")


def test_wrong_settings_are_told_in_its_place(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_a(): pass")
    pytester.makepyprojecttoml("[tool.llmprod.audit]\nreprot = 1\n")

    result = pytester.runpytest_inprocess("--llm-audit")

    assert result.ret == 0
    result.stdout.fnmatch_lines(["llmprod: *Did you mean 'report'?*"])


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["alone", "xdist"])
def test_guardrail_tests_that_pass_leave_a_line(
    pytester: pytest.Pytester, workers: tuple[str, ...]
) -> None:
    pytester.makepyfile(GUARDS.format(most=3))

    pytester.runpytest(*workers)

    (row,) = history(pytester)
    assert row["kind"] == "guardrail"
    assert (row["feature"], row["guard"], row["tests"]) == ("doubling", "pii", 2)
    assert row["when"]


def test_the_same_is_noted_once_a_day(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(GUARDS.format(most=3))

    pytester.runpytest_inprocess()
    pytester.runpytest_inprocess()

    assert len(history(pytester)) == 1


@pytest.mark.parametrize(
    ("most", "options"),
    [(2, ()), (3, ("-k", "1")), (3, ("-m", "llm_guardrail")), (3, ("--deselect=a",))],
)
def test_a_failure_or_a_part_of_the_tests_is_no_evidence(
    pytester: pytest.Pytester, most: int, options: tuple[str, ...]
) -> None:
    pytester.makepyfile(GUARDS.format(most=most))

    pytester.runpytest_inprocess(*options)

    assert history(pytester) == []


def test_skipped_tests_are_no_evidence(pytester: pytest.Pytester) -> None:
    text = GUARDS.format(most=3).replace("assert number < 3", "pytest.skip('not here')")
    pytester.makepyfile(text)

    pytester.runpytest_inprocess()

    assert history(pytester) == []


OWN_LOG = """
import json
import logging

from openai import OpenAI


def ask():
    messages = [{"role": "user", "content": "Is the teapot dishwasher safe?"}]
    raw = OpenAI(api_key="k").chat.completions.create(model="gpt-test", messages=messages)
    told = {"input": messages, "output": raw.choices[0].message.content, "model": raw.model}
    logging.getLogger("app").info(json.dumps({**told, "request_id": raw.id}))


def test_logs(llm_records, llm_script):
    llm_script.reply("Yes.")
"""
LOGGED = ["    ask()", '    llm_records.assert_complete(["input", "output", "model"])']


@pytest.mark.parametrize("lines", [[], LOGGED[:1], LOGGED[1:]], ids=["none", "ask", "assert"])
def test_a_test_of_the_own_log_that_shows_nothing_is_no_evidence(
    pytester: pytest.Pytester, lines: list[str]
) -> None:
    pytester.makepyfile("\n".join([OWN_LOG, *lines]))

    result = pytester.runpytest_inprocess()

    result.assert_outcomes(passed=1)
    assert history(pytester) == []


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["alone", "xdist"])
def test_a_test_of_the_own_log_leaves_a_line(
    pytester: pytest.Pytester, workers: tuple[str, ...]
) -> None:
    pytester.makepyfile("\n".join([OWN_LOG, *LOGGED]))

    pytester.runpytest(*workers)

    (row,) = history(pytester)
    assert (row["kind"], row["tests"]) == ("contract", 1)


def test_a_comparison_of_models_leaves_a_line_for_each_new_one(project: Project) -> None:
    project.record("--llm-models=gpt-test,gpt-new")

    rows = [row for row in history(project.pytester) if row["kind"] == "swap"]
    assert [(row["feature"], row["old"], row["new"]) for row in rows] == [
        ("doubling", "gpt-test", "gpt-new")
    ]
    assert rows[0]["verdict"] in ("NON-INFERIOR", "INCONCLUSIVE")


def test_the_bound_of_each_rate_is_on_its_own_side(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest
        from pytest_llmprod import strategies as llm_st
        from pytest_llmprod.guardrails import score_redactor


        @pytest.mark.llm_guardrail(feature="doubling", kind="pii")
        def test_scores():
            documents = llm_st.sample(llm_st.pii_documents(), 3)
            score_redactor(lambda text: "", documents, ["nothing"])
        """
    )

    pytester.runpytest_inprocess()

    (row,) = history(pytester)
    assert {name: bound[:2] for name, bound in row["bounds"].items()} == {
        "recall": ">=",
        "false positives": "<=",
        "over-redaction": "<=",
        "idempotence": ">=",
        "stability": ">=",
    }
