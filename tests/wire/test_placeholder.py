"""Placeholder: clients are built without a key, and nothing is left of that afterwards."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping

import anthropic
import pytest
from lab import KEY, Lab, Reply, Server

from pytest_llmprod.wire.placeholder import PLACEHOLDER_KEY, LentKeys

LENT = {"OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY"}


def lent_to(environ: Mapping[str, str]) -> set[str]:
    """Which variables hold the placeholder when it was lent to a copy of `environ`."""
    copy = dict(environ)
    LentKeys(copy, lambda module: True).lend()
    return {name for name, value in copy.items() if value == PLACEHOLDER_KEY}


def test_a_key_is_lent_for_each_client_that_refuses_to_work_without() -> None:
    assert lent_to({}) == LENT


@pytest.mark.parametrize(
    ("installed", "lent"),
    [
        (["openai"], {"OPENAI_API_KEY"}),
        (["openai", "google.genai"], {"OPENAI_API_KEY", "GEMINI_API_KEY"}),
    ],
)
def test_no_key_is_lent_for_a_client_that_is_not_installed(
    installed: list[str], lent: set[str]
) -> None:
    environ: dict[str, str] = {}

    LentKeys(environ, installed.__contains__).lend()

    assert environ.keys() == lent


@pytest.mark.parametrize(
    ("installed", "environ", "are_lacking"),
    [
        (["openai", "anthropic"], {}, True),
        (["openai", "anthropic"], {"ANTHROPIC_API_KEY": KEY}, False),
        (["anthropic"], {"ANTHROPIC_AUTH_TOKEN": KEY}, False),
        (["openai"], {"ANTHROPIC_API_KEY": KEY}, True),
        ([], {}, False),
    ],
)
def test_it_is_known_whether_any_client_finds_a_key(
    installed: list[str], environ: dict[str, str], are_lacking: bool
) -> None:
    assert LentKeys(environ, installed.__contains__).are_all_lacking() is are_lacking


def test_which_clients_are_installed_is_found_out_without_importing_them() -> None:
    script = (
        "import sys\n"
        "from pytest_llmprod.wire.placeholder import LentKeys\n"
        "environ = {}\n"
        "LentKeys(environ).lend()\n"
        "print(*sorted(environ), *sys.modules.keys() & {'openai', 'anthropic'})"
    )

    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert result.stdout.split() == ["ANTHROPIC_API_KEY", "OPENAI_API_KEY"]


@pytest.mark.parametrize(
    ("name", "stands_for"),
    [
        ("OPENAI_API_KEY", "OPENAI_API_KEY"),
        ("ANTHROPIC_API_KEY", "ANTHROPIC_API_KEY"),
        ("ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY"),
        ("GEMINI_API_KEY", "GEMINI_API_KEY"),
        ("GOOGLE_API_KEY", "GEMINI_API_KEY"),
        ("GOOGLE_GENAI_USE_VERTEXAI", "GEMINI_API_KEY"),
    ],
)
def test_what_lets_a_client_work_is_left_alone(name: str, stands_for: str) -> None:
    assert lent_to({name: "a-real-one"}) == LENT - {stands_for}


@pytest.mark.parametrize("before", [{}, {"OPENAI_API_KEY": ""}, {"GEMINI_API_KEY": KEY}])
def test_the_environment_is_as_before_when_the_keys_are_taken_back(before: dict[str, str]) -> None:
    environ = dict(before)
    keys = LentKeys(environ, lambda module: True)

    for _ in range(2):
        keys.lend()
        keys.lend()
        keys.take_back()
        keys.take_back()

    assert environ == before


def test_what_the_application_changed_in_the_meantime_stays() -> None:
    environ = {"OPENAI_API_KEY": ""}
    keys = LentKeys(environ, lambda module: True)
    keys.lend()
    environ["OPENAI_API_KEY"] = KEY
    del environ["GEMINI_API_KEY"]

    keys.take_back()

    assert environ == {"OPENAI_API_KEY": KEY}


def test_what_stood_there_comes_back_though_what_was_lent_was_deleted() -> None:
    environ = {"OPENAI_API_KEY": ""}
    keys = LentKeys(environ, {"openai"}.__contains__)
    keys.lend()
    del environ["OPENAI_API_KEY"]
    keys.lend()

    keys.take_back()

    assert environ == {"OPENAI_API_KEY": ""}


def test_nothing_is_changed_where_nothing_is_lent() -> None:
    environ = {"OPENAI_API_KEY": PLACEHOLDER_KEY}

    LentKeys(environ).take_back()

    assert environ == {"OPENAI_API_KEY": PLACEHOLDER_KEY}


def test_a_client_of_anthropic_without_a_key_replays(
    lab: Lab, wire: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-test",
        "content": [{"type": "text", "text": "hello"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }
    wire.reply = lambda body: Reply(json.dumps(answer).encode())
    monkeypatch.setenv("ANTHROPIC_BASE_URL", wire.url)
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.delenv("ANTHROPIC_AUTH_TOKEN", raising=False)

    def ask() -> str:
        with anthropic.Anthropic() as client:
            message = client.messages.create(
                model="claude-test", max_tokens=9, messages=[{"role": "user", "content": "hi"}]
            )
        return str(message.content[0].text)

    with lab.test("once"):
        live = ask()
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    keys = LentKeys(os.environ)
    keys.lend()
    try:
        with lab.test("none"):
            again = ask()
    finally:
        keys.take_back()

    assert again == live == "hello"
    assert "ANTHROPIC_API_KEY" not in os.environ
