"""Gates are written by whole runs only, and say what those runs found."""

import json
import re
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from loopback import Busy
from project import WORDS, Project

TWO_EVALS = """
    import pytest

    @pytest.mark.llm_eval(feature="f", dataset="words.jsonl", threshold=0.5)
    def test_good(llm_case):
        pass

    @pytest.mark.slow
    @pytest.mark.llm_eval(feature="f", dataset="words.jsonl", threshold=0.5)
    def test_bad(llm_case):
        assert False
"""


@pytest.fixture
def closed(project: Project) -> Project:
    """A project whose gate is closed by one of two evals."""
    project.pytester.makeini("[pytest]\nmarkers = slow: takes long\n")
    project.pytester.makepyfile(test_words=TWO_EVALS)
    assert project.run().ret == pytest.ExitCode.TESTS_FAILED
    assert project.gates()["f"]["enabled"] is False
    return project


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["-m", "not slow"], "10 evals were deselected"),
        (["--deselect", "test_words.py::test_bad"], "10 evals were deselected"),
        (["test_words.py::test_good"], "single tests were named"),
        (["-m", "not slow", "-n2"], "10 evals were deselected"),
    ],
)
def test_leaving_out_the_bad_eval_does_not_open_the_gate(
    closed: Project, arguments: list[str], reason: str
) -> None:
    result = closed.run(*arguments, subprocess=True)

    assert result.ret == pytest.ExitCode.OK
    assert closed.gates()["f"]["enabled"] is False
    result.stdout.fnmatch_lines([f"gates not written: {reason}"])


def test_a_file_that_cannot_be_collected_keeps_the_gates_as_they_are(closed: Project) -> None:
    closed.pytester.makepyfile(test_words=TWO_EVALS.split("    @pytest.mark.slow")[0])
    closed.pytester.makepyfile(test_other="import nothing_of_that_name")

    result = closed.run("--continue-on-collection-errors")

    assert closed.gates()["f"]["enabled"] is False
    result.stdout.fnmatch_lines(["gates not written: not every file could be collected"])


def test_an_eval_that_is_gone_leaves_the_gate_of_the_others(closed: Project) -> None:
    closed.pytester.makepyfile(test_words=TWO_EVALS.split("    @pytest.mark.slow")[0])

    result = closed.run()

    assert result.ret == pytest.ExitCode.OK
    assert closed.gates()["f"]["enabled"] is True


def test_cases_without_a_recording_are_no_judgement_of_the_model(recorded: Project) -> None:
    before = recorded.gates()
    recorded.edit("feature.py", "Double this word:", "Please double this word:")

    result = recorded.run()

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert result.parseoutcomes() == {"failed": 10}
    assert recorded.gates() == before
    result.stdout.fnmatch_lines(["gates not written: not every case was judged"])


def test_a_run_with_another_model_leaves_the_gates_of_the_application(recorded: Project) -> None:
    before = (recorded.path / "llmprod-gates.json").read_text()
    recorded.server.answer = lambda body: "wrong"

    result = recorded.record("--llm-swap=gpt-test=gpt-other")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert (recorded.path / "llmprod-gates.json").read_text() == before


def test_gates_are_not_carried_along_by_last_failed(closed: Project) -> None:
    cache = closed.path / ".pytest_cache" / "v" / "cache" / "lastfailed"

    failed = json.loads(cache.read_text()) if cache.exists() else {}

    assert failed == {}


def test_verbose_progress_ends_at_100_percent(closed: Project) -> None:
    result = closed.run("-v")

    assert "[100%]" in result.stdout.str()
    assert "[10" not in result.stdout.str().replace("[100%]", "")


def test_junit_keeps_the_figures_of_a_gate(recorded: Project) -> None:
    recorded.run("--junit-xml=junit.xml")

    cases = ET.parse(recorded.path / "junit.xml").getroot().iter("testcase")
    gate = next(case for case in cases if case.get("name") == "gate")
    found = {each.get("name"): each.get("value") for each in gate.iter("property")}
    assert found["llmprod_score"] == "0.900000"
    assert found["llmprod_verdict"] == "PASS"


