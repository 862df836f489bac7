"""The llm_eval marker as a user sees it: items, misses, errors, gates, exit status."""

import json

import pytest
from project import Project


def test_each_case_is_an_item_and_a_failed_assertion_is_a_miss(recorded: Project) -> None:
    result = recorded.run("-v")

    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        ["*test_doubles?one? PASSED*", "*test_doubles?seven? MISS*", "*test_doubles::gate PASSED*"]
    )
    result.stdout.fnmatch_lines(["*10 passed, 1 missed*"])


def test_replay_sends_nothing_and_needs_no_key(recorded: Project) -> None:
    result = recorded.run()

    assert result.ret == pytest.ExitCode.OK
    assert recorded.server.requests == []


def test_a_threshold_above_the_score_fails_the_gate_and_nothing_else(recorded: Project) -> None:
    recorded.edit("test_words.py", "threshold=0.5", "threshold=0.99")

    result = recorded.run("-rA", "--junit-xml=junit.xml")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    outcomes = result.parseoutcomes()
    assert (outcomes["failed"], outcomes["passed"], outcomes["missed"]) == (1, 9, 1)
    result.stdout.fnmatch_lines(["FAILED test_words.py::test_doubles::gate - the gate of*"])
    xml = (recorded.path / "junit.xml").read_text()
    assert 'failures="1"' in xml
    assert 'tests="11"' in xml
    assert recorded.gates()["doubling"]["enabled"] is False


def test_an_error_that_is_no_assertion_fails_its_test_and_closes_the_gate(
    recorded: Project,
) -> None:
    recorded.edit("test_words.py", "    assert", "    1 / (llm_case.id != 'two')\n    assert")

    result = recorded.run()

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert result.parseoutcomes()["failed"] == 2
    result.stdout.fnmatch_lines(["*ZeroDivisionError*", "*1 case ended in an error, at most 0*"])
    assert recorded.gates()["doubling"]["enabled"] is False


def test_max_errors_keeps_the_gate_open_while_the_test_still_fails(recorded: Project) -> None:
    recorded.edit("test_words.py", "threshold=0.5", "threshold=0.5, max_errors=1")
    recorded.edit("test_words.py", "    assert", "    1 / (llm_case.id != 'two')\n    assert")

    result = recorded.run()

    assert result.parseoutcomes()["failed"] == 1
    assert recorded.gates()["doubling"]["enabled"] is True


def test_an_inconclusive_verdict_follows_the_point_estimate_unless_strict(
    recorded: Project,
) -> None:
    recorded.edit("test_words.py", "threshold=0.5", "threshold=0.85")

    lenient = recorded.run()
    strict = recorded.run("--llm-strict")

    assert lenient.ret == pytest.ExitCode.OK
    lenient.stdout.fnmatch_lines(
        ["*INCONCLUSIVE*", "gate doubling: open; 90.0% reaches 85%, about * more cases*"]
    )
    assert strict.ret == pytest.ExitCode.TESTS_FAILED
    strict.stdout.fnmatch_lines(
        ["gate doubling: closed; --llm-strict closes it, about * more cases*"]
    )


@pytest.mark.parametrize("option", ["-v", "-q"])
def test_without_the_option_evals_are_deselected_in_one_line(
    recorded: Project, option: str
) -> None:
    recorded.pytester.makepyfile(test_plain="def test_plain(): pass")

    result = recorded.pytester.runpytest_inprocess(option)

    assert result.ret == pytest.ExitCode.OK
    assert result.parseoutcomes() == {"passed": 1, "deselected": 1}
    lines = [line for line in result.outlines if "llmprod:" in line]
    assert lines == ["llmprod: 1 eval was deselected; run with --llm-eval"]


def test_a_case_that_is_named_without_the_option_is_found_with_it(recorded: Project) -> None:
    named = "test_words.py::test_doubles[three]"

    result = recorded.pytester.runpytest_inprocess(named)
    other = recorded.pytester.runpytest_inprocess("test_words.py::test_nothing")

    assert result.ret == other.ret == pytest.ExitCode.USAGE_ERROR
    result.stdout.fnmatch_lines(["llmprod: the cases of an eval are found with --llm-eval"])
    other.stdout.no_fnmatch_line("llmprod:*")


def test_a_run_without_evals_prints_and_writes_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_plain(): pass")

    result = pytester.runpytest_inprocess("--llm-eval")

    assert result.ret == pytest.ExitCode.OK
    assert not [line for line in result.outlines if "llmprod" in line and "plugins:" not in line]
    assert not (pytester.path / "llmprod-gates.json").exists()
    assert not (pytester.path / ".llmprod").exists()


