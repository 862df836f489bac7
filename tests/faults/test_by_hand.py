"""Faults, scripts and spies that a test uses by hand: fixtures and context managers."""

import pytest

FEATURE = """
    import openai

    def ask(text, **more):
        with openai.OpenAI(timeout=20) as client:
            completion = client.chat.completions.create(
                model="gpt-test", messages=[{"role": "user", "content": text}], **more
            )
        return completion.choices[0].message

    def say(text):
        return ask(text).content

    def safe(text):
        try:
            return say(text)
        except openai.OpenAIError:
            return fallback(text)

    def fallback(text):
        return f"no model for {text}"

    class Rules:
        @staticmethod
        def answer(text):
            return "static"

        def method(self, text):
            return "method"
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makepyfile(feature=FEATURE)
    return pytester


def passes(project: pytest.Pytester, count: int = 1, **files: str) -> pytest.RunResult:
    project.makepyfile(**files)
    result = project.runpytest_inprocess()
    result.assert_outcomes(passed=count)
    return result


def test_a_script_answers_in_order_and_repeats_its_last_line(project: pytest.Pytester) -> None:
    passes(
        project,
        test_script="""
        from feature import say

        def test_it(llm_script):
            llm_script.reply("one", "two").json({"three": 3})
            assert [say("?") for _ in range(4)] == ["one", "two", '{"three": 3}', '{"three": 3}']
            assert [each["messages"][0]["content"] for each in llm_script.requests] == ["?"] * 4
        """,
    )


def test_a_script_answers_with_models_tools_and_functions_of_the_request(
    project: pytest.Pytester,
) -> None:
    passes(
        project,
        test_script="""
        import json
        from feature import ask, say
        from pydantic import BaseModel

        class Label(BaseModel):
            label: str

        def test_it(llm_script):
            llm_script.json(Label(label="billing")).tool_call("look_up", id=7)
            llm_script.reply(lambda request: request["messages"][0]["content"].upper())
            assert say("x") == '{"label":"billing"}'
            call = ask("x").tool_calls[0].function
            assert (call.name, json.loads(call.arguments)) == ("look_up", {"id": 7})
            assert say("loud") == "LOUD"
        """,
    )


def test_a_scripted_stream_comes_piece_by_piece_at_its_times(project: pytest.Pytester) -> None:
    passes(
        project,
        test_script="""
        import openai

        def test_it(llm_script, llm_faults):
            llm_script.stream(["one ", "two ", "three"], times=[1, 5, 30])
            came = []
            with openai.OpenAI(timeout=40) as client:
                for chunk in client.chat.completions.create(
                    model="gpt-test", messages=[{"role": "user", "content": "?"}], stream=True
                ):
                    if chunk.choices[0].delta.content:
                        text = chunk.choices[0].delta.content
                        came.append((text, llm_faults.elapsed_s))
            assert came == [("one ", 1), ("two ", 5), ("three", 30)]
        """,
    )


def test_faults_are_injected_by_hand_and_are_over_where_all_is_well(
    project: pytest.Pytester,
) -> None:
    passes(
        project,
        test_faults="""
        import openai
        import pytest
        from feature import say

        def test_it(llm_faults, llm_script):
            llm_script.reply("well")
            llm_faults.inject("rate-limit-retry-after-7", "ok")
            assert say("?") == "well"
            assert (llm_faults.met, llm_faults.elapsed_s) == (["rate-limit-retry-after-7", "ok"], 7)
            llm_faults.inject("invalid-key")
            for _ in range(2):
                with pytest.raises(openai.AuthenticationError):
                    say("?")
            llm_faults.clear()
            assert say("?") == "well"
            assert llm_faults.requests == 5
        """,
    )


def test_a_spy_lets_the_real_one_run_under_every_name(project: pytest.Pytester) -> None:
    passes(
        project,
        other="from feature import fallback as own_name\n",
        test_spy="""
        import feature
        from feature import Rules, fallback, safe
        import other

        def test_it(llm_fallback, llm_faults):
            spy = llm_fallback("feature:fallback")
            static = llm_fallback("feature:Rules.answer")
            method = llm_fallback("feature:Rules.method")
            llm_faults.inject("quota")
            assert not spy.called
            assert safe("me") == "no model for me"
            assert (spy.calls, spy.finished, spy.returned) == (1, 1, "no model for me")
            assert other.own_name("you") == "no model for you"
            assert spy.calls == 2
            assert Rules.answer("x") == "static"
            assert Rules().method("x") == "method"
            assert (static.calls, method.calls) == (1, 1)

        def test_nothing_is_left():
            assert not hasattr(feature.fallback, "__wrapped__")
            assert isinstance(vars(Rules)["answer"], staticmethod)
        """,
        count=2,
    )


def test_a_script_serves_each_example_of_hypothesis_anew(project: pytest.Pytester) -> None:
    passes(
        project,
        test_given="""
        import time
        import pytest
        from feature import safe, say
        from hypothesis import given, settings, strategies as st
        from pytest_llmprod import llm_fallback, llm_faults, llm_script

        REAL = time.sleep

        @pytest.mark.llm_cassette
        @given(text=st.text(min_size=1))
        @settings(max_examples=20, deadline=None, database=None)
        def test_it(text):
            with llm_script() as script:
                script.reply(text)
                assert say("?") == text
                assert len(script.requests) == 1
            with llm_faults() as faults, llm_fallback("feature:fallback") as spy:
                faults.inject("no-answer")
                assert safe(text) == f"no model for {text}"
                assert spy.calls == 1
                assert 61 < faults.elapsed_s < 62
            assert time.sleep is REAL
        """,
    )


def test_a_request_that_a_script_without_a_line_does_not_answer_is_a_miss(
    project: pytest.Pytester,
) -> None:
    project.makepyfile(
        test_script="from feature import say\n\ndef test_it(llm_script):\n    say('?')\n"
    )

    result = project.runpytest_inprocess()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*No recording: *"])


def test_a_context_manager_outside_of_a_tape_says_what_to_do(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_plain="""
        from pytest_llmprod import llm_script

        def test_it():
            with llm_script():
                pass
        """
    )

    result = project.runpytest_inprocess()

    result.stdout.fnmatch_lines(["*Mark the test with @pytest.mark.llm_cassette*"])


def test_a_wrong_script_says_what_it_takes(project: pytest.Pytester) -> None:
    passes(
        project,
        test_script="""
        import pytest
        from pytest_llmprod.core.errors import FaultError

        def test_no_fault(llm_faults):
            with pytest.raises(FaultError, match="takes the name of a fault, or several"):
                llm_faults.inject()

        def test_it(llm_script):
            with pytest.raises(FaultError, match="llm_script.json"):
                llm_script.reply({"no": "text"})
            with pytest.raises(FaultError, match="is no JSON"):
                llm_script.json(object())
            with pytest.raises(FaultError, match="2 chunks have 1 times"):
                llm_script.stream(["a", "b"], times=[1])
        """,
        count=2,
    )


def test_a_recorded_answer_is_what_a_slow_provider_gives(project: pytest.Pytester) -> None:
    """Faults are made of the recording where there is one, and it is not used up by them."""
    from loopback import provider

    project.makepyfile(
        test_slow="""
        import pytest
        from feature import say

        @pytest.mark.llm_drill(
            feature="chat", faults=["slow-answer", "rate-limit-flapping"], within="20s"
        )
        def test_it(llm_fault):
            assert say("twice") == "twice twice"
        """
    )
    with provider(lambda body: "twice twice") as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_BASE_URL", server.url)
        patch.setenv("OPENAI_API_KEY", "sk-live-0123456789abcdefghijkl")
        recording = project.runpytest_inprocess("--llm-record=once")
    replay = project.runpytest_inprocess()

    assert len(server.requests) == 1  # the slow answer is made up, and nothing is sent for it
    recording.assert_outcomes(failed=1, passed=1)
    replay.assert_outcomes(passed=2)


GIVEN = """
    import pytest
    from feature import fallback, say
    import openai
    from hypothesis import given, settings
    from pytest_llmprod import llm_faults, llm_script, strategies as llm_st

    def {name}(text):
        for number in range({tries}):
            try:
                with openai.OpenAI(timeout=20, max_retries=0) as client:
                    completion = client.chat.completions.create(
                        model="gpt-test", messages=[{{"role": "user", "content": text}}]
                    )
                return completion.choices[0].message.content
            except openai.{caught}:
                continue
        return fallback(text)

    @pytest.mark.llm_cassette
    @given(schedule=llm_st.fault_schedules(["connection-refused", "rate-limit", "server-error"]))
    @settings(database=None, derandomize=True, report_multiple_bugs=False)
    def test_it(schedule):
        with llm_script() as script, llm_faults(schedule) as faults:
            script.reply("well")
            assert {name}("?") in ("well", "no model for ?")
            assert faults.met == [schedule.at(each + 1) for each in range(faults.requests)]
