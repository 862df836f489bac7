"""Misses as a user meets them: swallowed, told once, and counted in the summary."""

import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
from project import WORDS, Project

CAREFUL = """
    def careful(word):
        try:
            return ask(word)
        except Exception:
            return f"{word} {word}"
"""

# What openai 2 did with whatever its HTTP library raised.
WRAPPING = """
    import httpx2

    class APIConnectionError(Exception):
        pass

    def ask(word, retries=2):
        url = "https://api.openai.com/v1/chat/completions"
        body = {"model": "gpt-test", "messages": [{"role": "user", "content": f"Say {word}"}]}
        with httpx2.Client(trust_env=False) as client:
            for left in range(retries, -1, -1):
                try:
                    return client.post(url, json=body).json()
                except Exception as error:
                    if not left:
                        raise APIConnectionError("Connection error.") from error
"""

ASYNC = """
    import asyncio
    from openai import AsyncOpenAI

    async def request(word):
        async with AsyncOpenAI(max_retries=2) as client:
            try:
                await client.chat.completions.create(
                    model="gpt-test", messages=[{"role": "user", "content": f"Say {word}"}]
                )
            except Exception:
                return "no answer"

    def ask(word):
        return asyncio.run(request(word))
"""


RED, GREEN, BOLD = "\x1b[31m", "\x1b[32m", "\x1b[1m"


def changed(project: Project) -> Project:
    project.edit("feature.py", "Double this word:", "Please double this word:")
    return project


def failures(result: pytest.RunResult) -> list[str]:
    """The texts below the headings of the failures, without the gates and without pytest's rest."""
    text = result.stdout.str()
    text = text[re.search("= (FAILURES|ERRORS) =", text).end() :]
    text = re.split(r"\n=+ ", text)[0]
    parts = re.split(r"\n_+ .+ _+\n", text)[1:]
    parts = [re.sub(r"^\[gw\d\].*\n", "", part) for part in parts]  # the worker, by xdist
    return [part.strip("\n") for part in parts if "mend" in part]


def test_a_default_answer_does_not_hide_a_miss(recorded: Project) -> None:
    recorded.edit("feature.py", "def ask", "def ask_model")
    feature = (recorded.path / "feature.py").read_text()
    text = feature + CAREFUL.replace("ask(word)", "ask_model(word)").replace("\n    ", "\n")
    (recorded.path / "feature.py").write_text(text)
    recorded.edit("test_words.py", "import ask", "import careful as ask")
    before = recorded.run()

    after = changed(recorded).run("-k", "one")

    assert before.ret == pytest.ExitCode.OK
    assert after.ret == pytest.ExitCode.TESTS_FAILED
    (text,) = failures(after)
    assert text.startswith("No recording: prompt changed in messages[0].content")
    assert recorded.server.requests == []


@pytest.mark.parametrize("swallows", [False, True])
def test_a_client_that_wraps_and_retries_tells_a_miss_once(
    recorded: Project, swallows: bool
) -> None:
    recorded.pytester.makepyfile(feature=WRAPPING)
    if swallows:
        recorded.edit(
            "test_words.py",
            "    assert ask(llm_case.input) == llm_case.expected",
            "    try:\n        ask(llm_case.input)\n    except Exception:\n        pass",
        )

    result = recorded.run("-k", "two")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    (text,) = failures(result)
    assert text.count("No recording: prompt changed in messages[0].content\n") == 1
    assert text.count("mend") == 1
    assert "Connection error." not in result.stdout.str()
    result.stdout.fnmatch_lines(["1 request is in no recording: prompt changed 1"])


def test_an_async_client_that_swallows_a_miss_fails_its_test(recorded: Project) -> None:
    recorded.pytester.makepyfile(feature=ASYNC)
    recorded.edit("test_words.py", "== llm_case.expected", "== 'no answer'")

    result = recorded.run("-k", "two")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    (text,) = failures(result)
    assert '  asked     POST chat to gpt-test: "Say two"\n' in text
    assert recorded.server.requests == []