@pytest.mark.parametrize("option", ["-k one or two or three", "-x", "--lf"])
def test_a_narrowed_run_never_writes_gates(recorded: Project, option: str) -> None:
    (recorded.path / "llmprod-gates.json").unlink()

    flag, _, value = option.partition(" ")
    result = recorded.run(flag, *([value] if value else []))

    assert result.ret == pytest.ExitCode.OK
    assert not (recorded.path / "llmprod-gates.json").exists()
    result.stdout.fnmatch_lines([f"gates not written: a run with {flag} never writes them"])


def test_a_part_of_a_suite_is_not_judged(recorded: Project) -> None:
    recorded.edit("test_words.py", "threshold=0.5", "threshold=0.99")

    result = recorded.run("-k", "seven")

    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["*partial*", "gate doubling: not judged; only 1 of 10 cases ran"])


def test_one_case_can_be_named_as_the_summary_names_it(recorded: Project) -> None:
    result = recorded.run("test_words.py::test_doubles[seven]")

    assert result.parseoutcomes() == {"missed": 1}


def test_a_run_that_stops_early_judges_nothing(recorded: Project) -> None:
    recorded.edit("test_words.py", "    assert", "    1 / (llm_case.id != 'two')\n    assert")

    result = recorded.run("-x")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert result.parseoutcomes()["failed"] == 1
    result.stdout.fnmatch_lines(["*partial*", "gates not written: the run was stopped early"])


def test_a_skipped_case_is_counted_apart(recorded: Project) -> None:
    recorded.edit(
        "test_words.py",
        "    assert",
        "    if llm_case.id == 'seven': pytest.skip()\n    assert",
    )

    suite = recorded.data()["suites"][0]

    assert (suite["cases"], suite["skipped"], suite["score"]) == (9, 1, 1.0)
    assert suite["verdict"] == "PASS"


def test_scores_of_own_metrics_are_judged_by_their_thresholds(project: Project) -> None:
    project.pytester.makepyfile(
        test_words="""
        import pytest

        @pytest.mark.llm_eval(
            feature="doubling", dataset="words.jsonl", threshold={"brevity": 0.4, "passed": 0.9}
        )
        def test_doubles(llm_case, llm_score):
            llm_score("brevity", 0.25 if llm_case.id == "seven" else 0.75)
        """
    )

    suites = {suite["metric"]: suite for suite in project.data()["suites"]}

    assert suites["brevity"]["score"] == pytest.approx(0.7)
    assert suites["brevity"]["hits"] == pytest.approx(7.0)
    assert suites["passed"]["score"] == 1.0


def test_a_case_without_a_score_for_a_metric_of_the_threshold_is_an_error(
    project: Project,
) -> None:
    project.pytester.makepyfile(
        test_words="""
        import pytest

        @pytest.mark.llm_eval(
            feature="doubling", dataset="words.jsonl", threshold={"brevity": 0.4}
        )
        def test_doubles(llm_case, llm_score):
            if llm_case.id != "two":
                llm_score("brevity", 1)
        """
    )

    result = project.run()

    assert result.parseoutcomes()["failed"] == 2
    result.stdout.fnmatch_lines(["*gave no score for the metric 'brevity'*"])