"""


def test_a_drawn_schedule_of_faults_meets_each_example_anew(project: pytest.Pytester) -> None:
    passes(project, test_given=GIVEN.format(name="ask", tries=2, caught="OpenAIError"))


def test_a_drawn_schedule_that_fails_is_told_in_its_shortest_form(project: pytest.Pytester) -> None:
    project.makepyfile(test_given=GIVEN.format(name="ask", tries=2, caught="APIConnectionError"))

    result = project.runpytest_inprocess()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*schedule=Schedule(steps=('rate-limit',), then='ok')*"])


@pytest.mark.parametrize("manager", ["llm_script", "llm_faults"])
def test_an_eval_makes_no_answers_up_by_a_context_manager_either(
    project: pytest.Pytester, manager: str
) -> None:
    project.makepyfile(
        test_eval=f"""
        import pytest
        import pytest_llmprod

        @pytest.mark.llm_eval(feature="chat", dataset="cases.jsonl", threshold=0.5)
        def test_it(llm_case):
            with pytest_llmprod.{manager}():
                pass
        """
    )
    (project.path / "cases.jsonl").write_text('{"id": "a", "input": "?", "expected": "!"}\n')

    result = project.runpytest_inprocess("--llm-eval")

    assert result.ret == 1
    result.stdout.fnmatch_lines([f"{manager}() in a test that is marked with llm_eval: *"])