def test_many_misses_of_one_kind_are_told_once_with_a_count(recorded: Project) -> None:
    result = changed(recorded).run()

    first, *others = failures(result)
    assert first.startswith("No recording: prompt changed in messages[0].content\n")
    assert [text.splitlines() for text in others] == [
        [
            "prompt changed in messages[0].content, as in test_doubles[one] above",
            "  mend      pytest --llm-eval --llm-record=new_episodes "
            f"'test_words.py::test_doubles[{word}]'",
        ]
        for word in WORDS[1:]
    ]
    result.stdout.fnmatch_lines(
        [
            "doubling *10 * 0 *- - *50% not judged * - * -",
            "gate doubling: not judged; 10 cases got no answer",
            "10 requests are in no recording: prompt changed 10",
            "record what is missing with: pytest --llm-eval --llm-record=new_episodes",
        ],
        consecutive=False,
    )


def test_the_summary_counts_each_kind(recorded: Project) -> None:
    recorded.edit(
        "test_words.py",
        "    assert",
        "    if llm_case.id in ('two', 'six', 'ten'):\n        ask('two')\n    assert",
    )
    recorded.write_rows((*WORDS, "eleven"))

    result = recorded.run()

    result.stdout.fnmatch_lines(
        [
            "4 requests are in no recording: prompt changed 2, case not recorded 1, one more",
            "  call 1",
        ]
    )


def test_several_requests_of_one_test_are_counted_and_mended_at_once(recorded: Project) -> None:
    recorded.edit(
        "test_words.py",
        "    assert",
        "    for word in 'abc':\n"
        "        try:\n"
        "            ask(word)\n"
        "        except Exception:\n"
        "            pass\n"
        "    assert",
    )

    first, second = failures(recorded.run("-k", "one or two"))

    assert first.count("No recording") == 1
    assert "and 2 more requests of this test, for the same reason" in first
    assert first.count("mend") == 1
    assert second.startswith(
        "prompt changed in messages[0].content, as in test_doubles[one] above "
        "(and 2 more requests of this test)"
    )


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_the_count_is_the_same_in_a_parallel_run(recorded: Project, workers: str) -> None:
    result = changed(recorded).run(workers, subprocess=True)

    result.stdout.fnmatch_lines(["10 requests are in no recording: prompt changed 10"])
    in_full = [text for text in failures(result) if text.startswith("No recording")]
    assert len(in_full) == (1 if workers == "-n0" else 2)


def test_the_json_says_of_each_case_what_kind_of_miss_it_was(recorded: Project) -> None:
    data = changed(recorded).data()

    whys = {case["id"]: case["why"] for case in data["cases"]}
    assert whys["one"] == "No recording: prompt changed in messages[0].content"
    assert whys["two"] == "prompt changed in messages[0].content, as in test_doubles[one] above"


PLAIN = """
    import pytest
    from feature import ask

    @pytest.mark.llm_cassette
    @pytest.mark.parametrize("word", ["one", "two", "three"])
    def test_plain(word):
        assert ask(word)
"""


def plain(project: Project) -> Project:
    """A project whose tests are no evals."""
    (project.path / "test_words.py").unlink()
    project.pytester.makepyfile(test_plain=PLAIN)
    project.record("--llm-record=once")
    return changed(project)


def run_plain(project: Project, *arguments: str, **how: Any) -> pytest.RunResult:
    return project.pytester.runpytest_inprocess(*arguments, **how)


