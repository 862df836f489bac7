"""The request log of runs of pytest: what is written, when, and what becomes of it."""

import json
import multiprocessing
import os
import shlex
import time
from pathlib import Path
from typing import Any

import pytest
from loopback import Refused
from project import WORDS, Project

from pytest_llmprod.cli import main
from pytest_llmprod.records import names, reading
from pytest_llmprod.records.reading import Entry

PLAIN = """
    import pytest
    from feature import ask

    @pytest.mark.llm_cassette
    def test_plain():
        assert ask("one") == "one one"

    @pytest.mark.llm_cassette
    def test_wrong():
        assert ask("two") == "2 2"
"""


def runs(project: Project) -> Path:
    return project.path / ".llmprod" / "runs"


def entries(project: Project) -> list[Entry]:
    """The lines of the newest run."""
    read = reading.read(reading.folders_of(runs(project))[-1])
    assert read.broken == 0
    return list(read.entries)


def log_bytes(project: Project) -> bytes:
    return b"".join(path.read_bytes() for path in runs(project).rglob("*") if path.is_file())


def by_case(project: Project) -> dict[str, Entry]:
    return {entry.text(names.CASE): entry for entry in entries(project)}


@pytest.fixture
def cheap(project: Project) -> Project:
    """A project in which only three words are asked."""
    project.write_rows(WORDS[:3])
    return project


def test_a_recording_run_and_its_replay_log_every_exchange(cheap: Project) -> None:
    cheap.record()
    recorded = by_case(cheap)
    cheap.run()
    replayed = by_case(cheap)

    assert set(recorded) == set(replayed) == {"one", "two", "three"}
    assert {entry.figures[names.REPLAYED] for entry in recorded.values()} == {False}
    one = replayed["one"]
    assert one.figures[names.REPLAYED] is True
    assert one.text(names.RECORDED_AT) == recorded["one"].text(names.RECORDED_AT)
    assert one.text(names.TIMESTAMP) > recorded["one"].text(names.TIMESTAMP)
    assert one.text(names.TEST) == "test_words.py::test_doubles[one]"
    assert one.text(names.FEATURE) == "doubling"
    assert one.text(names.VERDICT) == "hit"
    assert one.text(names.CASSETTE) == "cassettes/test_words/test_doubles.gpt-test.json"
    assert one.text(names.COST_STATUS) == "unpriced"
    said = reading.bodies_of(one)
    assert said["input"]["messages"][0]["content"] == "Double this word: one"
    assert said["output"] == "one one"


def test_a_miss_is_logged_with_its_reason_and_its_scores(cheap: Project) -> None:
    cheap.edit(
        "test_words.py", "def test_doubles(llm_case):", "def test_doubles(llm_case, llm_score):"
    )
    cheap.edit("test_words.py", "assert ask", 'llm_score("politeness", 0.5)\n    assert ask')
    cheap.edit("words.jsonl", '"two two"', '"2 2"')
    cheap.record()

    two = by_case(cheap)["two"]
    assert two.text(names.VERDICT) == "miss"
    assert two.figures[names.SCORES] == {"politeness": 0.5, "passed": 0.0}
    assert "2 2" in reading.bodies_of(two)["why"]


def test_what_a_failing_test_asked_is_there(cheap: Project) -> None:
    cheap.pytester.makepyfile(test_plain=PLAIN)
    cheap.record("test_plain.py")

    found = {entry.text(names.TEST): entry for entry in entries(cheap)}
    passed, failed = found["test_plain.py::test_plain"], found["test_plain.py::test_wrong"]
    assert (passed.text(names.VERDICT), failed.text(names.VERDICT)) == ("passed", "failed")
    assert (failed.text(names.CASE), failed.text(names.FEATURE)) == ("", "")
    assert "2 2" in reading.bodies_of(failed)["why"]