def test_parameters_that_print_alike_are_suites_of_their_own(project: Project) -> None:
    project.pytester.makepyfile(
        test_words="""
        import pytest

        @pytest.mark.llm_eval(feature="f", dataset="words.jsonl", threshold=0.5)
        @pytest.mark.parametrize("v", [1, "1", "a::b", "\\x1b[31m"])
        def test_v(llm_case, v):
            assert v == 1
        """
    )

    suites = project.data("--junit-xml=junit.xml")["suites"]

    assert sorted(suite["hits"] for suite in suites) == [0, 0, 0, 10]
    names = {case.get("name") for case in ET.parse(project.path / "junit.xml").iter("testcase")}
    assert sum(str(name).startswith("gate[") for name in names) == 4
    assert not [name for name in names if "\x1b" in str(name)]


def test_nested_classes_of_one_name_have_tapes_of_their_own(project: Project) -> None:
    project.pytester.makepyfile(
        test_words="""
        import pytest
        from feature import ask

        class TestA:
            class TestX:
                @pytest.mark.llm_cassette
                def test_it(self):
                    assert ask("one") == "one one"

        class TestB:
            class TestX:
                @pytest.mark.llm_cassette
                def test_it(self):
                    assert ask("two") == "two two"
        """
    )

    project.record("--llm-record=once")

    names = sorted(path.name for path in project.cassette().parent.iterdir())
    assert names == ["TestA.TestX.test_it.gpt-test.json", "TestB.TestX.test_it.gpt-test.json"]
    assert project.run().parseoutcomes() == {"passed": 2}


def test_an_expected_crash_is_an_error_and_no_miss(recorded: Project) -> None:
    recorded.edit(
        "test_words.py",
        "def test_doubles(llm_case):",
        '@pytest.mark.xfail(reason="flaky")\ndef test_doubles(llm_case):\n    1 / 0',
    )

    data = recorded.data()

    assert {case["outcome"] for case in data["cases"]} == {"error"}
    assert data["cases"][0]["why"] == "expected to fail: flaky"
    assert data["suites"][0]["verdict"] == "FAIL"


@pytest.mark.parametrize("kind", ["AssertionError", "RuntimeError"])
def test_an_exception_whose_text_cannot_be_had_breaks_no_run(recorded: Project, kind: str) -> None:
    recorded.edit(
        "test_words.py",
        "import pytest",
        f"import pytest\n\nclass Odd({kind}):\n    def __str__(self):\n        raise ValueError\n",
    )
    recorded.edit("test_words.py", "    assert ask", "    raise Odd\n    assert ask")

    data = recorded.data()

    assert len(data["cases"]) == 10
    assert data["suites"][0]["hits"] == 0


