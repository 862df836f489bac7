"""The fixture `llm_server`: a provider on loopback for applications in other processes."""

import os

import pytest

from pytest_llmprod.faults.server import URL_VARIABLES


def test_a_child_process_is_answered_by_the_script_and_meets_the_faults(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(
        child="""
        import json, os, urllib.request

        def ask():
            request = urllib.request.Request(
                os.environ["OPENAI_BASE_URL"] + "/chat/completions",
                json.dumps({"model": "gpt-test", "messages": []}).encode(),
                {"content-type": "application/json"},
            )
            with urllib.request.urlopen(request) as answer:
                return json.load(answer)["choices"][0]["message"]["content"]

        try:
            print(ask())
        except urllib.error.HTTPError as error:
            print(error.code)
        """,
        test_child="""
        import subprocess, sys, threading

        def run():
            done = subprocess.run([sys.executable, "child.py"], capture_output=True, text=True)
            return done.stdout.strip()

        def test_it(llm_server, llm_script, llm_faults):
            llm_script.reply("from the script")
            llm_faults.inject("overloaded", "ok")
            assert run() == "503"
            assert run() == "from the script"
            assert len(llm_server.requests) == 2

        def test_no_thread_is_left():
            assert [each.name for each in threading.enumerate()] == ["MainThread"]
        """,
    )
    before = {name: os.environ.get(name) for name in URL_VARIABLES}

    result = pytester.runpytest_subprocess()

    result.assert_outcomes(passed=2)
    assert {name: os.environ.get(name) for name in URL_VARIABLES} == before


def test_the_port_is_closed_to_tests_after_the_one_that_named_the_server(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(
        test_port="""
        import os, socket
        import pytest
        from pytest_llmprod.core.errors import NetworkBlocked

        PORTS = []

        def test_open(llm_server):
            PORTS.append(llm_server.port)
            assert os.environ["OPENAI_BASE_URL"] == llm_server.url
            socket.create_connection(("127.0.0.1", llm_server.port)).close()

        @pytest.mark.llm_cassette
        def test_closed():
            with pytest.raises(NetworkBlocked):
                socket.create_connection(("127.0.0.1", PORTS[0]))
        """
    )

    result = pytester.runpytest_inprocess()

    result.assert_outcomes(passed=1, failed=1)  # what it tried fails a test, though it caught that
    result.stdout.fnmatch_lines(["*tried to reach 127.0.0.1:*"])
