"""--llm-max-spend inside of pytest: what is not sent any more, what stays, and what is told."""

import json
from typing import Any

import pytest
from loopback import last_word_doubled
from project import Project

#: 100 tokens of output at most, so that a call costs up to 0.001 USD and its few bytes.
FEATURE = """
    from openai import OpenAI

    def ask(word, model="gpt-test"):
        client = OpenAI(max_retries=2)
        answer = client.chat.completions.create(
            model=model,
            max_completion_tokens=100,
            messages=[{"role": "user", "content": f"Double this word: {word}"}],
        )
        client.close()
        return answer.choices[0].message.content
"""
PRICES = """
[[overrides]]
provider = "openai"
model = "gpt-test-2026-01-01"
input = "0"
cached = "0"
output = "10"
"""


@pytest.fixture
def capped(project: Project) -> Project:
    """A project whose calls cost 0.001 USD each, and at most that."""
    project.pytester.makepyfile(feature=FEATURE)
    (project.path / "llmprod.prices.toml").write_text(PRICES)
    return project


CAP = "--llm-max-spend=0.0045"
REASON = (
    "The spend cap of 0.0045 USD is reached: the next call may cost up to 0.001 USD, and "
    "0.0005 USD are left."
)


def recordings(project: Project) -> int:
    return project.cassette().read_text().count('"recorded_at"')


def test_what_would_pass_the_cap_is_not_sent_and_the_rest_is_skipped(capped: Project) -> None:
    result = capped.record("--llm-record=once", CAP, "-v")

    result.assert_outcomes(passed=4, failed=1, skipped=5)
    assert result.ret == 1
    assert len(capped.server.requests) == 4
    assert REASON in result.outlines
    result.stdout.re_match_lines(
        [
            r"test_words.py::test_doubles\[five\] FAILED.*",
            r"test_words.py::test_doubles\[six\] SKIPPED \(The spend cap of.*",
            "gate doubling: not judged; 6 cases skipped; the spend cap is reached",
            "recorded 4 requests in 1 cassette",
            r"spent \$0.0040 of \$0.0045 in 4 calls",
            r"the spend cap stopped 1 test and skipped 5: test_doubles\[six\],",
            r"  test_doubles\[seven\] and 3 more",
            "what was recorded is kept",
            "go on with: pytest --llm-eval --llm-record=once --llm-max-spend=0.0045",
        ]
    )
    result.stdout.no_fnmatch_line("record what is missing with*")
    assert max(map(len, result.outlines[-12:-1])) <= 80
    assert not (capped.path / ".llmprod" / "spend").exists()


def test_the_command_of_the_summary_records_the_rest(capped: Project) -> None:
    for count in (4, 8, 10):
        result = capped.record("--llm-record=once", CAP)
        assert recordings(capped) == count

    assert result.ret == 0
    assert len(capped.server.requests) == 10
    result.stdout.fnmatch_lines(["spent $0.0020 of $0.0045 in 2 calls"])
    assert capped.run().ret == 0


def test_workers_share_the_cap(capped: Project) -> None:
    result = capped.record("--llm-record=once", CAP, "-n2")

    assert result.ret == 1
    assert len(capped.server.requests) == 4
    assert recordings(capped) == 4
    result.stdout.fnmatch_lines(["spent $0.0040 of $0.0045 in 4 calls"])
    outcomes = result.parseoutcomes()
    assert outcomes["passed"] == 4
    assert outcomes["failed"] + outcomes.get("skipped", 0) == 6


def test_what_is_recorded_plays_on_after_the_cap(capped: Project) -> None:
    capped.record("--llm-record=once", CAP)
    with (capped.path / "words.jsonl").open("r") as file:
        rows = file.readlines()
    (capped.path / "words.jsonl").write_text("".join(reversed(rows)))

    result = capped.record("--llm-record=once", "--llm-max-spend=0.0015", "-v")

    result.stdout.fnmatch_lines(
        [
            "*test_doubles?ten? PASSED*",
            "*test_doubles?nine? FAILED*",
            "*test_doubles?eight? SKIPPED*",
            "*test_doubles?one? PASSED*",
        ]
    )


