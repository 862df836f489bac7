"""A task on several cases at once: the same results as one by one, what is shown, and Ctrl-C."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
from typing import Any

import pytest
from project import WORDS, Project

from pytest_llmprod.core.text import natural

KEY = "sk-live-0123456789abcdefghijkl"

FEATURE = """
    from openai import AsyncOpenAI, OpenAI

    def question(word):
        return {"role": "user", "content": f"Double this word: {word}"}

    async def ask_async(word):
        async with AsyncOpenAI(max_retries=0) as client:
            answer = await client.chat.completions.create(
                model="gpt-test", messages=[question(word)]
            )
        return answer.choices[0].message.content

    def ask_sync(word):
        with OpenAI(max_retries=0) as client:
            answer = client.chat.completions.create(model="gpt-test", messages=[question(word)])
        return answer.choices[0].message.content
"""

EVAL = """
    import pytest
    from feature import ask_async, ask_sync

    @pytest.mark.llm_eval(feature="doubling", dataset="words.jsonl", threshold=0.5, task=TASK)
    def test_doubles(llm_case, llm_output):
        assert llm_output == llm_case.expected
"""


@pytest.fixture(params=["ask_sync", "ask_async"])
def tasked(project: Project, request: pytest.FixtureRequest) -> Project:
    """A project whose eval has a task."""
    project.pytester.makepyfile(feature=FEATURE, test_words=EVAL.replace("TASK", request.param))
    return project


def arguments(project: Project, *options: str) -> list[str]:
    return [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--llm-eval", *options]


def environment(project: Project) -> dict[str, str]:
    return {
        **os.environ,
        "OPENAI_BASE_URL": project.server.url,
        "OPENAI_API_KEY": KEY,
        "COLUMNS": "80",
    }


def without_times(text: str) -> str:
    return re.sub(r'"(recorded_at|valid_until|p95_latency_s|latency_s)": [^,\n]*', r'"\1": 0', text)


def everything(project: Project, concurrency: int) -> tuple[str, dict[str, Any]]:
    """The cassette and the results of a recording run, without what depends on the clock."""
    options = ("--llm-json=run.json", "-p", "no:cacheprovider")
    result = project.record(f"--llm-concurrency={concurrency}", *options)
    assert result.ret == pytest.ExitCode.OK
    cassette = without_times(project.cassette().read_text())
    data = json.loads(without_times((project.path / "run.json").read_text()))
    del data["run"]
    for gate in data["gates"].values():
        gate.pop("run", None)
    project.cassette().unlink()
    (project.path / "llmprod-gates.json").unlink()
    return cassette, data


def test_many_at_once_leave_what_one_by_one_does(tasked: Project) -> None:
    words = (*WORDS, *(f"word{number}" for number in range(20)))
    tasked.write_rows(words)
    doubled = tasked.server.answer
    arrived = threading.Semaphore(0)

    def answer_in_another_order(body: dict[str, Any]) -> str:
        # Of two that come together the second is answered first, if it comes in time.
        arrived.release()
        if len(tasked.server.requests) % 2:
            arrived.acquire()
            arrived.acquire(timeout=0.02)
        return doubled(body)

    tasked.server.answer = answer_in_another_order

    one_by_one = everything(tasked, 1)

    assert [case["id"] for case in one_by_one[1]["cases"]] == sorted(words, key=natural)
    assert one_by_one[1]["suites"][0]["hits"] == len(words) - 1
    for concurrency in (8, 20):
        assert everything(tasked, concurrency) == one_by_one


class Blocking:
    """A model that answers the first `count` requests, and then none until it is released."""

    def __init__(self, project: Project, count: int, *, at_once: int) -> None:
        self._answer = project.server.answer
        self._count = count
        self._at_once = at_once
        self._blocked = 0
        self._lock = threading.Lock()
        self.is_full = threading.Event()
        self.released = threading.Event()
        project.server.answer = self.answer

    def answer(self, body: dict[str, Any]) -> str:
        with self._lock:
            self._count -= 1
            is_blocked = self._count < 0 and not self.released.is_set()
            self._blocked += is_blocked
            if self._blocked == self._at_once:
                self.is_full.set()
        if is_blocked:
            self.released.wait(timeout=120)
        return self._answer(body)


def interrupted(project: Project, *options: str) -> tuple[int, str]:
    """Run until no request is answered any more, press Ctrl-C, and return status and output.

    Three cases are recorded then, and two are on their way.
    """
    model = Blocking(project, 3, at_once=2)
    command = arguments(project, "--llm-concurrency=2", *options)
    with subprocess.Popen(
        command,
        cwd=project.path,
        env=environment(project),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # A shell starts what it runs in the background with a Ctrl-C that is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        try:
            assert model.is_full.wait(timeout=60)
            process.send_signal(signal.SIGINT)
            output, _ = process.communicate(timeout=60)  # while both requests still wait
        finally:
            process.kill()
            model.released.set()
    return process.returncode, output


def test_ctrl_c_stops_at_once_and_a_later_run_goes_on(tasked: Project) -> None:
    status, output = interrupted(tasked, "--llm-record=once")
    asked = len(tasked.server.requests)
    stored = json.loads(tasked.cassette().read_text())["interactions"]

    resumed = tasked.record("--llm-record=once")

    assert status == pytest.ExitCode.INTERRUPTED
    assert "recorded 3 requests in 1 cassette" in output
    assert "stopped; what was recorded is kept" in output
    assert "go on with: pytest --llm-eval --llm-record=once" in output
    assert "Traceback" not in output
    assert len({each["llmprod"]["case"] for each in stored} & set(WORDS[:5])) == len(stored) == 3
    assert asked == 5
    assert resumed.ret == pytest.ExitCode.OK
    assert len(tasked.server.requests) == 5 + 7
    assert tasked.run().parseoutcomes() == {"passed": 10, "missed": 1}
    assert "unfinished" not in tasked.cassette().read_text()


@pytest.mark.parametrize("mode", ["all", "rewrite"])
def test_ctrl_c_in_a_run_that_replaces_keeps_what_it_has_not_reached(
    tasked: Project, mode: str
) -> None:
    assert tasked.record().ret == pytest.ExitCode.OK
    doubled = tasked.server.answer
    tasked.server.answer = lambda body: f"new {doubled(body)}"

    status, output = interrupted(tasked, f"--llm-record={mode}")

    assert status == pytest.ExitCode.INTERRUPTED
    assert "go on with: pytest --llm-eval --llm-record=once" in output
    assert f"What has older recordings keeps them; --llm-record={mode} asks all again." in output
    stored = json.loads(tasked.cassette().read_text())["interactions"]
    assert [each["llmprod"]["case"] for each in stored] == list(WORDS)
    texts = [
        each["response"]["body"]["json"]["choices"][0]["message"]["content"] for each in stored
    ]
    new = [text.startswith("new ") for text in texts]
    assert (sum(new[:5]), sum(new[5:])) == (3, 0)


def test_ctrl_c_of_a_replay_says_nothing_of_recordings(recorded: Project) -> None:
    recorded.edit("test_words.py", "    assert", "    raise KeyboardInterrupt\n    assert")

    result = recorded.run(subprocess=True)

    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert "stopped; what was recorded" not in result.stdout.str()


FAILING = """
    def fail(word):
        if word in ("three", "five"):
            raise OSError(f"no \\x1b[31m way to {word}\\nsecond line")
        return f"{word} {word}"
