"""What `[tool.llmprod.wire]` forbids does not leave, whatever the application does about it."""

import pytest
from project import Project

from pytest_llmprod.composition.beside_cases import BesideCases
from pytest_llmprod.report.misses import count

APP = """
    import httpx2
    from openai import OpenAI

    def ask(text, **options):
        with OpenAI(timeout=5) as client:
            answer = client.chat.completions.create(
                model="gpt-test", messages=[{"role": "user", "content": text}], **options
            )
        return answer.choices[0].message.content

    def ask_or_give_up(text, **options):
        try:
            return ask(text, **options)
        except Exception:
            return "sorry"
"""

TEST = """
    import pytest
    from app import ask, ask_or_give_up

    @pytest.mark.llm_cassette
    def test_asks():
        assert CALL
"""


def write(project: Project, call: str, table: str) -> None:
    project.pytester.makepyfile(app=APP, test_words=TEST.replace("CALL", call))
    project.pytester.makepyprojecttoml(f"[tool.llmprod.wire]\n{table}\n")


def test_a_request_with_personal_data_fails_the_test_and_is_not_sent(project: Project) -> None:
    write(project, 'ask_or_give_up("Write to bob@example.com")', 'forbid = ["pii"]')

    result = project.record()

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert project.server.requests == []
    result.stdout.fnmatch_lines(
        [
            "This request must not leave, by *tool.llmprod.wire* in pyproject.toml.",
            "",
            "  request   POST chat to gpt-test at 127.0.0.1:*",
            "            not sent, and not answered from a recording",
            "  found     email b[*][*]@*",
            "            at body /messages/0/content",
            "",
            "  mend      take it out before the request is made, or name the value under allow",
        ]
    )
    assert "bob@" not in result.stdout.str()


def test_a_replay_is_no_excuse(project: Project) -> None:
    write(project, 'ask("Write to bob@example.com")', "")
    assert project.record().ret == 0
    write(project, 'ask_or_give_up("Write to bob@example.com")', 'forbid = ["email"]')

    result = project.run()

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["  found     email *"])


@pytest.mark.parametrize(
    ("call", "table"),
    [
        (
            'ask("Write to support@acme.example")',
            'forbid = ["pii"]\nallow = ["Support@ACME.example"]',
        ),
        ('ask("Write to ana@acme.example")', 'forbid = ["pii"]\nallow = ["*@acme.example"]'),
        ('ask("Write to bob@example.com")', 'forbid = ["card", "secrets"]'),
        ('ask("Nothing of the kind")', 'forbid = ["pii", "secrets"]'),
    ],
)
def test_what_is_allowed_or_not_forbidden_leaves(project: Project, call: str, table: str) -> None:
    write(project, call, table)

    assert project.record().ret == 0
    assert len(project.server.requests) == 1


UNTAPED = """
    import pytest
    from LIBRARY import send

    def send_or_give_up(url, text):
        try:
            send(url, text)
        except Exception as error:
            return error

    def test_posts():
        assert send_or_give_up("http://mail.invalid/send", "to bob@example.com") is not None

    def test_posts_nothing_personal():
        assert "must not leave" not in str(send_or_give_up("http://mail.invalid/x", "hello"))

    def test_stays_on_this_machine():
        error = send_or_give_up("http://127.0.0.1:9/send", "to bob@example.com")
        assert "must not leave" not in str(error)
"""

LIBRARIES = {
    "by_httpx": """
        import httpx2

        def send(url, text):
            httpx2.post(url, content=text)
        """,
    "by_httpx_async": """
        import asyncio
        import httpx2

        async def post(url, text):
            async with httpx2.AsyncClient() as client:
                await client.post(url, content=text)

        def send(url, text):
            asyncio.run(post(url, text))
        """,
    "by_requests": """
        import requests

        def send(url, text):
            requests.post(url, data=text)
        """,
    "by_aiohttp": """
        import asyncio
        import aiohttp

        async def post(url, text):
            async with aiohttp.ClientSession() as session:
                async with session.post(url, data=text):
                    pass

        def send(url, text):
            asyncio.run(post(url, text))
        """,
}


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_test_without_a_tape_is_looked_at_too(project: Project, library: str) -> None:
    project.pytester.makepyfile(
        **{library: LIBRARIES[library], "test_words": UNTAPED.replace("LIBRARY", library)}
    )
    project.pytester.makepyprojecttoml('[tool.llmprod.wire]\nforbid = ["pii"]\n')

    result = project.pytester.runpytest_inprocess()

    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*test_posts*",
            "This request must not leave, *",
            "  request   POST a request at mail.invalid",
            "  found     email b[*][*]@*",
            "            at body",
        ]
    )