@pytest.mark.parametrize("swallowed", ["Exception", "BaseException"])
def test_an_application_cannot_swallow_the_stop(capped: Project, swallowed: str) -> None:
    (capped.path / "feature.py").write_text(
        (capped.path / "feature.py").read_text()
        + f"""
ask_model = ask

def ask(word):
    try:
        return ask_model(word)
    except {swallowed}:
        return f"{{word}} {{word}}"
"""
    )

    result = capped.record("--llm-record=once", CAP)

    assert len(capped.server.requests) == 4
    result.assert_outcomes(passed=4, failed=1, skipped=5)
    assert REASON in result.outlines


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_a_task_ends_with_what_was_paid(capped: Project, kind: str) -> None:
    capped.pytester.makepyfile(
        test_words=f"""
        import pytest
        from feature import ask

        {kind} work(word):
            return ask(word)

        @pytest.mark.llm_eval(
            feature="doubling", dataset="words.jsonl", threshold={{"exact": 0.5}}, task=work
        )
        def test_doubles(llm_case):
            pass
        """
    )

    result = capped.record("--llm-record=once", CAP, "--llm-concurrency=1")

    assert len(capped.server.requests) == 4
    result.assert_outcomes(passed=4, errors=1, skipped=5)  # the task runs at setup
    assert recordings(capped) == 4


def test_async_tests_are_stopped_too(capped: Project) -> None:
    capped.pytester.makepyfile(
        test_words="""
        import asyncio
        import pytest
        from openai import AsyncOpenAI

        async def ask(word):
            async with AsyncOpenAI() as client:
                answer = await client.chat.completions.create(
                    model="gpt-test",
                    max_completion_tokens=100,
                    messages=[{"role": "user", "content": f"Double this word: {word}"}],
                )
            return answer.choices[0].message.content

        @pytest.fixture(scope="module")
        def anyio_backend():
            return "asyncio"

        @pytest.fixture(scope="module")
        async def whole_time(anyio_backend):
            yield  # all tests share the loop of this fixture

        @pytest.mark.anyio
        @pytest.mark.llm_eval(feature="doubling", dataset="words.jsonl", threshold=0.5)
        async def test_doubles(llm_case, whole_time):
            first, _ = await asyncio.gather(ask(llm_case.input), ask(llm_case.input + "!"))
            assert first == llm_case.expected
        """
    )

    result = capped.record("--llm-record=once", CAP)

    assert len(capped.server.requests) == 4
    result.assert_outcomes(passed=2, failed=1, skipped=7)
    assert REASON in result.outlines
    assert result.errlines == []


def test_a_thread_that_hides_the_stop_hides_nothing(capped: Project) -> None:
    capped.pytester.makepyfile(
        test_words="""
        import threading
        import pytest
        from feature import ask

        @pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
        @pytest.mark.llm_eval(feature="doubling", dataset="words.jsonl", threshold=0.5)
        def test_doubles(llm_case):
            thread = threading.Thread(target=ask, args=(llm_case.input,))
            thread.start()
            thread.join()
        """
    )

    result = capped.record("--llm-record=once", CAP)

    result.assert_outcomes(passed=4, failed=1, skipped=5)


def test_tests_that_are_no_evals_are_stopped_too(capped: Project) -> None:
    capped.pytester.makepyfile(
        test_words="""
        import pytest
        from feature import ask

        @pytest.mark.llm_cassette
        @pytest.mark.parametrize("word", ["one", "two", "three"])
        def test_doubles(word):
            assert ask(word) == f"{word} {word}"
        """
    )

    result = capped.record("--llm-record=once", "--llm-max-spend=0.0015")

    result.assert_outcomes(passed=1, failed=1, skipped=1)
    result.stdout.fnmatch_lines(
        ["the spend cap stopped 1 test and skipped 1: test_doubles?three?", "go on with: *"]
    )


def test_a_request_without_a_price_is_not_sent(capped: Project) -> None:
    (capped.path / "llmprod.prices.toml").unlink()

    result = capped.record("--llm-record=once", CAP)

    assert capped.server.requests == []
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["The model gpt-test of openai has no price, so --llm-max-spend cannot say*"]
    )
    result.stdout.no_fnmatch_line("no call fits under this cap*")


