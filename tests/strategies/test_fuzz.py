"""`--llm-fuzz` in runs of pytest, each in a process of its own: its profile is a global one."""

import json

import pytest

REDACTS = """
    import re

    from hypothesis import given
    from pytest_llmprod import strategies as llm_st

    def redact(text):
        return re.sub(r"[a-z.]+@[a-z.]+", "[EMAIL]", text)

    @llm_st.regressions
    @given(doc=llm_st.pii_documents(kinds="email", obfuscations="plain"))
    def test_redacts(doc):
        assert not doc.leaks_in(redact(doc.text))
"""
COUNTS = """
    from hypothesis import given, settings, strategies as st

    seen = []

    @given(number=st.integers())
    def test_numbers(number):
        seen.append(number)

    def test_how_many():
        assert len(seen) == {count}
        assert settings.default.derandomize is {derandomize}
"""


@pytest.fixture
def at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hypothesis looks for these variables of machines for CI."""
    for name in ("CI", "GITHUB_ACTIONS", "GITLAB_CI", "TF_BUILD", "CIRCLECI", "TEAMCITY_VERSION"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("at_home")
def test_a_failure_is_kept_and_tried_first_from_then_on(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_mail=REDACTS)

    fuzzed = pytester.runpytest_subprocess("--llm-fuzz=200")
    later = pytester.runpytest_subprocess("--hypothesis-seed=1")

    [path] = (pytester.path / "regressions" / "test_mail").iterdir()
    kept = json.loads(path.read_text())
    assert kept["test"] == "test_mail.py::test_redacts"
    assert len(kept["input"]["doc"]["text"]) < 30
    assert (pytester.path / ".llmprod" / "examples").is_dir()
    fuzzed.stdout.fnmatch_lines(
        [
            "*--- llmprod ---*",
            f"The failing example is kept in *{path.name}",
            "Commit it: each run tries it first.",
        ]
    )
    later.stdout.fnmatch_lines(["*Failing explicit example: test_redacts(", "*1 failed*"])


@pytest.mark.usefixtures("at_home")
@pytest.mark.parametrize(("options", "count"), [(["--llm-fuzz=150"], 150), ([], 100)])
def test_so_many_examples_are_tried(
    pytester: pytest.Pytester, options: list[str], count: int
) -> None:
    pytester.makepyfile(COUNTS.format(count=count, derandomize=False))

    result = pytester.runpytest_subprocess(*options)

    result.assert_outcomes(passed=2)


@pytest.mark.parametrize(("options", "is_same"), [([], True), (["--llm-fuzz=100"], False)])
def test_ci_tries_the_same_examples_each_time_unless_it_fuzzes(
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    is_same: bool,
) -> None:
    monkeypatch.setenv("CI", "true")
    pytester.makepyfile(COUNTS.format(count=100, derandomize=is_same))

    result = pytester.runpytest_subprocess(*options)

    result.assert_outcomes(passed=2)


@pytest.mark.usefixtures("at_home")
def test_the_profile_of_a_conftest_keeps_the_rest(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        from hypothesis import settings, Verbosity

        settings.register_profile("ours", stateful_step_count=7, max_examples=3)
        settings.load_profile("ours")
        """
    )
    pytester.makepyfile(
        """
        from hypothesis import settings

        def test_settings():
            assert settings.default.stateful_step_count == 7
            assert settings.default.max_examples == 1000
            assert settings.default.deadline is None
        """
    )

    result = pytester.runpytest_subprocess("--llm-fuzz", "-q")

    result.assert_outcomes(passed=1)