def test_an_error_of_the_provider_is_logged(cheap: Project) -> None:
    def refuse(request: dict[str, Any]) -> str:
        raise Refused(429, message="slow down")

    cheap.server.answer = refuse
    cheap.record("-k", "one")

    (entry,) = entries(cheap)
    assert (entry.figures[names.STATUS], entry.text(names.ERROR)) == (429, "429")
    assert entry.text(names.COST_STATUS) == "free"
    assert entry.text(names.VERDICT) == "error"


def test_each_worker_writes_a_log_of_its_own_and_one_run(project: Project) -> None:
    project.record()
    project.run("-n2", subprocess=True)

    (folder,) = [
        each for each in reading.folders_of(runs(project)) if (each / "gw0.jsonl").exists()
    ]
    assert {path.name for path in folder.glob("*.jsonl")} == {"gw0.jsonl", "gw1.jsonl"}
    assert {entry.text(names.CASE) for entry in entries(project)} == set(WORDS)


def test_a_real_line_has_the_names_that_the_page_shows(cheap: Project) -> None:
    """The page's own line is made by hand, so that its ids and times stay the same."""
    page = (Path(__file__).parents[1] / "docs" / "log.md").read_text(encoding="utf-8")
    shown = json.loads(page.partition("```jsonc\n")[2].partition("```")[0])
    cheap.edit("words.jsonl", '"two two"', '"2 2"')
    cheap.record()
    cheap.run()

    real = by_case(cheap)["two"].figures
    priced = {names.COST_USD, names.COMMIT, names.CACHE_READ_TOKENS}
    assert set(real) | priced == set(shown)


KILLING = """
    import os, signal, pytest
    from feature import ask

    @pytest.mark.llm_cassette
    @pytest.mark.parametrize("word", ["one", "two", "three"])
    def test_asks(word):
        assert ask(word) == f"{word} {word}"
        if word == "three":
            os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_run_that_is_killed_has_logged_what_it_reported(cheap: Project) -> None:
    cheap.pytester.makepyfile(test_plain=KILLING)
    killed = cheap.record("test_plain.py", "-v", subprocess=True)

    assert killed.ret == -9
    killed.stdout.fnmatch_lines(["*test_asks?two? PASSED*"])
    told = [entry.text(names.TEST) for entry in entries(cheap)]
    assert told == [f"test_plain.py::test_asks[{word}]" for word in ("one", "two")]


def test_what_was_asked_before_a_run_was_stopped_is_logged(cheap: Project) -> None:
    cheap.pytester.makepyfile(
        test_plain=KILLING.replace(
            "os.kill(os.getpid(), signal.SIGKILL)", "raise KeyboardInterrupt"
        )
    )
    cheap.record("test_plain.py", subprocess=True)

    verdicts = [entry.text(names.VERDICT) for entry in entries(cheap)]
    assert verdicts == ["passed", "passed", ""]


STOPPED_TASK = """
    import pytest
    from feature import ask

    def task(word):
        if word == "three":
            raise KeyboardInterrupt
        return ask(word)

    @pytest.mark.llm_eval(feature="doubling", dataset="words.jsonl", threshold=0.5, task=task)
    def test_doubles(llm_case, llm_output):
        assert llm_output == llm_case.expected