def test_a_request_without_a_limit_may_cost_what_the_largest_model_writes(
    project: Project,
) -> None:
    (project.path / "llmprod.prices.toml").write_text(PRICES)

    result = project.record("--llm-record=once", "--llm-max-spend=1")

    assert project.server.requests == []
    result.stdout.fnmatch_lines(
        [
            "The spend cap of 1.00 USD is reached: the next call may cost up to 1.28 USD, and "
            "1.00 USD are left. It sets no limit to its output*",
            "no call fits under this cap: give a higher one, or limit the output of requests",
        ]
    )


def test_calls_of_judges_are_told_apart(capped: Project) -> None:
    capped.pytester.makepyfile(
        test_words="""
        import pytest
        from openai import OpenAI
        from pytest_llmprod import llm_judge
        from feature import ask

        polite = llm_judge("The word is said twice.", "gpt-test", name="polite")

        @pytest.mark.llm_eval(
            feature="doubling", dataset="words.jsonl", threshold={polite: 0.5}, task=ask
        )
        def test_doubles(llm_case):
            pass
        """
    )

    def answering(body: dict[str, Any]) -> str:
        is_feature = "Double this word" in str(body["messages"])
        return last_word_doubled(body) if is_feature else '{"reasons": "", "verdict": "yes"}'

    capped.server.answer = answering

    result = capped.record("--llm-record=once", "--llm-max-spend=100")

    assert result.ret == 0
    result.stdout.fnmatch_lines(["spent $0.0200 of $100.00 in 20 calls; judges $0.0100 of it"])


def test_a_judge_that_may_not_be_asked_stops_its_test(capped: Project) -> None:
    capped.pytester.makepyfile(
        test_words="""
        import pytest
        from pytest_llmprod import llm_judge
        from feature import ask

        polite = llm_judge("The word is said twice.", "gpt-test", name="polite")

        @pytest.mark.llm_eval(
            feature="doubling", dataset="words.jsonl", threshold={polite: 0.5}, task=ask
        )
        def test_doubles(llm_case):
            pass
        """
    )

    result = capped.record("--llm-record=once", "--llm-max-spend=0.0105")

    assert len(capped.server.requests) == 10
    result.assert_outcomes(failed=1, skipped=9)


@pytest.mark.parametrize("amount", ["much", "-1", "nan", "2000000"])
def test_a_cap_that_is_no_amount_is_wrong_use(capped: Project, amount: str) -> None:
    result = capped.record("--llm-record=once", f"--llm-max-spend={amount}")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*--llm-max-spend takes an amount in USD*not '{amount}'*"])


def test_a_replay_needs_no_ledger(capped: Project) -> None:
    capped.record("--llm-record=once")

    result = capped.run("--llm-max-spend=0")

    assert result.ret == 0
    result.stdout.no_fnmatch_line("spent*")


def test_a_budget_counts_the_tests_that_the_cap_skipped(capped: Project) -> None:
    budget = "@pytest.mark.llm_budget('sum(cost) < 1')"
    capped.edit("test_words.py", "@pytest.mark", f"{budget}\n@pytest.mark")
    result = capped.record("--llm-record=once", CAP)

    result.stdout.fnmatch_lines(["INCONCLUSIVE sum(cost) < 1 of test_doubles: 6 tests lack an*"])


def test_a_case_that_the_cap_stopped_is_none_that_was_answered_wrong(capped: Project) -> None:
    capped.record("--llm-record=once", CAP, "--llm-json=run.json")

    document = json.loads((capped.path / "run.json").read_text())
    (suite,) = document["suites"]
    assert (suite["cases"], suite["score"], suite["errors"], suite["skipped"]) == (4, 1.0, 0, 6)
    assert suite["verdict"] is None
    outcomes = {case["id"]: case["outcome"] for case in document["cases"]}
    assert [outcomes[word] for word in ("four", "five", "six")] == ["hit", "skip", "skip"]