def test_commands_are_relative_to_where_pytest_was_started(
    recorded: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    (recorded.path / "pytest.ini").write_text("[pytest]\n")
    folder = recorded.path / "below"
    folder.mkdir()
    for name in ("feature.py", "test_words.py", "words.jsonl", "cassettes"):
        (recorded.path / name).rename(folder / name)
    monkeypatch.chdir(folder)

    result = recorded.run()

    result.stdout.fnmatch_lines(["  pytest --llm-eval 'test_words.py::test_doubles?seven?'"])
    again = recorded.run("test_words.py::test_doubles[seven]")
    assert again.parseoutcomes() == {"missed": 1}


def test_a_marker_that_stands_twice_is_refused(project: Project) -> None:
    project.edit("test_words.py", "@pytest", "@pytest.mark.llm_eval(feature='g')\n@pytest")

    result = project.run()

    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*stands twice above this function*"])


@pytest.mark.parametrize(
    "body",
    [
        """
        import pytest, unittest

        class TestOld(unittest.TestCase):
            @pytest.mark.llm_eval(feature="f", dataset="nope", threshold=5)
            def test_it(self): pass
        """,
        """
        import pytest

        mark = pytest.mark.llm_eval(feature="f", dataset="nope", threshold=5)

        @pytest.mark.parametrize("v", [pytest.param(1, marks=mark)])
        def test_it(v): pass
        """,
    ],
)
@pytest.mark.parametrize("name", ["llm_eval", "llm_drill"])
def test_a_marker_that_would_do_nothing_is_refused(project: Project, body: str, name: str) -> None:
    project.pytester.makepyfile(test_words=body.replace("llm_eval", name))

    result = project.run()

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*test_it*: the {name} marker works on a test function*"])


def test_a_fixture_of_ours_in_another_test_says_what_it_needs(project: Project) -> None:
    project.pytester.makepyfile(
        test_words="""
        def test_a(llm_score): pass
        def test_b(request): request.getfixturevalue("llm_client")
        """
    )

    result = project.run()

    assert result.parseoutcomes() == {"errors": 1, "failed": 1}
    assert result.stdout.str().count("needs a test that records and replays") >= 2


def test_a_task_is_not_called_for_cases_that_are_marked_to_be_skipped(project: Project) -> None:
    project.pytester.makeconftest(
        """
        import pytest

        def pytest_collection_modifyitems(items):
            items[0].add_marker(pytest.mark.skip(reason="not today"))
        """
    )
    project.pytester.makepyfile(
        test_words="""
        import pytest

        called = []

        @pytest.mark.llm_eval(feature="f", dataset="words.jsonl", threshold=0, task=called.append)
        def test_it(llm_case):
            assert "one" not in called
            assert len(called) == 9
        """
    )

    suite = project.data()["suites"][0]

    assert (suite["hits"], suite["skipped"]) == (9, 1)


def test_a_runner_that_keeps_its_loop_gives_each_test_its_own_tape(recorded: Project) -> None:
    recorded.pytester.makeconftest(
        """
        import asyncio, inspect, pytest

        runner = asyncio.Runner()

        @pytest.hookimpl(tryfirst=True)
        def pytest_pyfunc_call(pyfuncitem):
            if inspect.iscoroutinefunction(pyfuncitem.obj):
                names = pyfuncitem._fixtureinfo.argnames
                arguments = {name: pyfuncitem.funcargs[name] for name in names}
                runner.run(pyfuncitem.obj(**arguments))
                return True

        def pytest_sessionfinish():
            runner.close()
        """
    )
    recorded.pytester.makepyfile(
        test_words="""
        import asyncio, pytest
        from feature import ask

        @pytest.mark.llm_eval(feature="doubling", dataset="words.jsonl", threshold=0.5)
        async def test_doubles(llm_case):
            answer = await asyncio.to_thread(ask, llm_case.input)
            assert answer == llm_case.expected
        """
    )

    suite = recorded.data()["suites"][0]

    assert (suite["hits"], suite["requests"]) == (9, 10)


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_a_swap_that_met_no_request_fails_the_run_and_judges_nothing(
    recorded: Project, workers: str
) -> None:
    before = (recorded.path / "llmprod-gates.json").read_bytes()

    result = recorded.run("--llm-swap=gpt-tset=gpt-other", workers, subprocess=workers == "-n2")

    line = "--llm-swap gpt-tset=gpt-other met no request; asked: gpt-test"
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert result.outlines.count(line) == 1
    assert "gate doubling: not judged" in result.outlines
    result.stdout.fnmatch_lines(["doubling *not judged*", f"gates not written: {line}"])
    assert "run the first alone" not in result.stdout.str()
    assert (recorded.path / "llmprod-gates.json").read_bytes() == before


def test_a_swap_that_met_no_request_of_a_test_that_is_no_eval_is_told(project: Project) -> None:
    project.pytester.makepyfile(
        test_words="""
        import pytest
        from feature import ask

        @pytest.mark.llm_cassette
        def test_asks():
            assert ask("one")
        """
    )
    project.record()

    result = project.run("--llm-swap=gpt-tset=gpt-other")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert "--llm-swap gpt-tset=gpt-other met no request; asked: gpt-test" in result.outlines


def test_a_request_for_the_new_model_alone_meets_no_swap(project: Project) -> None:
    project.pytester.makepyfile(
        test_words="""
        import pytest
        from openai import OpenAI

        @pytest.fixture(scope="module")
        def shared():
            return ask("gpt-test")

        def ask(model):
            messages = [{"role": "user", "content": "one"}]
            return OpenAI().chat.completions.create(model=model, messages=messages)

        @pytest.mark.llm_cassette
        def test_asks():
            ask("gpt-other")

        @pytest.mark.llm_cassette
        def test_shares(shared):
            ask("gpt-other")
        """
    )

    wrong = project.record("--llm-swap=gpt-tset=gpt-other")
    right = project.record("--llm-swap=gpt-test=gpt-other")

    line = "--llm-swap gpt-tset=gpt-other met no request; asked: gpt-other, gpt-test"
    assert line in wrong.outlines
    assert "met no request" not in right.stdout.str()
    assert (wrong.ret, right.ret) == (pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.OK)


def test_a_swap_whose_requests_are_in_no_recording_did_meet_them(recorded: Project) -> None:
    result = recorded.run("--llm-swap=gpt-test=gpt-other")

    assert "met no request" not in result.stdout.str()
    result.stdout.fnmatch_lines(["gates not written: not every case was judged"])


def test_a_broken_price_list_in_a_run_that_stops_early_is_a_sentence(recorded: Project) -> None:
    (recorded.path / "llmprod.prices.toml").write_text("[[models]]\n")
    recorded.edit("test_words.py", "    assert", "    1 / (llm_case.id != 'two')\n    assert")

    result = recorded.run("-x")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["llmprod: *llmprod.prices.toml: cannot be read*"])