"""


def test_what_a_task_asked_before_it_was_stopped_is_logged(cheap: Project) -> None:
    cheap.pytester.makepyfile(test_words=STOPPED_TASK)
    cheap.record("--llm-concurrency=1", subprocess=True)

    found = by_case(cheap)
    assert sorted(found) == ["one", "two"]
    assert {entry.text(names.VERDICT) for entry in found.values()} == {""}


FORKING = """
    import os, pytest
    from feature import ask

    @pytest.mark.llm_cassette
    def test_forks():
        ask("first")
        child = os.fork()
        if not child:
            try:
                ask("child")
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        ask("last")
"""


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork here")
def test_what_a_forked_process_asked_is_logged_once(cheap: Project) -> None:
    cheap.pytester.makepyfile(test_plain=FORKING)
    cheap.record("test_plain.py", subprocess=True)
    for _ in range(2):
        found = [(reading.bodies_of(each)["output"], each) for each in entries(cheap)]
        assert [said for said, _ in found] == ["first first", "child child", "last last"]
        assert {each.text(names.TEST) for _, each in found} == {"test_plain.py::test_forks"}
        assert [each.text(names.VERDICT) for _, each in found] == ["passed", "", "passed"]
        assert len({each.text(names.ID) for _, each in found}) == 3
        cheap.run("test_plain.py", subprocess=True)


SHARED = """
    import pytest
    from feature import ask

    @pytest.fixture(scope="module")
    def greeting():
        yield ask("shared")
        ask("goodbye")

    @pytest.mark.llm_cassette
    def test_plain(greeting):
        assert ask("own") == "own own"
"""


def test_what_a_shared_fixture_asked_is_logged_as_no_case(cheap: Project) -> None:
    cheap.pytester.makepyfile(test_plain=SHARED)
    cheap.record("test_plain.py")

    found = {reading.bodies_of(each)["output"]: each for each in entries(cheap)}
    assert set(found) == {"shared shared", "own own", "goodbye goodbye"}
    shared = found["shared shared"]
    assert shared.text(names.TEST) == "test_plain.py::test_plain"
    assert shared.text(names.VERDICT) == ""
    assert shared.text(names.CASSETTE).startswith("cassettes/test_plain/fixture.greeting.")


SECRETS = """
    import pytest
    from openai import OpenAI
    from feature import ask

    OPAQUE = "zq" + "81ttoWkx03mmPq"

    @pytest.mark.llm_cassette
    def test_shape():
        ask("sk-proj-" + "abcdefghij0123456789KLMNOP")
        ask('{"code": "\\\\\\\\nsk-proj-' + 'ZZcdefghij0123456789KLMNOP"}')

    @pytest.mark.llm_cassette
    def test_environment(monkeypatch):
        monkeypatch.setenv("DATABASE_PASSWORD", "hunter-" + "2-of-the-south-7731")
        ask("hunter-" + "2-of-the-south-7731")

    @pytest.mark.llm_cassette
    def test_header():
        client = OpenAI(api_key=OPAQUE, max_retries=0)
        client.chat.completions.create(
            model="gpt-test", messages=[{"role": "user", "content": f"my key is {OPAQUE}"}]
        )
        assert 0, f"see {OPAQUE}"