"""


@pytest.fixture
def failing(project: Project) -> Project:
    """A project whose task fails on two cases; it makes no request."""
    project.pytester.makepyfile(
        feature=FAILING,
        test_words="""
        import pytest
        from feature import fail

        @pytest.mark.llm_eval(feature="doubling", dataset="words.jsonl", threshold=0.5, task=fail)
        def test_doubles(llm_case, llm_output):
            assert llm_output == llm_case.expected
        """,
    )
    return project


FIRST_FAILURE = r"llmprod: the task failed on case three: OSError: no \x1b[31m way to three"


@pytest.mark.parametrize("option", ["-q", "-v", "-s"])
def test_the_first_failure_of_a_task_is_told_at_once_and_no_other(
    failing: Project, option: str
) -> None:
    result = failing.run("--llm-concurrency=1", option, subprocess=True)

    lines = result.outlines
    assert lines.count(FIRST_FAILURE) == 1
    assert not [line for line in lines if line.startswith("llmprod: the task failed on case five")]
    results = re.sub(r"\x1b\[\d+m", "", lines[lines.index(FIRST_FAILURE) + 1])
    assert results.startswith("PASSED" if option == "-v" else "..E.E.....")
    assert "/10 cases" not in result.stdout.str()


def test_a_secret_in_the_first_failure_is_masked(
    failing: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_API_KEY", "a-secret-of-the-shop-0123")
    failing.edit("feature.py", "no \\x1b[31m way", "bad key a-secret-of-the-shop-0123")

    result = failing.run("--llm-concurrency=1", subprocess=True)

    (line,) = [line for line in result.outlines if line.startswith("llmprod: the task failed")]
    assert "a-secret-of-the-shop" not in line
    assert line.startswith("llmprod: the task failed on case three: OSError: bad key [masked")


def test_a_case_that_a_task_skips_is_no_failure(failing: Project) -> None:
    failing.edit("feature.py", "raise OSError(", "import pytest; pytest.skip(")

    result = failing.run("--llm-concurrency=1", subprocess=True)

    assert "the task failed" not in result.stdout.str()


def test_a_task_of_one_case_leaves_its_failure_to_the_test(failing: Project) -> None:
    result = failing.run("-k", "three", subprocess=True)

    assert "the task failed on case" not in result.stdout.str()
    assert result.parseoutcomes()["errors"] == 1


def on_a_terminal(project: Project, *options: str, term: str = "xterm") -> str:
    """What a run writes to a terminal of 80 columns."""
    ours, its = pty.openpty()
    with subprocess.Popen(
        arguments(project, *options),
        cwd=project.path,
        env={**environment(project), "TERM": term},
        stdin=subprocess.DEVNULL,
        stdout=its,
        stderr=its,
    ) as process:
        os.close(its)
        pieces: list[bytes] = []
        try:
            while piece := os.read(ours, 4096):
                pieces.append(piece)
        except OSError:  # Linux tells so that the last writer has closed it
            pass
        finally:
            os.close(ours)
            process.wait(timeout=60)
    return b"".join(pieces).decode().replace("\r\n", "\n")


def seen(output: str) -> list[str]:
    """The lines that a terminal shows in the end, without colours."""
    rows, row, column = [""], 0, 0
    for token in re.findall(r"\x1b\[\d*(?:;\d+)*[A-Za-z]|.|\n", output):
        if token == "\n":
            row, column = row + 1, 0
            rows += [""] * (row + 1 - len(rows))
        elif token == "\r":
            column = 0
        elif token == "\x1b[K":
            rows[row] = rows[row][:column]
        elif token == "\x1b[A":
            row -= 1
        elif token.endswith("C") and len(token) > 1:
            column += int(token[2:-1])
        elif len(token) == 1:
            rows[row] = rows[row][:column].ljust(column) + token + rows[row][column + 1 :]
            column += 1
    return rows


@pytest.mark.parametrize("option", ["--capture=fd", "--capture=no", "-v"])
def test_progress_is_rewritten_in_place_and_leaves_nothing(failing: Project, option: str) -> None:
    output = on_a_terminal(failing, "--llm-concurrency=1", option)
    shown = seen(output)

    assert "\nllmprod: test_doubles 0/10 cases\x1b[K" in output
    assert "\rllmprod: test_doubles 2/10 cases\x1b[K" in output
    assert "\rllmprod: test_doubles 10/10 cases, 2 errors\x1b[K" in output
    assert not [line for line in shown if "/10 cases" in line]
    assert shown.count(FIRST_FAILURE) == 1
    results = shown[shown.index(FIRST_FAILURE) + 1]
    assert results.startswith("PASSED" if option == "-v" else "..E.E.....")


def test_the_line_of_a_test_goes_on_where_it_was(tasked: Project) -> None:
    tasked.write_rows(WORDS[:3])

    output = on_a_terminal(tasked, "--llm-record=all")

    assert "llmprod: test_doubles 3/3 cases\x1b[K" in output
    assert any(line.startswith("test_words.py ...") for line in seen(output))


@pytest.mark.parametrize("option", ["-q", "-n2"])
def test_there_is_no_progress_in_a_quiet_run_or_in_workers(failing: Project, option: str) -> None:
    output = on_a_terminal(failing, option)

    assert "/10 cases" not in output


def test_a_dumb_terminal_gets_no_progress(failing: Project) -> None:
    output = on_a_terminal(failing, term="dumb")

    assert "/10 cases" not in output
    assert seen(output).count(FIRST_FAILURE) == 1


def test_what_a_task_prints_is_still_captured(failing: Project) -> None:
    failing.edit("feature.py", "    if word in", "    print('said by', word)\n    if word in")

    output = on_a_terminal(failing, "--llm-concurrency=1", "--tb=no")

    assert "said by" not in output


LEAVING = """
    import asyncio
    import sys

    from openai import AsyncOpenAI, OpenAI

    def question(word):
        if word == "three":
            {leave}
        return {{"role": "user", "content": f"Double this word: {{word}}"}}

    async def ask_async(word):
        async with AsyncOpenAI(max_retries=0) as client:
            answer = await client.chat.completions.create(
                model="gpt-test", messages=[question(word)]
            )
        return answer.choices[0].message.content

    def ask_sync(word):
        with OpenAI(max_retries=0) as client:
            answer = client.chat.completions.create(model="gpt-test", messages=[question(word)])
        return answer.choices[0].message.content