@pytest.mark.parametrize(
    "arguments", [["--ignore=test_other.py"], ["-o", "python_functions=test_d*"]]
)
def test_options_that_hide_a_closed_eval_do_not_open_its_gate(
    recorded: Project, arguments: list[str]
) -> None:
    recorded.pytester.makepyfile(
        test_other="""
        import pytest

        @pytest.mark.llm_eval(feature="doubling", dataset="words.jsonl", threshold=0.5)
        def test_other(llm_case):
            assert False
        """
    )
    recorded.run()

    result = recorded.run(*arguments)

    assert recorded.gates()["doubling"]["enabled"] is False
    result.stdout.fnmatch_lines(["gate doubling: closed; closed by *test_other* of an earlier run"])


def test_an_inherited_eval_of_another_file_keeps_its_gate_closed(recorded: Project) -> None:
    recorded.pytester.makepyfile(
        shared="""
        import pytest

        class Shared:
            @pytest.mark.llm_eval(feature="doubling", dataset="words.jsonl", threshold=0.5)
            def test_other(self, llm_case):
                assert False
        """,
        test_other="""
        from shared import Shared

        class TestOther(Shared): ...
        """,
    )
    recorded.run()

    recorded.run("test_words.py")

    assert recorded.gates()["doubling"]["enabled"] is False


def test_a_recording_run_without_a_key_leaves_the_gates_as_they_are(project: Project) -> None:
    result = project.run("--llm-record=once")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert not (project.path / "llmprod-gates.json").exists()
    result.stdout.fnmatch_lines(["gates not written: not every case was judged"])
    text = result.stdout.str()
    key = "\nrecording needs OPENAI_API_KEY, which is not set"
    assert text.count(f"{key}\n") == 1
    assert text.count(f"{key}, as in test_doubles[one] above\n") == 9
    assert "openai.OpenAIError" not in text