def test_tests_that_are_no_evals_get_the_same_texts(project: Project) -> None:
    result = run_plain(plain(project))

    first, *others = failures(result)
    assert first.startswith("No recording: prompt changed in messages[0].content\n")
    assert first.endswith("pytest --llm-record=new_episodes 'test_plain.py::test_plain[one]'")
    assert [text.splitlines()[0] for text in others] == [
        "prompt changed in messages[0].content, as in test_plain[one] above"
    ] * 2
    result.stdout.fnmatch_lines(
        [
            "*= llmprod =*",
            "3 requests are in no recording: prompt changed 3",
            "record what is missing with: pytest --llm-record=new_episodes",
        ],
        consecutive=True,
    )


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_the_summary_names_the_moves_that_mend_a_rename(recorded: Project, workers: str) -> None:
    recorded.record("--llm-record=once", "--llm-swap=gpt-test=gpt-other")
    recorded.edit("test_words.py", "def test_doubles", "def test_says_a_word_twice")

    result = recorded.run(workers, subprocess=True)

    start = result.outlines.index("10 requests are in no recording: test renamed 10")
    end = result.outlines.index("gates not written: not every case was judged")
    lead, *script = result.outlines[start + 1 : end]
    assert lead == "move what was renamed with:"
    assert all(len(line) <= 80 for line in script)
    subprocess.run("\n".join(script), shell=True, check=True, cwd=recorded.path)
    swap = "--llm-swap=gpt-test=gpt-other"
    assert [recorded.run().ret, recorded.run(swap).ret] == [pytest.ExitCode.OK] * 2


def test_a_renamed_case_of_two_models_is_no_other_model(recorded: Project) -> None:
    recorded.record("--llm-record=once", "--llm-swap=gpt-test=gpt-other")
    recorded.edit("words.jsonl", '"id": "one"', '"id": "uno"')

    result = recorded.run("-k", "uno")

    (text,) = failures(result)
    assert text.startswith("No recording: case renamed, no cassette holds uno\n")
    assert "            and in cassettes/test_words/test_doubles.gpt-other.json\n" in text
    result.stdout.fnmatch_lines(
        [
            "1 request is in no recording: case renamed 1",
            "rename the case, or record it with: pytest --llm-eval --llm-record=once -k uno",
        ]
    )


def test_a_quiet_run_without_evals_says_in_one_line_what_is_missing(project: Project) -> None:
    result = run_plain(plain(project), "-q")

    lines = [line for line in result.outlines if "llmprod:" in line]
    assert lines == ["llmprod: 3 requests are in no recording: prompt changed 3"]
    assert "record what is missing with: pytest --llm-record=new_episodes" in result.outlines


def test_a_quiet_run_with_evals_says_what_is_missing_and_how_to_record_it(
    recorded: Project,
) -> None:
    result = changed(recorded).run("-q")

    result.stdout.fnmatch_lines(
        [
            "llmprod: doubling 0/10 - - not judged; gates: 1 not judged",
            "10 requests are in no recording: prompt changed 10",
            "record what is missing with: pytest --llm-eval --llm-record=new_episodes",
        ],
        consecutive=True,
    )


def test_the_command_of_a_run_that_stopped_before_its_evals_asks_for_them(
    project: Project,
) -> None:
    project.pytester.makepyfile(test_plain=PLAIN)

    result = project.run("-x", "test_plain.py", "test_words.py")

    result.stdout.fnmatch_lines(
        [
            "record what is missing with: pytest --llm-eval --llm-record=once test_plain.py \\",
            "    test_words.py",
        ]
    )


def test_the_command_records_no_more_than_the_run_ran(recorded: Project) -> None:
    result = changed(recorded).run(
        "-k", "one or two", "--deselect=test_words.py::test_doubles[two]"
    )
    start = result.outlines.index(
        "record what is missing with: pytest --llm-eval --llm-record=new_episodes \\"
    )
    command = " ".join(result.outlines[start : start + 2]).replace("\\", "").partition("pytest ")[2]
    recorded.record(*shlex.split(command))

    assert len(recorded.server.requests) == 1


def test_misses_of_all_tests_are_counted_where_evals_ran(recorded: Project) -> None:
    recorded.pytester.makepyfile(test_plain=PLAIN)

    result = changed(recorded).run()

    result.stdout.fnmatch_lines(
        ["13 requests are in no recording: prompt changed 10, no cassette 3"]
    )
    assert result.stdout.str().count("= llmprod =") == 1