"""


@pytest.mark.parametrize("mode", ["record", "replay"])
def test_no_secret_stands_in_the_log(cheap: Project, mode: str) -> None:
    cheap.pytester.makepyfile(test_plain=SECRETS)
    cheap.record("test_plain.py")
    if mode == "replay":
        main(["log", "purge", "--all", f"--folder={runs(cheap)}"])
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("OPENAI_BASE_URL", cheap.server.url)
            cheap.run("test_plain.py")

    written = log_bytes(cheap)
    assert len(entries(cheap)) == 4
    for secret in (b"0123456789KLMNOP", b"of-the-south-7731", b"81ttoWkx03mmPq", b"sk-live-0123"):
        assert secret not in written
    assert written.count(b"[masked") >= 4


HOSTILE = "\x1b[2J<script>\x00\ud83d\u2028end"


def test_hostile_answers_are_logged_as_they_are(
    cheap: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    cheap.server.answer = lambda request: HOSTILE
    cheap.record("-k", "one")

    (entry,) = entries(cheap)
    assert reading.bodies_of(entry)["output"] == HOSTILE
    capsys.readouterr()
    main(["log", "show", "one", f"--folder={runs(cheap)}"])
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "<script>" in shown


def test_grep_finds_a_complaint_and_prints_what_replays_it(
    cheap: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cheap.edit("words.jsonl", '"input": "two"', '"input": "customer 4711"')
    cheap.record()
    monkeypatch.chdir(cheap.path)
    capsys.readouterr()

    assert main(["log", "grep", "customer 4711"]) == 0
    command = capsys.readouterr().out.splitlines()[-1].strip()
    program, *words = shlex.split(command)
    assert program == "pytest"
    replayed = cheap.pytester.runpytest_inprocess(*words)
    replayed.stdout.fnmatch_lines(["*test_words.py m*"])


def test_the_command_asks_the_model_that_the_run_asked(
    cheap: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cheap.record("--llm-swap=gpt-test=gpt-other")
    monkeypatch.chdir(cheap.path)
    capsys.readouterr()

    main(["log", "grep", "word: two"])
    _, *words = shlex.split(capsys.readouterr().out.splitlines()[-1].strip())
    assert "--llm-swap=gpt-test=gpt-other" in words
    assert cheap.pytester.runpytest_inprocess(*words).ret == 0


def test_a_log_that_cannot_be_written_fails_no_test(cheap: Project) -> None:
    cheap.record()
    main(["log", "purge", "--all", f"--folder={runs(cheap)}"])
    for path in runs(cheap).iterdir():
        path.unlink()
    runs(cheap).rmdir()
    runs(cheap).write_text("a file in the way")

    for workers in ([], ["-n2"]):
        result = cheap.run(*workers, subprocess=bool(workers))
        assert result.ret == 0
        warned = [line for line in result.outlines if "request log is incomplete" in line]
        assert len(warned) == 1
        assert "cannot be written" in warned[0]


@pytest.mark.parametrize(("kept", "recorded", "replayed"), [("live", 1, 0), ("none", 0, 0)])
def test_a_project_may_want_less_of_it(
    cheap: Project, kept: str, recorded: int, replayed: int
) -> None:
    cheap.pytester.makepyprojecttoml(f'[tool.llmprod]\nlog = "{kept}"\n')
    cheap.record("-k", "one")
    assert len(list(runs(cheap).rglob("*.jsonl"))) == recorded
    cheap.run("-k", "one")

    assert len(list(runs(cheap).rglob("*.jsonl"))) == recorded + replayed


def age(project: Project, days: float) -> None:
    then = time.time() - days * 86_400
    for path in [*runs(project).rglob("*.jsonl"), *runs(project).glob(".retention")]:
        os.utime(path, (then, then))


def kept_bodies(project: Project) -> int:
    return len(list(runs(project).rglob("*.bodies")))


@pytest.mark.parametrize("workers", [[], ["-n1"]])
def test_a_run_drops_what_was_said_in_old_ones(cheap: Project, workers: list[str]) -> None:
    cheap.record("-k", "one")
    age(cheap, 31)
    cheap.run("-k", "one", *workers, subprocess=bool(workers))

    assert kept_bodies(cheap) == 1
    assert len(list(runs(cheap).rglob("*.jsonl"))) == 2


def test_the_project_says_how_long_it_is_kept(cheap: Project) -> None:
    cheap.pytester.makepyprojecttoml("[tool.llmprod]\nretention_days = 90\n")
    cheap.record("-k", "one")
    age(cheap, 31)
    cheap.run("-k", "one")
    assert kept_bodies(cheap) == 2

    # Another number counts at once, though old runs are looked for once a day.
    cheap.pytester.makepyprojecttoml("[tool.llmprod]\nretention_days = 7\n")
    cheap.run("-k", "one")
    assert kept_bodies(cheap) == 2


def test_bodies_that_cannot_be_dropped_are_told_once_and_fail_nothing(
    cheap: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    cheap.record("-k", "one")
    age(cheap, 31)

    def refuse(path: Path, *, missing_ok: bool = False) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "unlink", refuse)
    result = cheap.run("-k", "one")

    assert result.ret == 0
    result.stdout.fnmatch_lines(["*llmprod:*cannot be removed (Permission denied)*"])