def test_a_test_without_a_tape_may_reach_the_hosts_that_are_allowed(project: Project) -> None:
    project.pytester.makepyfile(
        by_httpx=LIBRARIES["by_httpx"], test_words=UNTAPED.replace("LIBRARY", "by_httpx")
    )
    project.pytester.makepyprojecttoml(
        '[tool.llmprod.wire]\nforbid = ["pii"]\nallow_hosts = ["mail.invalid"]\n'
    )

    project.pytester.runpytest_inprocess().assert_outcomes(passed=3)


SERVED = """
    import os
    import subprocess
    import sys

    import pytest
    from app import ask_or_give_up

    OTHER = "import app; print(app.ask_or_give_up('to bob@example.com'))"

    def test_here(llm_server, llm_script, llm_wire):
        llm_script.reply("fine")
        assert ask_or_give_up("to bob@example.com") == "sorry"

    def test_in_another_process(llm_server, llm_script, llm_wire):
        llm_script.reply("fine")
        subprocess.run([sys.executable, "-c", OTHER], check=True)

    def test_harmless(llm_server, llm_script, llm_wire):
        llm_script.reply("fine")
        assert ask_or_give_up("hello") == "fine"
        llm_wire.assert_no("bob@example.com")
        with pytest.raises(AssertionError, match="left with a request"):
            llm_wire.assert_no("hello")
"""


def test_what_a_server_of_ours_gets_is_looked_at(project: Project) -> None:
    project.pytester.makepyfile(app=APP, test_words=SERVED)
    project.pytester.makepyprojecttoml('[tool.llmprod.wire]\nforbid = ["pii"]\n')

    result = project.pytester.runpytest_inprocess()

    result.assert_outcomes(passed=1, failed=2)
    assert result.stdout.str().count("found     email b**@") == 2


def test_a_script_and_a_fault_are_no_excuse(project: Project) -> None:
    project.pytester.makepyfile(
        app=APP,
        test_words="""
        from app import ask_or_give_up

        def test_script(llm_script):
            llm_script.reply("fine")
            assert ask_or_give_up("to bob@example.com") == "sorry"

        def test_fault(llm_faults):
            llm_faults.inject("rate-limit")
            assert ask_or_give_up("to bob@example.com") == "sorry"
        """,
    )
    project.pytester.makepyprojecttoml('[tool.llmprod.wire]\nforbid = ["pii"]\n')

    project.pytester.runpytest_inprocess().assert_outcomes(failed=2)


def test_an_eval_with_a_finding_is_an_error_and_no_miss(project: Project) -> None:
    project.write_rows(("one", "bob@example.com"))
    project.pytester.makepyprojecttoml('[tool.llmprod.wire]\nforbid = ["pii"]\n')

    result = project.record()

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert len(project.server.requests) == 1
    result.stdout.fnmatch_lines(["  found     email *"])
    result.assert_outcomes(passed=1, failed=1)


def test_a_finding_of_one_kind_at_one_place_is_told_in_full_once(project: Project) -> None:
    project.write_rows(("bob@example.com", "one", "sue.ann@corp.example", "4111 1111 1111 1111"))
    project.pytester.makepyprojecttoml('[tool.llmprod.wire]\nforbid = ["pii"]\n')

    text = project.record().stdout.str()

    assert text.count("  found     email ") == 1
    assert text.count("  found     card ") == 1
    assert (
        "Must not leave: email s**.***@****.******* at body /messages/0/content, as in "
        "test_doubles[bob@... above"
    ) in text
    assert "3 requests were refused by [tool.llmprod.wire] in pyproject.toml" in text


def test_what_each_request_lacks_is_told_in_full_once(project: Project) -> None:
    project.write_rows(("one", "two", "three"))
    project.pytester.makepyprojecttoml('[tool.llmprod.wire]\nrequire = ["max_tokens"]\n')

    text = project.record().stdout.str()

    assert text.count("  lacks     max_tokens: ") == 1
    assert text.count("Must not leave: lacks max_tokens, as in test_doubles[one] above") == 2


@pytest.mark.parametrize("mode", ["none", "once", "rewrite"])
def test_the_summary_says_of_a_finding_that_no_recording_mends_it(
    project: Project, mode: str
) -> None:
    project.write_rows(("one", "bob@example.com"))
    project.pytester.makepyprojecttoml('[tool.llmprod.wire]\nforbid = ["pii"]\n')
    project.record()

    result = project.record(f"--llm-record={mode}")

    text = result.stdout.str()
    result.stdout.fnmatch_lines(
        [
            "1 request was refused by *tool.llmprod.wire* in pyproject.toml: mend what the",
            "  tests above name",
        ]
    )
    for other in ("--llm-record=", "got no answer: "):
        assert other not in text.partition("= llmprod =")[2]
    assert "Mend the key" not in text