"""


@pytest.mark.parametrize(
    ("leave", "error"),
    [
        ("sys.exit(2)", "SystemExit: 2"),
        ("raise asyncio.CancelledError", "CancelledError"),
        ("raise type('Stop', (BaseException,), {})('now')", "Stop: now"),
        ("raise BaseExceptionGroup('both', [SystemExit()])", "BaseExceptionGroup: both (1 *"),
    ],
)
def test_a_feature_that_exits_or_cancels_itself_is_an_error_of_one_case(
    tasked: Project, leave: str, error: str
) -> None:
    tasked.pytester.makepyfile(feature=LEAVING.format(leave=leave))

    result = tasked.record("--llm-record=once")

    assert result.parseoutcomes() == {"passed": 8, "missed": 1, "errors": 1, "failed": 1}
    result.stdout.fnmatch_lines([f"*RuntimeError: the task raised {error}*"])
    result.stdout.no_fnmatch_line("*after that test had ended*")
    assert len(tasked.server.requests) == 9


@pytest.mark.parametrize("task", ["ask_sync", "ask_async"])
def test_tests_after_ctrl_c_and_the_debugger_run_as_ever(project: Project, task: str) -> None:
    project.pytester.makepyfile(
        feature=LEAVING.format(leave="raise KeyboardInterrupt"),
        test_words=EVAL.replace("TASK", task),
        quiet="""
            import pdb

            class Quiet(pdb.Pdb):
                def interaction(self, *args, **keywords):
                    pass  # going on would take away the tracer with which coverage is measured
        """,
    )
    project.write_rows(("three", "one", "two"))

    result = project.record("--llm-record=once", "--pdb", "--pdbcls=quiet:Quiet", "-s")

    assert result.parseoutcomes()["passed"] == 2
    result.stdout.no_fnmatch_line("*after that test had ended*")