def test_a_skipped_first_case_does_not_stop_the_task(project: Project) -> None:
    project.pytester.makeconftest(
        """
        import pytest

        def pytest_collection_modifyitems(items):
            items[0].add_marker(pytest.mark.skipif(True, reason="not today"))
            items[3].add_marker(pytest.mark.skip)
        """
    )
    project.edit("test_words.py", "threshold=0.5", "threshold=0.5, task=str.upper")
    project.edit("test_words.py", "assert ask(llm_case.input) == llm_case.expected", "pass")

    data = project.data()

    assert [case["outcome"] for case in data["cases"]].count("skip") == 2
    assert (data["suites"][0]["hits"], data["suites"][0]["errors"]) == (8, 0)


def test_a_miss_that_a_shared_fixture_swallows_keeps_every_gate_as_it_is(
    recorded: Project,
) -> None:
    recorded.pytester.makeconftest(
        """
        import pytest
        from feature import ask

        @pytest.fixture(scope="session")
        def style():
            try:
                return ask("never recorded")
            except Exception:
                return "fallback"
        """
    )
    recorded.edit("test_words.py", "(llm_case):", "(llm_case, style):")
    recorded.pytester.makepyfile(
        test_first="""
        import pytest

        @pytest.mark.llm_cassette
        def test_uses_it_first(style):
            assert style == "fallback"
        """
    )

    result = recorded.run()

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert result.parseoutcomes()["passed"] == 9
    result.stdout.fnmatch_lines(
        ["*mend*test_first.py::test_uses_it_first", "gates not written: not every case was judged"]
    )


def test_a_shared_fixture_with_parameters_replays_each_of_them(project: Project) -> None:
    project.pytester.makeconftest(
        """
        import pytest
        from feature import ask

        @pytest.fixture(scope="module", params=["red", "blue"])
        def colour(request):
            return ask(request.param)
        """
    )
    body = """
        import pytest

        @pytest.mark.llm_cassette
        def test_it(colour):
            assert colour in ("red red", "blue blue")
        """
    project.pytester.makepyfile(test_words=body, test_more=body)

    project.record("--llm-record=once")
    project.server.requests.clear()
    replayed = project.run()

    assert replayed.parseoutcomes() == {"passed": 4}
    assert project.server.requests == []


def test_a_task_whose_error_and_answer_cannot_be_printed_breaks_no_run(project: Project) -> None:
    project.pytester.makepyfile(
        test_words="""
        import pytest

        class Odd(Exception):
            def __str__(self):
                raise ValueError
            __repr__ = __str__

        def task(word):
            if word == "one":
                raise Odd
            return Odd()

        @pytest.mark.llm_eval(feature="f", dataset="words.jsonl", threshold=0, task=task)
        def test_it(llm_case):
            pass
        """
    )

    data = project.data()

    cases = {case["id"]: case for case in data["cases"]}
    assert "the task failed on this case: Odd" in cases["one"]["why"]
    assert cases["two"]["output"] == "(Odd whose repr cannot be had: ValueError)"


WITH_FALLBACK = """
    import pytest
    from feature import ask

    @pytest.mark.llm_eval(feature="doubling", dataset="words.jsonl", threshold=0.5)
    def test_doubles(llm_case):
        try:
            answer = ask(llm_case.input)
        except Exception:
            answer = f"{llm_case.input} {llm_case.input}"
        assert answer == llm_case.expected
"""


def test_an_outage_that_a_fallback_hides_is_no_verdict_and_no_recording(
    project: Project,
) -> None:
    project.pytester.makepyfile(test_words=WITH_FALLBACK)
    assert project.record().ret == pytest.ExitCode.OK
    before = project.cassette().read_bytes()
    gates = project.gates()
    project.edit("feature.py", "Double this word:", "Please double this word:")

    def busy(body: dict[str, object]) -> str:
        raise Busy(retry_after_ms=1)

    project.server.answer = busy
    result = project.record("--llm-record=new_episodes")

    assert "gate doubling: not judged; 10 cases got no answer" in result.outlines
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*::answered - 10 cases got no answer*"])
    assert project.cassette().read_bytes() == before
    assert project.gates() == gates


