"""Tests that are marked with llm_guardrail fill the matrix of failure modes."""

import json
from typing import Any

import pytest

TESTS = """
    import pytest
    from hypothesis import given, settings, strategies as st

    @pytest.mark.llm_guardrail(feature="triage", kind="injection")
    def test_attack():
        assert {injection}

    @pytest.mark.llm_guardrail(feature="triage", kind="malformed")
    @given(text=st.text(max_size=3))
    @settings(database=None)
    def test_text(text):
        assert text == text

    @pytest.mark.skip
    @pytest.mark.llm_guardrail(feature="triage", kind="output")
    def test_later():
        pass

    def test_of_nothing():
        pass
"""


def modes(pytester: pytest.Pytester) -> list[Any]:
    found: list[Any] = json.loads((pytester.path / "run.json").read_text())["guardrail_tests"]
    return found


def test_what_passed_and_what_failed_stands_in_the_matrix(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_modes=TESTS.format(injection="False"))

    result = pytester.runpytest_inprocess("--llm-json=run.json")

    result.stdout.fnmatch_lines(
        [
            "*= llmprod =*",
            "failure modes of triage: FAILED: hostile input (1 of 1 tests);",
            "  passed: malformed input;",
            "  untested: slow, wrong, down, limited, retired, expensive",
        ]
    )
    (row,) = json.loads((pytester.path / "run.json").read_text())["failure_modes"]
    assert row["modes"]["hostile input"] == "1 of 1 tests"
    assert [(each["mode"], each["passed"], each["examples"]) for each in modes(pytester)] == [
        ("hostile input", False, 0),
        ("malformed input", True, 0),
    ]


def test_fuzzing_says_how_many_examples_a_property_tried(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_modes=TESTS.format(injection="True"))

    pytester.runpytest_subprocess("--llm-json=run.json", "--llm-fuzz=20")  # it loads a profile

    assert [each["examples"] for each in modes(pytester)] == [0, 20]


def test_workers_tell_the_same(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_modes=TESTS.format(injection="True"))

    result = pytester.runpytest_inprocess("-n2", "-q")

    result.stdout.fnmatch_lines(
        [
            "llmprod: failure modes of triage: passed: malformed input, hostile input;",
            "  untested: slow, wrong, down, limited, retired, expensive",
        ]
    )


def test_the_page_and_the_markdown_show_a_feature_that_was_not_drilled(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(test_modes=TESTS.format(injection="True"))

    pytester.runpytest_inprocess("--llm-markdown=run.md", "--llm-html=run.html")

    assert "no drill of triage" in (pytester.path / "run.md").read_text()
    assert "no drill of triage" in (pytester.path / "run.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("kind='pii'", "*feature must be a name, not None*"),
        ("feature='triage', kind='pi'", "*there is no kind 'pi'. Known are *"),
    ],
)
def test_a_wrong_marker_is_told_before_anything_runs(
    pytester: pytest.Pytester, arguments: str, told: str
) -> None:
    pytester.makepyfile(
        test_modes=f"""
        import pytest

        @pytest.mark.llm_guardrail({arguments})
        def test_it():
            pass
        """
    )

    result = pytester.runpytest_inprocess()

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([told])
