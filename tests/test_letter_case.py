"""Tests whose names differ in letter case alone would share a cassette on some systems."""

import pytest
from project import EVAL, Project

PLAIN = """
    import pytest
    from feature import ask

    @pytest.mark.llm_cassette
    def test_asks():
        assert ask("one")

    @pytest.mark.llm_cassette
    def test_Asks():
        assert ask("two")
"""
CLASSES = """
    from feature import ask

    class TestQA:
        def test_asks(self, llm_cassette):
            assert ask("one")

    class TestQa:
        def test_asks(self, llm_cassette):
            assert ask("two")
"""


@pytest.mark.parametrize(
    ("tests", "one", "other"),
    [(PLAIN, "test_asks", "test_Asks"), (CLASSES, "TestQA::test_asks", "TestQa::test_asks")],
    ids=["functions", "classes"],
)
def test_two_tests_that_differ_in_letter_case_alone_are_refused(
    project: Project, tests: str, one: str, other: str
) -> None:
    project.pytester.makepyfile(test_words=tests)

    result = project.record()

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert project.server.requests == []
    result.stderr.fnmatch_lines(
        [
            f"*test_words.py::{one} and test_words.py::{other} differ in letter case alone: *"
            "Give one of them another name;*"
        ]
    )


def test_workers_tell_it_once_and_run_no_test(project: Project) -> None:
    project.pytester.makepyfile(test_words=PLAIN)

    result = project.record("-n2")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert project.server.requests == []
    result.assert_outcomes(errors=1)
    result.stdout.no_fnmatch_line("*INTERNALERROR*")
    result.stdout.fnmatch_lines(["test_words.py::test_asks and * differ in letter case alone: *"])


def test_tests_that_record_nothing_may_have_any_names(project: Project) -> None:
    project.pytester.makepyfile(
        test_words=f"{EVAL}\n    def test_Doubles():\n        pass\n",
        test_plain="def test_a(): pass\ndef test_A(): pass",
    )

    project.record().assert_outcomes(passed=13)


def test_cases_that_differ_in_letter_case_alone_have_recordings_of_their_own(
    project: Project,
) -> None:
    project.write_rows(("Refund", "refund"))

    project.record().assert_outcomes(passed=3)  # with the gate
    project.run().assert_outcomes(passed=3)

    assert len(project.server.requests) == 2


def test_files_of_other_folders_may_have_equal_names(project: Project) -> None:
    for folder, name in (("one", "test_asks"), ("two", "test_Asks")):
        project.pytester.mkpydir(folder)
        text = f"from feature import ask\n\ndef {name}(llm_cassette):\n    assert ask('one')\n"
        (project.path / folder / "test_it.py").write_text(text)

    project.record("one", "two").assert_outcomes(passed=2)