@pytest.mark.usefixtures("at_home")
def test_what_fixtures_give_is_not_kept_and_what_cannot_be_kept_is_told(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(
        test_it="""
        import unittest

        import pytest
        from hypothesis import given, strategies as st
        from pytest_llmprod import strategies as llm_st

        @pytest.fixture(scope="module")
        def service():
            return object()

        class TestService:
            @llm_st.regressions
            @pytest.mark.parametrize("least", [3])
            @given(number=st.integers(0, 9))
            def test_numbers(self, service, least, number):
                assert number < least

        class TestUnits(unittest.TestCase):
            @given(number=st.integers(0, 9))
            def test_numbers(self, number):
                assert number < 5

        @given(st.data())
        def test_data(data):
            assert data.draw(st.integers()) == data

        @given(number=st.integers(0, 9))
        def test_two_bugs(number):
            assert number < 4
            if number == 2:
                raise KeyError(number)
        """
    )

    result = pytester.runpytest_subprocess("--llm-fuzz=100", "-n1")

    folder = pytester.path / "regressions" / "test_it"
    kept = sorted((path.name.split("-")[0], path.read_text()) for path in folder.iterdir())
    inputs = [(name, json.loads(text)["input"]) for name, text in kept]
    assert [each for each in inputs if each[0] == "TestService.test_numbers"] == [
        ("TestService.test_numbers", {"number": 3})
    ]
    assert ("TestUnits.test_numbers", {"number": 5}) in inputs
    found = [given["number"] for name, given in inputs if name == "test_two_bugs"]
    assert sorted(found) == [2, 4]
    again = pytester.runpytest_subprocess("-k", "TestService")
    again.stdout.fnmatch_lines(["*Failing explicit example: test_numbers(*"])
    result.stdout.fnmatch_lines(
        ["The failing example is not kept. A value of the type DataObject has no form in JSON*"]
    )


@pytest.mark.usefixtures("at_home")
def test_nothing_is_kept_of_what_is_no_failure(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest
        from hypothesis import given, strategies as st

        @given(number=st.integers(0, 9))
        def test_skips(number):
            if number > 3:
                pytest.skip("as it likes")

        @pytest.mark.xfail
        @given(number=st.integers(0, 9))
        def test_is_known_to_fail(number):
            assert number < 3

        def test_has_no_property():
            assert False
        """
    )

    result = pytester.runpytest_subprocess("--llm-fuzz=50")

    result.assert_outcomes(skipped=1, xfailed=1, failed=1)
    assert not (pytester.path / "regressions").exists()


@pytest.mark.usefixtures("at_home")
def test_a_coroutine_is_watched(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_it="""
        import pytest
        from hypothesis import given, strategies as st

        @pytest.mark.anyio
        @given(number=st.integers(0, 9))
        async def test_numbers(number):
            assert number < 3

        @pytest.fixture(scope="module")
        def anyio_backend():
            return "asyncio"
        """
    )

    pytester.runpytest_subprocess("--llm-fuzz=50")

    [path] = (pytester.path / "regressions" / "test_it").iterdir()
    assert json.loads(path.read_text())["input"] == {"number": 3}


@pytest.mark.parametrize("number", ["0", "-1", "some", "\u0663"])
def test_another_number_is_refused(pytester: pytest.Pytester, number: str) -> None:
    result = pytester.runpytest_inprocess(f"--llm-fuzz={number}")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--llm-fuzz: takes a number of examples, not *"])


def test_a_run_without_it_does_not_import_hypothesis(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_modules():
            assert "hypothesis" not in sys.modules
            assert "pytest_llmprod.strategies" not in sys.modules
        """
    )

    result = pytester.runpytest_subprocess("-p", "no:hypothesispytest")

    result.assert_outcomes(passed=1)


def test_without_hypothesis_the_run_says_what_to_install(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(hypothesis="raise ModuleNotFoundError(name='hypothesis')")
    pytester.makepyfile(test_it="def test_it(): pass")

    result = pytester.run(
        *("env", f"PYTHONPATH={pytester.path}", __import__("sys").executable, "-m", "pytest"),
        *("-p", "no:hypothesispytest", "--llm-fuzz=5"),
    )

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*pip install 'pytest-llmprod[[]strategies]'"])


NONE_TOLD = "llmprod: --llm-fuzz had no test with @given to try; see docs/strategies.md"


@pytest.mark.usefixtures("at_home")
@pytest.mark.parametrize("workers", [(), ("-n1",)], ids=["alone", "xdist"])
def test_a_run_without_a_property_says_that_none_was_tried(
    pytester: pytest.Pytester, workers: tuple[str, ...]
) -> None:
    pytester.makepyfile(
        test_both="""
        from hypothesis import given, strategies as st

        def test_plain():
            pass

        @given(st.integers())
        def test_property(number):
            pass
        """
    )

    without = pytester.runpytest_subprocess("--llm-fuzz=5", "-k", "plain", *workers)
    quiet = pytester.runpytest_subprocess("--llm-fuzz=5", "-q", "-k", "plain", *workers)
    fuzzed = pytester.runpytest_subprocess("--llm-fuzz=5", *workers)
    plain = pytester.runpytest_subprocess("-k", "plain", *workers)

    for result in (without, quiet):
        assert result.outlines.count(NONE_TOLD) == 1
    for result in (fuzzed, plain):
        assert "--llm-fuzz" not in result.stdout.str()


@pytest.mark.usefixtures("at_home")
def test_a_run_that_could_not_collect_does_not_say_that_there_is_no_property(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(test_broken="import no_such_module")

    result = pytester.runpytest_subprocess("--llm-fuzz=5")

    assert NONE_TOLD not in result.outlines


@pytest.mark.usefixtures("at_home")
def test_of_a_worker_that_crashed_nobody_knows_whether_it_had_a_property(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(
        test_crash="""
        import os

        from hypothesis import given, strategies as st

        def test_ends_its_process():
            os._exit(3)

        @given(st.integers())
        def test_property(number):
            pass
        """
    )

    result = pytester.runpytest_subprocess("--llm-fuzz=5", "-n1", "--max-worker-restart=0")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert NONE_TOLD not in result.outlines