def test_outputs_are_judged_without_http_by_a_named_metric(pytester: pytest.Pytester) -> None:
    pytester.makefile(".jsonl", data='{"id": 1, "expected": "a"}\n{"id": 2, "expected": "b"}')
    pytester.makefile(
        ".jsonl",
        answers='{"id": 1, "output": "a", "latency_s": 2.5}\n{"id": 2, "output": "c"}',
    )
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.llm_eval(
            feature="f", dataset="data.jsonl", outputs="answers.jsonl", threshold={"exact": 0.4}
        )
        def test_answers(llm_case, llm_output):
            assert isinstance(llm_output, str)
        """
    )

    result = pytester.runpytest_inprocess("--llm-eval", "--llm-json=run.json")

    suite = json.loads((pytester.path / "run.json").read_text())["suites"][0]
    assert result.ret == pytest.ExitCode.OK
    assert (suite["hits"], suite["cases"], suite["source"]) == (1, 2, "outputs file")
    assert suite["p95_latency_s"] == 2.5


@pytest.mark.parametrize("kind", ["async", "sync"])
def test_a_task_runs_all_cases_at_once_before_the_first_item(recorded: Project, kind: str) -> None:
    recorded.pytester.makepyfile(
        feature="""
        import asyncio, threading, time
        from openai import AsyncOpenAI, OpenAI

        running = peak = 0
        lock = threading.Lock()

        def note(step):
            global running, peak
            with lock:
                running += step
                peak = max(peak, running)

        async def ask_async(word):
            note(1)
            await asyncio.sleep(0.01)
            async with AsyncOpenAI() as client:
                answer = await client.chat.completions.create(model="gpt-test", messages=[
                    {"role": "user", "content": f"Double this word: {word}"}])
            note(-1)
            return answer.choices[0].message.content

        def ask_sync(word):
            note(1)
            time.sleep(0.01)
            with OpenAI() as client:
                answer = client.chat.completions.create(model="gpt-test", messages=[
                    {"role": "user", "content": f"Double this word: {word}"}])
            note(-1)
            return answer.choices[0].message.content
        """,
        test_words=f"""
        import pytest, feature

        @pytest.mark.llm_eval(feature="doubling", dataset="words.jsonl", threshold=0.5,
                              task=feature.ask_{kind})
        def test_doubles(llm_case, llm_output):
            assert feature.peak == 4
            assert llm_output == llm_case.expected
        """,
    )

    data = recorded.data("--llm-concurrency=4")

    assert data["suites"][0]["hits"] == 9
    assert data["suites"][0]["requests"] == 10
    assert {case["id"]: case["scores"]["passed"] for case in data["cases"]}["seven"] == 0


def test_what_a_task_raises_is_the_error_of_its_own_case(project: Project) -> None:
    project.pytester.makepyfile(
        test_words="""
        import pytest

        def task(word):
            return {"one": 1}[word] if word in ("one", "two") else word

        @pytest.mark.llm_eval(feature="doubling", dataset="words.jsonl", threshold=0, task=task,
                              max_errors=1)
        def test_doubles(llm_case, llm_output):
            pass
        """
    )

    data = project.data()

    outcomes = {case["id"]: case["outcome"] for case in data["cases"]}
    assert outcomes.pop("two") == "error"
    assert set(outcomes.values()) == {"hit"}


def test_other_parameters_make_suites_of_their_own(recorded: Project) -> None:
    recorded.edit(
        "test_words.py",
        "def test_doubles(llm_case):",
        "@pytest.mark.parametrize('tone', ['kind', 'rude'])\ndef test_doubles(llm_case, tone):",
    )
    recorded.edit("test_words.py", "ask(llm_case.input)", "ask(f'{tone} {llm_case.input}')")

    first = recorded.record()
    replayed = recorded.data()

    assert first.ret == pytest.ExitCode.OK
    assert [suite["test"] for suite in replayed["suites"]] == [
        "test_words.py::test_doubles[kind]",
        "test_words.py::test_doubles[rude]",
    ]
    assert [suite["cases"] for suite in replayed["suites"]] == [10, 10]


def test_a_swallowed_cassette_miss_still_fails_the_test(recorded: Project) -> None:
    recorded.edit("feature.py", "Double this word:", "Please double this word:")
    recorded.edit(
        "test_words.py",
        "    assert ask(llm_case.input) == llm_case.expected",
        "    try:\n        ask(llm_case.input)\n    except Exception:\n        pass",
    )

    result = recorded.run("-k", "one")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "No recording: prompt changed in messages?0?.content",
            "  asked *chat to gpt-test: *Please double this word: one*",
            "*- Double this word: one",
            "*+ Please double this word: one",
            "  mend      pytest --llm-eval --llm-record=new_episodes *test_doubles?one?*",
        ]
    )
    assert recorded.server.requests == []


def test_the_command_that_a_miss_names_mends_it(recorded: Project) -> None:
    recorded.edit("feature.py", "Double this word:", "Please double this word:")
    broken = recorded.run("-k", "one")
    command = next(line for line in broken.outlines if line.startswith("  mend"))

    recorded.record(*command.split()[3:4], command.split()[-1].strip("'"))
    mended = recorded.run("-k", "one")

    assert broken.ret == pytest.ExitCode.TESTS_FAILED
    assert mended.ret == pytest.ExitCode.OK


def test_quiet_prints_one_line(recorded: Project) -> None:
    result = recorded.run("-q")

    lines = [line for line in result.outlines if "llmprod" in line]
    assert lines == ["llmprod: doubling 9/10 90.0% [59.6, 98.2] PASS; gates: 1 open"]


def test_the_summary_names_the_model_the_cost_and_the_recording(recorded: Project) -> None:
    (recorded.path / "llmprod.prices.toml").write_text(
        "[[models]]\nprovider = 'openai'\nmodel = 'gpt-test-2026-01-01'\n"
        "input = '1'\ncached = '0.5'\noutput = '10'\n"
    )

    result = recorded.run()

    # 600 fresh at 1, 400 cached at 0.5 and 100 out at 10 USD a million make 0.0018, ten times.
    result.stdout.fnmatch_lines(
        [
            "suite *cases hits *score 95% interval min verdict *cost *p95",
            "doubling * 10 * 9 *90.0% ?59.6, 98.2? *50% PASS *$0.0180 * ms",
            "gpt-test-2026-01-01, replayed, recorded 20*",
            "doubling: 1 miss in 10; run the first alone with:",
            "  pytest --llm-eval 'test_words.py::test_doubles?seven?'",
            "  seven  assert 'wrong' == 'seven seven'",
            "gate doubling: open",
        ]
    )


def test_a_model_without_a_price_is_unpriced_and_not_free(recorded: Project) -> None:
    data = recorded.data()

    assert data["suites"][0]["unpriced"] == 10
    result = recorded.run()
    result.stdout.fnmatch_lines(["doubling *unpriced*"])


def test_pdb_opens_at_a_miss(recorded: Project) -> None:
    recorded.pytester.makeconftest(
        """
        def pytest_exception_interact(node, call, report):
            print("INTERACT", node.name, call.excinfo.typename)
        """
    )

    result = recorded.run("-s", "-k", "seven")

    result.stdout.fnmatch_lines(["*INTERACT test_doubles?seven? AssertionError*"])


def test_async_tests_record_and_replay(recorded: Project) -> None:
    recorded.pytester.makepyfile(
        test_words="""
        import pytest
        from openai import AsyncOpenAI

        @pytest.fixture
        def anyio_backend():
            return "asyncio"

        @pytest.mark.anyio
        @pytest.mark.llm_eval(feature="doubling", dataset="words.jsonl", threshold=0.5)
        async def test_doubles(llm_case):
            async with AsyncOpenAI() as client:
                answer = await client.chat.completions.create(model="gpt-test", messages=[
                    {"role": "user", "content": f"Double this word: {llm_case.input}"}])
            assert answer.choices[0].message.content == llm_case.expected
        """
    )

    data = recorded.data()

    assert (data["suites"][0]["hits"], data["suites"][0]["requests"]) == (9, 10)
    assert recorded.server.requests == []


def test_the_tape_says_what_its_exchanges_cost(recorded: Project) -> None:
    (recorded.path / "llmprod.prices.toml").write_text(
        "[[models]]\nprovider = 'openai'\nmodel = 'gpt-test-2026-01-01'\n"
        "input = '1'\ncached = '0.5'\noutput = '10'\n"
    )
    recorded.edit("test_words.py", "(llm_case):", "(llm_case, llm_cassette):")
    recorded.edit(
        "test_words.py",
        "== llm_case.expected",
        "== llm_case.expected\n    1 / (str(llm_cassette.cost_usd) == '0.0018')",
    )

    result = recorded.run()

    assert result.ret == pytest.ExitCode.OK


def test_a_broken_price_list_fails_the_run_with_the_cure(recorded: Project) -> None:
    (recorded.path / "llmprod.prices.toml").write_text("[[models]]\nprovider = 'openai'\n")

    result = recorded.run()

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*llmprod.prices.toml: cannot be read*llmprod prices lock*"])
    assert "INTERNALERROR" not in result.stdout.str()


def test_a_task_that_failed_is_an_error_although_the_test_asks_for_no_answer(
    recorded: Project,
) -> None:
    recorded.edit("test_words.py", "threshold=0.5", "threshold=0.5, task=len")
    recorded.edit("test_words.py", "assert ask(llm_case.input) == llm_case.expected", "pass")
    (recorded.path / "words.jsonl").write_text('{"id": "a", "input": "x"}\n{"id": "b", "input": 1}')

    data = recorded.data()

    assert [case["outcome"] for case in data["cases"]] == ["hit", "error"]
    assert "TypeError" in data["cases"][1]["why"]


def test_an_error_in_the_teardown_of_a_miss_keeps_its_traceback(recorded: Project) -> None:
    recorded.pytester.makeconftest(
        """
        import pytest

        @pytest.fixture(autouse=True)
        def database():
            yield
            raise RuntimeError("the database is gone")
        """
    )

    result = recorded.run("-k", "seven")

    assert result.parseoutcomes() == {"missed": 1, "errors": 1, "deselected": 9}
    result.stdout.fnmatch_lines(
        ['>*raise RuntimeError("the database is gone")', "  seven  RuntimeError: the database*"]
    )
