"""A client that is built when its module is imported, in runs that lend no key."""

from pathlib import Path

import pytest

APP = """
    import openai

    client = openai.OpenAI()
"""
DRILL = """
    import app_with_client
    import pytest

    @pytest.mark.llm_drill(feature="triage", fallback="app:rules")
    def test_it(llm_fault):
        app_with_client.client.models.list()
"""
PAGE = (Path(__file__).parents[1] / "docs" / "recording.md").read_text(encoding="utf-8")
ADVICE = '  os.environ.setdefault("OPENAI_API_KEY", "replayed-by-pytest-llmprod")'


@pytest.fixture
def keyless(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    pytester.makepyfile(app_with_client=APP)
    return pytester


def test_the_error_says_how_a_run_does_without(keyless: pytest.Pytester) -> None:
    keyless.makepyfile(test_keyless_drill=DRILL)

    result = keyless.runpytest_subprocess()

    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(
        ["E   openai.OpenAIError: Missing credentials.*", "*- llmprod -*", "  pytest --llm-eval"]
    )
    assert ADVICE in result.outlines


@pytest.mark.parametrize("option", ["--llm-eval", "--llm-plan"])
def test_the_run_that_it_names_collects_the_file(keyless: pytest.Pytester, option: str) -> None:
    keyless.makepyfile(test_keyless_drill=DRILL)

    result = keyless.runpytest_subprocess(option, "--collect-only", "-q")

    assert result.ret == pytest.ExitCode.OK


def test_what_it_advises_helps_and_stands_in_the_docs(keyless: pytest.Pytester) -> None:
    keyless.makepyfile(test_keyless_drill=DRILL)
    keyless.makeconftest(f"import os\n{ADVICE.strip()}")

    result = keyless.runpytest_subprocess("--collect-only", "-q")

    assert result.ret == pytest.ExitCode.OK
    assert ADVICE.strip() in PAGE


def test_a_file_without_tests_of_ours_is_left_alone(keyless: pytest.Pytester) -> None:
    keyless.makepyfile(test_of_something_else="import app_with_client")

    result = keyless.runpytest_subprocess()

    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.no_fnmatch_line("*- llmprod -*")


def test_a_client_that_wants_another_key_is_left_alone(
    keyless: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AZURE_OPENAI_API_KEY", raising=False)
    built = "openai.AzureOpenAI(azure_endpoint='https://example.invalid', api_version='1')"
    keyless.makepyfile(test_keyless_drill=f"import openai\n{built}  # llm_drill")

    result = keyless.runpytest_subprocess()

    result.stdout.fnmatch_lines(["E   openai.OpenAIError: *AZURE_OPENAI_API_KEY*"])
    result.stdout.no_fnmatch_line("*- llmprod -*")


def test_an_error_beside_a_key_is_left_alone(
    keyless: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "a-key")
    keyless.makepyfile(test_keyless_drill="raise ValueError('OPENAI_API_KEY')  # llm_drill")

    result = keyless.runpytest_subprocess()

    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.no_fnmatch_line("*- llmprod -*")


def test_a_conftest_that_wants_a_key_is_told_as_ever(keyless: pytest.Pytester) -> None:
    folder = keyless.mkdir("folder")
    (folder / "conftest.py").write_text("import openai\n\nopenai.OpenAI()\n")
    (folder / "test_llm_inside.py").write_text("def test_it(llm_case): ...\n")

    result = keyless.runpytest_subprocess()

    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["E   openai.OpenAIError: Missing credentials.*", "ERROR folder *"])


def test_nothing_is_recorded_with_the_key_that_it_advises(keyless: pytest.Pytester) -> None:
    keyless.makeconftest(f"import os\n{ADVICE.strip()}")
    keyless.makefile(".jsonl", rows='{"id": "a", "input": "Hi", "expected": "Hi"}')
    keyless.makepyfile(
        test_keyless_eval="""
        import app_with_client
        import pytest

        @pytest.mark.llm_eval(feature="triage", dataset="rows.jsonl", threshold=0.5)
        def test_it(llm_case):
            app_with_client.client.chat.completions.create(
                model="gpt-test", messages=[{"role": "user", "content": llm_case.input}]
            )
        """
    )

    result = keyless.runpytest_subprocess("--llm-eval", "--llm-record=once")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*recording needs OPENAI_API_KEY, which is not set*"])