def test_without_a_miss_nothing_is_counted(recorded: Project) -> None:
    recorded.pytester.makepyfile(test_plain="def test_plain(): pass")

    result = recorded.run()
    plain = run_plain(recorded)

    assert "in no recording" not in result.stdout.str()
    assert "llmprod =" not in plain.stdout.str()


def test_the_command_of_a_short_text_mends_its_test(recorded: Project) -> None:
    broken = changed(recorded).run("-k", "one or two")
    command = failures(broken)[1].splitlines()[-1].split()

    recorded.record(command[3], command[4].strip("'"))
    mended = recorded.run("-k", "two")

    assert mended.ret == pytest.ExitCode.OK
    sent = [body["messages"][-1]["content"] for body in recorded.server.requests]
    assert sent == ["Please double this word: two"]


def test_a_fixture_that_several_tests_share_tells_its_miss_too(recorded: Project) -> None:
    recorded.pytester.makeconftest(
        """
        import pytest
        from feature import ask

        @pytest.fixture(scope="session")
        def warm():
            return ask("warm")
        """
    )
    recorded.edit("test_words.py", "(llm_case)", "(llm_case, warm)")

    result = recorded.run("-k", "one or two")

    first, second = failures(result)
    assert first.startswith("No recording: no cassette for gpt-test\n")
    assert "cassettes/conftest/fixture.warm.gpt-test.json" in first
    assert second.startswith("no cassette for gpt-test, as in test_doubles[one] above\n")
    assert second.splitlines()[-1] == first.splitlines()[-1]
    result.stdout.fnmatch_lines(["1 request is in no recording: no cassette 1"])


def test_counts_cross_to_the_controller_as_plain_json(recorded: Project) -> None:
    recorded.pytester.makeconftest(
        """
        import json

        def pytest_runtest_logreport(report):
            counts = getattr(report, "llmprod_misses", None)
            if counts is not None:
                open("counts.txt", "a").write(json.dumps([report.when, counts]) + "\\n")
        """
    )

    changed(recorded).run("-k", "one")

    lines = (recorded.path / "counts.txt").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [
        ["teardown", {"kinds": {"prompt changed": 1}, "moves": [], "refused": 0}]
    ]


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_changes_and_commands_are_in_colour_where_the_terminal_takes_it(
    recorded: Project, workers: str
) -> None:
    result = changed(recorded).run("--color=yes", "-k", "one", workers, subprocess=True)

    lines = result.outlines
    assert any(line.startswith(f"{RED}              - Double this word: one") for line in lines)
    assert any(line.startswith(f"{GREEN}              + Please double") for line in lines)
    assert any(line.startswith(f"{BOLD}  mend      pytest --llm-eval") for line in lines)


@pytest.mark.parametrize("how", ["--color=no", "NO_COLOR"])
def test_no_colour_is_no_colour(
    recorded: Project, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    if how == "NO_COLOR":
        monkeypatch.setenv("NO_COLOR", "1")

    result = changed(recorded).run(*([how] if how.startswith("-") else []), "--junit-xml=j.xml")

    assert "\x1b" not in result.stdout.str()
    xml = (recorded.path / "j.xml").read_text()
    assert "No recording: prompt changed in messages[0].content" in xml
    assert "\x1b" not in xml


def test_on_first_contact_all_hints_agree_and_the_one_of_the_readme_works(project: Project) -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")

    first = project.run()
    hints = {line.strip() for line in first.outlines if "--llm-record=" in line}
    project.record("--llm-record=once")

    assert "`pytest --llm-eval --llm-record=once` records the cases that have no" in readme
    hints -= {"not sent: --llm-record=none sends nothing"}
    assert len(hints) == 11
    assert all("--llm-record=once" in hint for hint in hints)
    assert project.run().ret == pytest.ExitCode.OK
