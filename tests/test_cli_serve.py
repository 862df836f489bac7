"""`llmprod serve`: a scripted provider on loopback."""

import signal
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from pytest_llmprod.cli import main
from pytest_llmprod.commands import serve
from pytest_llmprod.commands.serve import load_reply, make_server


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
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        text=True,
        # A shell starts what it runs in the background with a Ctrl-C that is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        assert process.stdout is not None
        try:
            name, _, url = process.stdout.readline().strip().partition("=")
            process.stdout.readline()
            answer = httpx2.post(f"{url}/chat/completions", json={})
            process.send_signal(signal.SIGINT)
            process.wait(timeout=60)
        finally:
            process.kill()

    assert name == "OPENAI_BASE_URL"
    assert answer.json()["choices"][0]["message"]["content"] == "Yes."
    assert process.returncode == 0


def test_ctrl_c_ends_the_command_also_before_it_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(serve, "make_server", stop)

    assert main(["serve"]) == 0


def test_an_unknown_fault_and_a_port_in_use_are_findings(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["serve", "--faults", "rate-limt"]) == 1
    assert "Did you mean 'rate-limit'?" in capsys.readouterr().err
    with make_server("ok", None, 0) as server:
        assert main(["serve", "--port", str(server.port)]) == 1
    assert "Address already in use. Name another one." in capsys.readouterr().err


@pytest.mark.parametrize("port", ["99999", "-1"])
def test_a_number_that_is_no_port_is_told(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", f"--port={port}"]) == 1
    assert f"port {port}: a port is a number from 0 to 65535." in capsys.readouterr().err


def test_a_function_of_the_working_directory_makes_the_reply_of_the_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = "def reply(request):\n    return request['model'].upper()\n"
    (tmp_path / "toy_model_of_serve.py").write_text(source)
    monkeypatch.setattr(sys, "path", [*sys.path])

    with make_server("ok", load_reply("toy_model_of_serve:reply", tmp_path), 0) as server:
        answers = [
            httpx2.post(f"{server.url}/chat/completions", json={"model": name}) for name in "ab"
        ]

    said = [each.json()["choices"][0]["message"]["content"] for each in answers]
    assert said == ["A", "B"]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("nowhere_at_all:reply", "nowhere_at_all cannot be imported: ModuleNotFoundError: No mod"),
        ("json:nothing", "json has no callable 'nothing'. Name a function of it."),
        ("json", "names no callable. Write module and function with a colon between"),
    ],
)
def test_a_function_that_cannot_be_used_is_told(
    name: str, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])

    assert main(["serve", "--reply-by", name]) == 1

    assert told in capsys.readouterr().err