@pytest.mark.parametrize("arguments", ["once", "new_episodes", "all -n2"])
@pytest.mark.parametrize("dead", [("two",), WORDS], ids=["one", "all"])
def test_a_dead_provider_judges_no_gate_and_writes_none(
    project: Project, arguments: str, dead: tuple[str, ...]
) -> None:
    mode, *rest = arguments.split()
    there = f"'http://127.0.0.1:9/v1' if word in {dead} else None"
    project.edit("feature.py", "max_retries=0)", f"max_retries=0, base_url={there})")

    result = project.record(f"--llm-record={mode}", *rest, subprocess=bool(rest))

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert not (project.path / "llmprod-gates.json").exists()
    result.stdout.fnmatch_lines(
        ["gate doubling: not judged; *", "gates not written: not every case was judged"]
    )


def test_a_call_of_xfail_is_a_miss_as_the_mark_is(recorded: Project) -> None:
    recorded.edit(
        "test_words.py",
        "    assert",
        "    if llm_case.id == 'two': pytest.xfail('known')\n    assert",
    )

    data = recorded.data()

    (case,) = (case for case in data["cases"] if case["id"] == "two")
    assert (case["outcome"], case["why"]) == ("miss", "expected to fail: known")
    assert (data["suites"][0]["hits"], data["suites"][0]["errors"]) == (8, 0)


def test_a_replay_leaves_the_gates_file_as_it_is(recorded: Project) -> None:
    path = recorded.path / "llmprod-gates.json"
    before = path.read_bytes(), path.stat().st_mtime_ns

    recorded.run()

    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


def test_a_replay_of_old_recordings_does_not_renew_the_gate(recorded: Project) -> None:
    (recorded.path / "llmprod-gates.json").unlink()
    text = recorded.cassette().read_text()
    recorded.cassette().write_text(
        re.sub(r'"recorded_at": "[^T]*T', '"recorded_at": "2020-01-31T', text)
    )

    result = recorded.run()

    assert recorded.gates()["doubling"]["valid_until"].startswith("2020-04-30T")
    result.stdout.fnmatch_lines(
        ["gate doubling: closed; its recordings are too old; renew them with*"]
    )


def test_a_request_that_was_refused_costs_nothing(recorded: Project) -> None:
    (recorded.path / "llmprod.prices.toml").write_text(
        "[[models]]\nprovider = 'openai'\nmodel = 'gpt-test'\n"
        "input = '1'\ncached = '0.5'\noutput = '10'\n"
    )
    recorded.edit("feature.py", "max_retries=0", "max_retries=1")
    answer, waiting = recorded.server.answer, ["one"]

    def busy_at_first(body: dict[str, Any]) -> str:
        if waiting and waiting[0] in str(body["messages"]):
            waiting.pop()
            raise Busy(retry_after_ms=1)
        return answer(body)

    recorded.server.answer = busy_at_first
    recorded.record("--llm-record=rewrite")

    data = recorded.data()

    (suite,) = data["suites"]
    assert (suite["requests"], suite["unpriced"], suite["without_usage"]) == (11, 0, 0)
    assert suite["cost_usd"] == "0.018"
    assert {case["cost_usd"] for case in data["cases"]} == {"0.0018"}


def test_a_fixture_in_a_test_without_its_marker_is_told_without_a_traceback(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(
        """
        def test_case(llm_case): pass
        def test_output(llm_output): pass
        def test_fault(llm_fault): pass
        """
    )

    result = pytester.runpytest_inprocess()

    result.assert_outcomes(errors=3)
    result.stdout.fnmatch_lines(
        [
            "llm_case has a value only in a test that is marked with @pytest.mark.llm_eval(*",
            "llm_output needs a test that records and replays: *",
            "llm_fault has a value only in a test that is marked with @pytest.mark.llm_drill(*",
        ]
    )
    result.stdout.no_fnmatch_line("*UsageError*")
    result.stdout.no_fnmatch_line("*def llm_*")
