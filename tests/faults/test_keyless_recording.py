"""Runs that record need no key for tests whose requests faults, scripts and contracts answer."""

import pytest

from pytest_llmprod.wire.placeholder import PLACEHOLDER_KEY

APP = """
    import openai
    from pytest_llmprod.gates import gate

    def ask(text):
        client = openai.OpenAI(max_retries=0)
        answer = client.chat.completions.create(
            model="gpt-test", messages=[{"role": "user", "content": text}]
        )
        return answer.choices[0].message.content

    def rules(text):
        return "by rules"

    def triage(text):
        try:
            return ask(text) if gate("triage").enabled else rules(text)
        except Exception:
            return rules(text)

    def redact(text):
        return text.replace("Kaiserslautern", "[place]")

    def guarded(text):
        return redact(ask(redact(text)))
"""
DRILL = """
    import app
    import pytest

    FAULTS = ["quota", "gate-closed", "key-revoked-meanwhile", "slow-answer", "short-embedding"]

    @pytest.mark.llm_drill(feature="triage", faults=FAULTS, fallback="app:rules", log=False)
    def test_it(llm_fault):
        app.triage("Hi")
        app.triage("Hi again")
"""
BY_HAND = """
    import app
    import openai
    import pytest

    def test_it(llm_faults, llm_script):
        llm_script.reply("Yes.")
        llm_faults.inject("quota", "ok")
        with pytest.raises(openai.RateLimitError):
            app.ask("Hi")
        assert app.ask("Hi") == "Yes."
"""
CONTRACT = """
    import app
    import pytest

    @pytest.mark.llm_guardrail(
        feature="triage", places=["answer"], guardrail="app:redact", secret="Kaiserslautern"
    )
    def test_it(llm_place):
        llm_place.check(lambda: app.guarded("Hi"))
"""
PROPERTY = """
    import app
    import pytest
    from hypothesis import given, settings, strategies as st
    from pytest_llmprod import llm_script

    @pytest.mark.llm_guardrail(feature="triage", kind="malformed")
    @pytest.mark.llm_cassette
    @settings(max_examples=3, database=None)
    @given(text=st.text())
    def test_it(text):
        with llm_script() as script:
            script.reply("Yes.")
            assert app.ask(text) == "Yes."
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """An application without a key, whose provider must never be asked."""
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    pytester.makepyfile(app=APP)
    return pytester


@pytest.mark.parametrize(
    ("test", "outcomes"),
    [
        (DRILL, {"passed": 4, "skipped": 1}),
        (BY_HAND, {"passed": 1}),
        (CONTRACT, {"passed": 1}),
        (PROPERTY, {"passed": 1}),
    ],
    ids=["drill", "by hand", "contract", "property"],
)
def test_what_sends_nothing_needs_no_key_to_record(
    project: pytest.Pytester, test: str, outcomes: dict[str, int]
) -> None:
    project.makepyfile(test_it=test)

    result = project.runpytest_inprocess("--llm-record=once")

    assert result.parseoutcomes() == outcomes
    assert list(project.path.rglob("cassettes")) == []


def test_a_drill_sends_nothing_behind_a_closed_gate_either(project: pytest.Pytester) -> None:
    asked = DRILL.replace("app.triage", "app.gate('triage'), app.ask")
    project.makepyfile(test_it=asked.replace("faults=FAULTS", 'faults="gate-closed"'))

    result = project.runpytest_inprocess("--llm-record=once")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["asked behind a closed gate: sent 2 requests"])
    assert list(project.path.rglob("cassettes")) == []


def test_a_request_that_is_to_be_recorded_still_needs_its_key(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_it="""
        import app
        import openai
        import pytest

        def test_live(llm_faults):
            llm_faults.inject("quota", "ok")
            for _ in range(2):
                with pytest.raises(openai.OpenAIError):
                    app.ask("Hi")
        """
    )

    result = project.runpytest_inprocess("--llm-record=once")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["recording needs OPENAI_API_KEY, which is not set"])
    assert list(project.path.rglob("cassettes")) == []


def test_the_test_after_one_with_faults_finds_no_key_that_is_none(
    project: pytest.Pytester,
) -> None:
    project.makepyfile(
        test_it=f"""
        import os
        import pytest

        def test_before(llm_script):
            assert os.environ["OPENAI_API_KEY"] == "{PLACEHOLDER_KEY}"

        @pytest.mark.llm_cassette
        def test_recording():
            assert "OPENAI_API_KEY" not in os.environ
        """
    )

    project.runpytest_inprocess("--llm-record=once").assert_outcomes(passed=2)
