"""Recording from inside of pytest: modes, secrets, swaps, kills."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress

import pytest
from project import WORDS, Project


def recorded_words(project: Project, model: str = "gpt-test") -> list[str]:
    """The last words of the recorded prompts, in file order."""
    document = json.loads(project.cassette(model).read_text())
    return [
        each["request"]["body"]["json"]["messages"][-1]["content"].split()[-1]
        for each in document["interactions"]
    ]


def sent_words(project: Project) -> list[str]:
    return [body["messages"][-1]["content"].split()[-1] for body in project.server.requests]


def test_recordings_stand_in_the_order_of_the_data_set(recorded: Project) -> None:
    assert recorded_words(recorded) == list(WORDS)


def test_recording_the_same_twice_changes_only_times(project: Project) -> None:
    project.record()
    before = project.cassette().read_text()

    project.record()

    def without_times(text: str) -> list[str]:
        return [line for line in text.splitlines() if "latency_s" not in line and "_at" not in line]

    assert without_times(project.cassette().read_text()) == without_times(before)


def test_no_key_cookie_or_organisation_reaches_a_file(project: Project) -> None:
    project.record()

    files = [path for path in project.path.rglob("*") if path.is_file()]
    content = b"".join(path.read_bytes() for path in files)

    assert b"0123456789abcdefghijkl" not in content
    assert b"cookie-of-the-provider" not in content
    assert b"org-of-the-team" not in content
    sent = project.server.headers[0]["authorization"]
    assert sent == "Bearer sk-live-0123456789abcdefghijkl"


def test_a_key_in_a_prompt_is_masked_and_still_matches(project: Project) -> None:
    key = "sk-" + "a1B2" * 8
    project.edit("feature.py", "Double this word:", f"{key} Double this word:")

    project.record()
    replayed = project.run()

    assert project.server.requests[0]["messages"][0]["content"].startswith(key)
    assert key not in project.cassette().read_text()
    assert replayed.ret == pytest.ExitCode.OK


def test_once_records_cases_that_have_no_recording_and_no_others(recorded: Project) -> None:
    recorded.write_rows(("eleven", *WORDS))

    result = recorded.record("--llm-record=once")

    assert result.ret == pytest.ExitCode.OK
    assert sent_words(recorded) == ["eleven"]
    assert recorded_words(recorded) == ["eleven", *WORDS]


def test_once_refuses_a_new_request_of_a_case_that_is_recorded(recorded: Project) -> None:
    recorded.edit("feature.py", "Double this word:", "Please double this word:")

    result = recorded.record("--llm-record=once", "-k", "one")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert recorded.server.requests == []
    result.stdout.fnmatch_lines(["*not sent: --llm-record=once sends nothing for a case that has*"])


def test_new_episodes_drops_what_a_test_that_passed_no_longer_asks(recorded: Project) -> None:
    recorded.edit("feature.py", "Double this word:", "Please double this word:")

    recorded.record("--llm-record=new_episodes", "-k", "one")
    result = recorded.run("-k", "one")

    assert sent_words(recorded) == ["one"]
    assert result.ret == pytest.ExitCode.OK
    assert recorded_words(recorded) == list(WORDS)


def test_new_episodes_adds_and_keeps_where_unplayed_recordings_are_allowed(
    recorded: Project,
) -> None:
    (recorded.path / "pyproject.toml").write_text('[tool.llmprod.wire]\nunplayed = "allow"\n')
    recorded.edit("feature.py", "Double this word:", "Please double this word:")

    recorded.record("--llm-record=new_episodes", "-k", "one")
    recorded.edit("feature.py", "Please double this word:", "Double this word:")
    result = recorded.run()

    assert sent_words(recorded) == ["one"]
    assert result.ret == pytest.ExitCode.OK
    assert recorded_words(recorded) == ["one", *WORDS]


def test_rewrite_starts_the_cases_that_ran_anew_and_leaves_the_others(recorded: Project) -> None:
    recorded.edit("feature.py", "Double this word:", "Please double this word:")

    recorded.record("--llm-record=rewrite", "-k", "one or ten")

    text = recorded.cassette().read_text()
    assert recorded_words(recorded) == list(WORDS)
    assert text.count('"Please double this word: ') == 2


def test_rewrite_of_a_whole_run_drops_cases_that_left_the_data_set(recorded: Project) -> None:
    recorded.write_rows(("ten", "one"))

    recorded.record("--llm-record=rewrite")

    assert recorded_words(recorded) == ["ten", "one"]


def test_rewrite_keeps_the_old_recordings_of_a_test_that_failed(recorded: Project) -> None:
    recorded.edit("feature.py", "Double this word:", "Please double this word:")
    crash = "    ask(llm_case.input)\n    1 / (llm_case.id != 'two')\n    assert"
    recorded.edit("test_words.py", "    assert", crash)

    recorded.record("--llm-record=rewrite")

    prompts = recorded.cassette().read_text()
    assert '"Double this word: two"' in prompts
    assert '"Double this word: one"' not in prompts


def test_a_swap_asks_another_model_and_has_a_cassette_of_its_own(recorded: Project) -> None:
    before = recorded.cassette().read_bytes()

    recorded.record("--llm-swap=gpt-test=gpt-other")
    replayed = recorded.data("--llm-swap=gpt-test=gpt-other")

    assert {body["model"] for body in recorded.server.requests} == {"gpt-other"}
    assert recorded.cassette().read_bytes() == before
    assert recorded_words(recorded, "gpt-other") == list(WORDS)
    assert replayed["suites"][0]["model"] == "gpt-other-2026-01-01"


def test_llm_model_asks_one_model_for_everything(recorded: Project) -> None:
    recorded.record("--llm-model=vendor/gpt-9:latest")

    replayed = recorded.data("--llm-model=vendor/gpt-9:latest")

    assert {body["model"] for body in recorded.server.requests} == {"vendor/gpt-9:latest"}
    assert replayed["suites"][0]["hits"] == 9
    names = sorted(path.name for path in recorded.cassette().parent.iterdir())
    assert names[1].startswith("test_doubles.vendor-gpt-9-latest-")


def test_a_marked_test_and_a_client_fixture_record_and_replay(project: Project) -> None:
    project.pytester.makepyfile(
        test_words="""
        import pytest
        from feature import ask

        @pytest.mark.llm_cassette
        @pytest.mark.parametrize("word", ["one", "two"])
        def test_marked(word, llm_cassette):
            assert ask(word) == f"{word} {word}"
            (exchange,) = llm_cassette.exchanges
            assert (exchange.text, exchange.usage.input_tokens) == (f"{word} {word}", 1000)
            assert llm_cassette.cost_usd is None

        def test_client(llm_client, llm_model):
            answer = llm_client.chat.completions.create(
                model="gpt-test", messages=[{"role": "user", "content": "say three"}])
            assert answer.choices[0].message.content == "three three"
            assert llm_model is None
        """
    )

    first = project.record("--llm-record=once")
    project.server.requests.clear()
    second = project.pytester.runpytest_inprocess()

    assert first.parseoutcomes() == {"passed": 3}
    assert second.parseoutcomes() == {"passed": 3}
    assert project.server.requests == []
    assert len(list(project.cassette().parent.iterdir())) == 2


def test_a_test_that_replays_reaches_no_host_and_fails_although_it_swallows_the_error(
    recorded: Project,
) -> None:
    recorded.pytester.makepyfile(
        test_words=f"""
        import socket, urllib.request, pytest

        @pytest.mark.llm_cassette
        def test_other_library():
            try:
                urllib.request.urlopen("{recorded.server.url}/x", timeout=5)
            except OSError:
                pass
            except Exception:
                pass

        def test_without_tape():
            with socket.create_connection(("127.0.0.1", {recorded.server.server_address[1]})):
                pass
        """
    )

    result = recorded.pytester.runpytest_inprocess("-rf")

    assert result.parseoutcomes() == {"passed": 1, "failed": 1}
    result.stdout.fnmatch_lines(["*tried to reach 127.0.0.1:*Nothing was sent.*"])


def test_allow_hosts_lets_a_database_through(recorded: Project) -> None:
    port = recorded.server.server_address[1]
    (recorded.path / "pyproject.toml").write_text(
        f'[tool.llmprod.wire]\nallow_hosts = ["127.0.0.1:{port}"]\n'
    )
    recorded.pytester.makepyfile(
        test_words=f"""
        import socket, pytest

        @pytest.mark.llm_cassette
        def test_database():
            with socket.create_connection(("127.0.0.1", {port})):
                pass
        """
    )

    result = recorded.pytester.runpytest_inprocess(f"--rootdir={recorded.path}")

    assert result.parseoutcomes() == {"passed": 1}


@pytest.mark.parametrize("mode", ["none", "once"])
def test_a_worker_thread_of_an_ended_test_fails_the_next_although_that_swallows_the_error(
    project: Project, mode: str
) -> None:
    project.pytester.makepyfile(
        test_words="""
        import queue, threading, pytest
        from feature import ask

        jobs, answers = queue.Queue(), queue.Queue()

        def work():
            for word in iter(jobs.get, None):
                try:
                    answers.put(ask(word))
                except Exception:
                    answers.put("sorry")

        @pytest.mark.llm_cassette
        def test_makes_a_worker():
            threading.Thread(target=work, daemon=True).start()

        @pytest.mark.llm_cassette
        def test_comes_after(llm_cassette):
            jobs.put("one")
            answers.get(timeout=10)
            jobs.put(None)
            assert llm_cassette.exchanges == []
        """
    )

    result = project.record(f"--llm-record={mode}")

    assert result.parseoutcomes() == {"passed": 1, "failed": 1}
    assert project.server.requests == []
    result.stdout.fnmatch_lines(
        [
            "*test_comes_after*",
            "*test_words.py::test_makes_a_worker made a request after that test had ended*",
            "*start it in a fixture of module or session scope*",
        ]
    )


def test_a_pool_of_threads_that_one_test_makes_serves_the_others(project: Project) -> None:
    project.pytester.makepyfile(
        test_words="""
        import pytest
        from feature import ask

        pools = []

        @pytest.mark.llm_cassette
        @pytest.mark.parametrize("word", ["one", "two"])
        def test_doubles(word):
            from multiprocessing.pool import ThreadPool
            if not pools:
                pools.append(ThreadPool(2))
            assert pools[0].map(ask, [word]) == [f"{word} {word}"]
            if word == "two":
                pools[0].close()
                pools[0].join()
        """
    )

    recorded = project.record("--llm-record=once")
    replayed = project.run()

    assert recorded.parseoutcomes() == {"passed": 2}
    assert replayed.parseoutcomes() == {"passed": 2}
    assert recorded_words(project) == ["one", "two"]


def test_no_patch_is_left_after_a_run(recorded: Project) -> None:
    import socket
    import threading
    from concurrent.futures import ThreadPoolExecutor

    import httpcore2
    import httpx2

    def patched() -> list[object]:
        return [
            httpx2.HTTPTransport.handle_request,
            httpx2.AsyncHTTPTransport.handle_async_request,
            httpcore2.default_ssl_context,
            socket.socket.connect,
            socket.getaddrinfo,
            threading.Thread.start,
            ThreadPoolExecutor.submit,
        ]

    before = patched()
    recorded.run()

    assert patched() == before
    assert "OPENAI_API_KEY" not in os.environ


def test_a_hook_after_the_tests_meets_no_placeholder(recorded: Project) -> None:
    recorded.pytester.makeconftest(
        """
        import os

        def pytest_sessionfinish():
            print("\\nkey at the end:", os.environ.get("OPENAI_API_KEY"))
        """
    )

    result = recorded.run("-s")

    result.stdout.fnmatch_lines(["key at the end: None"])


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a matter of POSIX systems")
def test_a_killed_recording_loses_nothing_and_is_resumed(recorded: Project) -> None:
    before = recorded.cassette().read_bytes()
    recorded.edit("feature.py", "Double this word:", "Please double this word:")
    answered = recorded.server.answer

    def slow(body: dict[str, object]) -> str:
        time.sleep(0.05)
        return answered(body)

    recorded.server.answer = slow
    environment = {**os.environ, "OPENAI_BASE_URL": recorded.server.url, "OPENAI_API_KEY": "x"}
    command = [sys.executable, "-m", "pytest", "--llm-eval", "--llm-record=all"]
    process = subprocess.Popen(
        command, cwd=recorded.path, env=environment, stdout=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 30
    while len(recorded.server.requests) < 5 and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    answered_before_the_kill = len(recorded.server.requests) - 1
    untouched = recorded.cassette().read_bytes()
    recorded.server.requests.clear()

    resumed = recorded.record("--llm-record=new_episodes")

    assert untouched == before
    assert resumed.ret == pytest.ExitCode.OK
    assert len(recorded.server.requests) <= len(WORDS) - answered_before_the_kill
    assert not list((recorded.path / ".llmprod" / "recording").iterdir())


def test_two_runs_that_record_the_same_tests_at_once_leave_each_answer_once(
    project: Project,
) -> None:
    environment = {**os.environ, "OPENAI_BASE_URL": project.server.url, "OPENAI_API_KEY": "x"}
    command = [sys.executable, "-m", "pytest", "--llm-eval", "--llm-record=once"]
    gate = threading.Barrier(2)
    answered = project.server.answer

    def together(body: dict[str, object]) -> str:
        with suppress(threading.BrokenBarrierError):
            gate.wait(10)
        return answered(body)

    project.server.answer = together
    runs = [
        subprocess.Popen(command, cwd=project.path, env=environment, stdout=subprocess.DEVNULL)
        for _ in range(2)
    ]
    codes = [run.wait(120) for run in runs]
    sent = len(project.server.requests)
    replayed = project.run()

    assert codes == [pytest.ExitCode.OK] * 2
    assert sent == 2 * len(WORDS)
    assert recorded_words(project) == list(WORDS)
    assert replayed.ret == pytest.ExitCode.OK


DYING = """
    import os, signal, pytest
    from feature import ask

    @pytest.mark.llm_cassette
    def test_counts():
        for number, word in enumerate(["one", "two", "three", "four"]):
            if os.environ.get("KILLED_AFTER") == str(number):
                os.kill(os.getpid(), signal.SIGKILL)
            assert ask(word) == f"{word} {word}"
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a matter of POSIX systems")
def test_once_completes_a_test_that_was_killed_however_often(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.pytester.makepyfile(test_words=DYING)
    cassette = project.cassette().with_name("test_counts.gpt-test.json")

    for number in (1, 3, 3):
        monkeypatch.setenv("KILLED_AFTER", str(number))
        project.record("--llm-record=once", subprocess=True)
    monkeypatch.delenv("KILLED_AFTER")
    partial = project.run()
    completed = project.record("--llm-record=once")
    replayed = project.run()

    assert partial.parseoutcomes() == {"failed": 1}
    assert completed.parseoutcomes() == {"passed": 1}
    assert sent_words(project) == ["one", "two", "three", "four"]
    assert replayed.parseoutcomes() == {"passed": 1}
    assert "unfinished" not in cassette.read_text()


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a matter of POSIX systems")
def test_a_test_that_was_killed_after_its_last_request_is_finished_by_the_next_run(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.pytester.makepyfile(test_words=DYING.replace('"four"]', '"four", ""]'))
    cassette = project.cassette().with_name("test_counts.gpt-test.json")
    monkeypatch.setenv("KILLED_AFTER", "4")
    project.record("--llm-record=once", subprocess=True)
    project.edit("test_words.py", ', ""]', "]")

    monkeypatch.delenv("KILLED_AFTER")
    completed = project.record("--llm-record=once")

    assert completed.parseoutcomes() == {"passed": 1}
    assert len(project.server.requests) == 4
    assert "unfinished" not in cassette.read_text()


def test_once_completes_a_test_that_an_error_has_cut_short(project: Project) -> None:
    project.pytester.makepyfile(test_words=DYING)
    project.edit("test_words.py", "for number", "ask('zero')\n    1 / 0\n    for number")
    project.record("--llm-record=once")
    project.edit("test_words.py", "1 / 0", "pass")

    completed = project.record("--llm-record=once")

    assert completed.parseoutcomes() == {"passed": 1}
    assert sent_words(project) == ["zero", "one", "two", "three", "four"]


def test_a_request_of_a_session_fixture_replays_whichever_test_comes_first(
    project: Project,
) -> None:
    project.pytester.makeconftest(
        """
        import pytest
        from feature import ask

        @pytest.fixture(scope="session")
        def greeting():
            return ask("hello")
        """
    )
    project.edit("test_words.py", "(llm_case):", "(llm_case, greeting):")
    project.edit("test_words.py", "    assert", "    assert greeting == 'hello hello'\n    assert")

    recorded = project.record()
    project.server.requests.clear()
    parallel = project.run("-n2", subprocess=True)
    alone = project.run("-k", "five")

    assert recorded.ret == pytest.ExitCode.OK
    assert parallel.parseoutcomes() == {"passed": 10, "missed": 1}
    assert alone.parseoutcomes() == {"passed": 1, "deselected": 9}
    assert project.server.requests == []
    assert (project.path / "cassettes/conftest/fixture.greeting.gpt-test.json").exists()


FULL_DISK = """
    import resource, pytest
    from pathlib import Path
    from feature import ask

    def room(size):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    @pytest.fixture(scope="module")
    def shared():
        ask("shared")

    @pytest.fixture(scope="module")
    def full():
        (journal,) = Path(".llmprod/recording").glob("*/*.jsonl")
        ask("shared")
        room(journal.stat().st_size)

    @pytest.mark.llm_cassette
    def test_fills_the_disk():
        ask("one")
        (journal,) = Path(".llmprod/recording").glob("*/*.jsonl")
        room(journal.stat().st_size)

    def test_makes_room():
        room(resource.RLIM_INFINITY)

    @pytest.mark.llm_cassette
    def test_asks(llm_cassette):
        ask("two")
        assert len(llm_cassette.exchanges) == 1
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on the size of a file here")
@pytest.mark.parametrize("where", ["a test", "a shared fixture"])
def test_a_disk_that_is_full_when_a_test_ends_fails_this_test(project: Project, where: str) -> None:
    project.pytester.makepyfile(test_words=FULL_DISK)
    if where == "a shared fixture":
        project.edit("test_words.py", "def test_fills_the_disk():", "def test_fills(shared, full):")
        project.edit("test_words.py", '    ask("one")\n', "    return\n")

    result = project.record("--llm-record=once", subprocess=True)

    assert "INTERNALERROR" not in result.stdout.str() + result.stderr.str()
    ended_well = 3 if where == "a test" else 2
    assert result.parseoutcomes() == {"passed": ended_well, "errors": 1}
    result.stdout.fnmatch_lines(["*what was recorded cannot be written*Make room*"])
    assert project.cassette().with_name("test_asks.gpt-test.json").exists()


CLEANING_UP = """
    import pytest
    from feature import ask

    @pytest.fixture(scope="module")
    def shop():
        ask("open")
        yield
        ask("close")

    @pytest.fixture
    def customer():
        ask("come")
        yield
        ask("leave")

    @pytest.mark.llm_cassette
    @pytest.mark.parametrize("word", ["one", "two"])
    def test_sells(shop, customer, word):
        assert ask(word) == f"{word} {word}"
"""


def test_requests_of_a_teardown_replay_whichever_test_comes_last(project: Project) -> None:
    project.pytester.makepyfile(test_words=CLEANING_UP)

    recorded = project.record()
    project.server.requests.clear()
    replayed = project.run()
    alone = project.run("-k", "one")
    parallel = project.run("-n2", subprocess=True)

    assert recorded.parseoutcomes() == {"passed": 2}
    assert replayed.parseoutcomes() == {"passed": 2}
    assert alone.parseoutcomes() == {"passed": 1, "deselected": 1}
    assert parallel.parseoutcomes() == {"passed": 2}
    assert project.server.requests == []


def test_a_miss_in_the_teardown_of_a_shared_fixture_fails_the_test_that_runs(
    project: Project,
) -> None:
    project.pytester.makepyfile(test_words=CLEANING_UP)
    project.record()
    project.edit("test_words.py", 'ask("close")', 'ask("shut")')

    result = project.run()

    assert result.parseoutcomes() == {"passed": 2, "errors": 1}
    result.stdout.fnmatch_lines(
        [
            "*ERROR at teardown of test_sells[[]two]*",
            "No recording: prompt changed in messages[[]0].content",
            "*- Double this word: close",
            "*+ Double this word: shut",
        ]
    )


def test_a_teardown_that_no_longer_asks_leaves_recordings_unplayed(project: Project) -> None:
    project.pytester.makepyfile(test_words=CLEANING_UP)
    project.record()
    project.edit("test_words.py", 'ask("leave")', "pass")

    result = project.run("-k", "one")

    assert result.parseoutcomes() == {"passed": 1, "errors": 1, "deselected": 1}
    result.stdout.fnmatch_lines(["1 of the 3 recordings of this test was not played*"])


def test_a_worker_thread_of_a_session_fixture_serves_every_test(project: Project) -> None:
    project.pytester.makeconftest(
        """
        import queue, threading, pytest
        from feature import ask

        @pytest.fixture(scope="session")
        def worker():
            jobs, answers = queue.Queue(), queue.Queue()

            def work():
                for word in iter(jobs.get, None):
                    answers.put(ask(word))

            thread = threading.Thread(target=work)
            thread.start()
            yield lambda word: (jobs.put(word), answers.get(timeout=10))[1]
            jobs.put(None)
            thread.join()
        """
    )
    project.edit("test_words.py", "(llm_case):", "(llm_case, worker):")
    project.edit("test_words.py", "ask(llm_case.input)", "worker(llm_case.input)")

    recorded = project.record()
    project.server.requests.clear()
    replayed = project.run()

    assert recorded.parseoutcomes() == {"passed": 10, "missed": 1}
    assert replayed.parseoutcomes() == {"passed": 10, "missed": 1}
    assert project.server.requests == []


def test_a_pool_of_the_application_serves_tests_and_shared_fixtures(project: Project) -> None:
    project.pytester.makepyfile(
        pooled="""
        from concurrent.futures import ThreadPoolExecutor
        import feature

        POOL = ThreadPoolExecutor(1)

        def ask(word):
            return POOL.submit(feature.ask, word).result()
        """,
        test_words="""
        import pytest
        from pooled import ask

        @pytest.mark.llm_cassette
        def test_asks_first():
            ask("one")

        @pytest.fixture(scope="module")
        def shop():
            return ask("open")

        @pytest.mark.llm_cassette
        def test_asks_in_a_shop(shop):
            assert ask("two") == "two two"
        """,
    )

    recorded = project.record()
    replayed = project.run()

    assert recorded.parseoutcomes() == replayed.parseoutcomes() == {"passed": 2}
    assert (project.path / "cassettes/test_words/fixture.shop.gpt-test.json").exists()


def recorded_line(result: pytest.RunResult) -> list[str]:
    words = ("recorded ", "dropped ", "picked up ")
    return [line for line in result.outlines if line.startswith(words)]


def test_a_run_that_records_says_what_it_wrote(project: Project) -> None:
    first = project.record("--llm-record=once")
    again = project.record("--llm-record=once")
    replaced = project.record("--llm-record=all", "-k", "one")

    assert recorded_line(first) == ["recorded 10 requests in 1 cassette"]
    assert recorded_line(again) == []
    assert recorded_line(replaced) == ["recorded 1 request in 1 cassette"]


def test_a_run_that_records_says_what_it_dropped(recorded: Project) -> None:
    recorded.edit("feature.py", "Double this word:", "Please double this word:")
    changed = recorded.record("--llm-record=new_episodes")
    recorded.edit("test_words.py", "ask(llm_case.input) ==", "llm_case.expected ==")
    fewer = recorded.record("--llm-record=rewrite")

    assert recorded_line(changed) == ["recorded 10 requests in 1 cassette, 9 dropped"]
    assert recorded_line(fewer) == []


def test_a_run_says_what_it_picked_up_from_one_that_was_killed(recorded: Project) -> None:
    kill = "    if llm_case.id == 'three': import os; os._exit(9)\n"
    recorded.cassette().unlink()
    recorded.edit("test_words.py", "    assert", f"{kill}    assert")
    recorded.record("--llm-record=once", subprocess=True)
    recorded.edit("test_words.py", kill, "")

    result = recorded.record("--llm-record=once")

    assert recorded_line(result) == [
        "recorded 8 requests in 1 cassette; picked up 2 more from a run that was killed"
    ]
