"""`llmprod serve`: a scripted provider on loopback."""

import signal
import subprocess
import sys

import httpx2
import pytest

from pytest_llmprod.cli import main
from pytest_llmprod.commands.serve import make_server


def test_faults_take_turns_and_then_the_reply_comes() -> None:
    with make_server("rate-limit,ok", "Yes.", 0) as server:
        answers = [httpx2.post(f"{server.url}/chat/completions", json={}) for _ in range(3)]

    assert [each.status_code for each in answers] == [429, 200, 200]
    assert answers[1].json()["choices"][0]["message"]["content"] == "Yes."


def test_one_fault_holds_for_all_requests() -> None:
    with make_server("overloaded", None, 0) as server:
        answers = [httpx2.post(f"{server.url}/chat/completions", json={}) for _ in range(3)]

    assert [each.status_code for each in answers] == [503] * 3


def test_the_command_prints_where_it_listens_and_ends_with_ctrl_c() -> None:
    command = [sys.executable, "-m", "pytest_llmprod.cli", "serve", "--reply", "Yes."]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        name, _, url = process.stdout.readline().strip().partition("=")
        answer = httpx2.post(f"{url}/chat/completions", json={})
        process.send_signal(signal.SIGINT)

    assert name == "OPENAI_BASE_URL"
    assert answer.json()["choices"][0]["message"]["content"] == "Yes."
    assert process.returncode == 0


def test_an_unknown_fault_and_a_port_in_use_are_findings(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["serve", "--faults", "rate-limt"]) == 1
    assert "Did you mean 'rate-limit'?" in capsys.readouterr().err
    with make_server("ok", None, 0) as server:
        assert main(["serve", "--port", str(server.port)]) == 1
    assert "Name another one." in capsys.readouterr().err