def test_a_test_with_an_outage_beside_a_finding_was_not_only_refused() -> None:
    one, other = "test_a.py::test_x[one]", "test_a.py::test_x[other]"
    found = BesideCases()
    found.misses[one] = count([], refused=1)

    assert found.was_only_refused("test_a.py::test_x")
    assert not found.was_only_refused("test_a.py::test_y")
    found.outages[other] = "ConnectError"
    assert not found.was_only_refused("test_a.py::test_x")


def test_the_summary_of_tests_that_are_no_evals_tells_a_finding_too(project: Project) -> None:
    write(project, 'ask_or_give_up("Write to bob@example.com")', 'forbid = ["pii"]')

    result = project.run()

    result.stdout.fnmatch_lines(["1 request was refused by *"])
    assert "--llm-record=" not in result.stdout.str()


def test_recording_is_no_cure_for_a_request_that_must_not_leave(recorded: Project) -> None:
    recorded.pytester.makepyprojecttoml('[tool.llmprod.wire]\nrequire = ["max_tokens"]\n')

    result = recorded.run()

    result.stdout.fnmatch_lines(["gate doubling: not judged; 10 cases got no answer"])
    result.stdout.no_fnmatch_line("record what is missing*")


def test_what_each_request_must_have_is_asked_for(project: Project) -> None:
    write(project, 'ask_or_give_up("hello")', 'require = ["pinned_model", "max_tokens", "timeout"]')

    result = project.record()

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert project.server.requests == []
    result.stdout.fnmatch_lines(
        [
            "  lacks     pinned_model: gpt-test may be another model tomorrow",
            "  lacks     max_tokens: nothing bounds the length of the answer",
        ]
    )
    write(
        project,
        'ask("hello", max_completion_tokens=9)',
        'require = ["pinned_model", "max_tokens", "timeout"]\npinned_models = ["gpt-test"]',
    )
    assert project.record().ret == 0


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ('forbid = ["pi"]', "forbid cannot name 'pi'. Did you mean 'pii'"),
        ('forbid = "pii"', "forbid must be a list of texts such as"),
        ('forbid = ["pii"]\nallow = ["*"]', "which fits nearly everything"),
        ('allow = ["a@b.example"]', "allow says nothing without forbid"),
        ('require = ["store"]', "require cannot name 'store'. Did you mean 'store_off'"),
        ('pinned_models = ["gpt"]', "pinned_models says nothing without require = "),
    ],
)
def test_a_wrong_table_is_told_before_a_test_runs(project: Project, table: str, told: str) -> None:
    write(project, 'ask("hello")', table)

    result = project.run()

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert told in result.stderr.str()


def test_nothing_is_patched_where_nothing_is_forbidden(project: Project) -> None:
    project.pytester.makepyfile(
        test_words="""
        import sys
        import threading

        START = threading.Thread.start

        def test_plain():
            assert "pytest_llmprod.session" not in sys.modules
            assert "llmprod" not in START.__qualname__
        """
    )
    project.pytester.makepyprojecttoml(
        '[project]\nname = "x"\nversion = "1"\nrequires-python = ">=3.11"\n'
        '[tool.llmprod.wire]\nallow_hosts = ["localhost"]\n'
    )

    result = project.pytester.runpytest_subprocess()

    result.assert_outcomes(passed=1)


def test_a_drill_with_a_finding_fails_by_it(project: Project) -> None:
    project.pytester.makepyfile(
        app=APP + "\n    def by_rules(text):\n        return 'sorry'\n",
        test_words="""
        import pytest
        from app import ask_or_give_up

        @pytest.mark.llm_drill(feature="x", faults="rate-limit", fallback="app:by_rules")
        def test_survives(llm_fault):
            ask_or_give_up("to bob@example.com")
        """,
    )
    project.pytester.makepyprojecttoml('[tool.llmprod.wire]\nforbid = ["pii"]\n')

    result = project.pytester.runpytest_inprocess()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["This request must not leave, *", "  found     email *"])


def test_a_shared_fixture_and_a_thread_are_looked_at_too(project: Project) -> None:
    project.pytester.makepyfile(
        app=APP,
        test_words="""
        from concurrent.futures import ThreadPoolExecutor

        import pytest
        from app import ask_or_give_up

        @pytest.fixture(scope="module")
        def answer():
            return ask_or_give_up("to bob@example.com")

        @pytest.mark.llm_cassette
        def test_shared(answer):
            assert answer == "sorry"

        @pytest.mark.llm_cassette
        def test_thread():
            with ThreadPoolExecutor() as pool:
                assert pool.submit(ask_or_give_up, "to bob@example.com").result() == "sorry"
        """,
    )
    project.pytester.makepyprojecttoml('[tool.llmprod.wire]\nforbid = ["pii"]\n')

    result = project.pytester.runpytest_inprocess()

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert result.stdout.str().count("found     email b**@") == 2
