"""The catalogue on real sockets: clients meet what they meet in this process."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import openai
import pytest
from clients import MESSAGES, TEXT, error_of

from pytest_llmprod.core.schedule import Schedule
from pytest_llmprod.faults.catalogue import CATALOGUE
from pytest_llmprod.faults.plan import InjectedFaults
from pytest_llmprod.faults.schedule import Always, InTurn
from pytest_llmprod.faults.script import Script
from pytest_llmprod.faults.server import FaultServer

TIMEOUT_S = 1.0


@contextmanager
def serving(turns: object = None, text: str = TEXT) -> Iterator[FaultServer]:
    plan = InjectedFaults(stands_in=True)
    plan.begin(turns)  # type: ignore[arg-type]
    plan.script = Script().reply(text)
    with FaultServer(plan) as server:
        yield server


def ask(server: FaultServer, *, stream: bool) -> object:
    with openai.OpenAI(
        api_key="sk-test", base_url=server.url, timeout=TIMEOUT_S, max_retries=0
    ) as client:
        if not stream:
            return client.chat.completions.create(model="gpt-test", messages=MESSAGES)
        return list(
            client.chat.completions.create(model="gpt-test", messages=MESSAGES, stream=True)
        )


#: What only virtual time can wait for.
TOO_LONG = {"slow-drip"}
#: A slow answer is too slow for the client of this test, and no handshake takes place.
OTHERWISE = {"slow-answer": "APITimeoutError"}


@pytest.mark.parametrize("stream", [False, True])
def test_each_row_of_the_catalogue_is_the_same_on_sockets(stream: bool) -> None:
    moved = {}
    for fault in CATALOGUE.values():
        if fault.turns != "always" or fault.name in TOO_LONG:
            continue
        with serving(Always(fault)) as server:
            raised = error_of(lambda: ask(server, stream=stream))
            met = server.plan.met  # type: ignore[attr-defined]
        expected = OTHERWISE.get(fault.name, fault.raises)
        if met is not None and raised != expected:
            moved[fault.name] = (raised, expected)

    assert moved == {}


@pytest.mark.parametrize("told", ["1", "0.5", "0"])
def test_a_drip_outlasts_the_read_timeout_on_sockets_too(told: str) -> None:
    pieces = []
    with (
        serving(Always(CATALOGUE["slow-drip"])) as server,
        httpx2.stream(
            "POST",
            f"{server.url}/chat/completions",
            json={"stream": True},
            headers={"x-stainless-read-timeout": told},
            timeout=TIMEOUT_S,
        ) as answer,
    ):
        for piece in answer.iter_raw():
            pieces.append(piece)
            if len(pieces) == 3:
                break

    assert pieces == [b": keep-alive\n\n"] * 3


def test_a_script_is_served_on_sockets() -> None:
    with serving(InTurn(Schedule(("rate-limit",)))) as server:
        assert error_of(lambda: ask(server, stream=False)) == "RateLimitError"
        answer = ask(server, stream=False)

        assert answer.choices[0].message.content == TEXT  # type: ignore[attr-defined]
        assert [each["messages"] for each in server.requests] == [MESSAGES] * 2


def test_a_request_in_chunks_is_read() -> None:
    with serving(None) as server:
        answer = httpx2.post(
            f"{server.url}/chat/completions",
            content=(piece for piece in (b'{"model"', b': "gpt-', b'test"}')),
        )

    assert answer.json()["model"] == "gpt-test"


def test_what_no_script_answers_is_a_404_that_says_so() -> None:
    with FaultServer(InjectedFaults()) as server:
        answer = httpx2.post(f"{server.url}/chat/completions", json={})

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "no_script")


def test_closing_ends_stalled_connections_and_leaves_no_thread() -> None:
    before = threading.active_count()
    with serving(Always(CATALOGUE["no-answer"])) as server:
        client = socket.create_connection(("127.0.0.1", server.port))
        client.sendall(b"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}")
        idle = socket.create_connection(("127.0.0.1", server.port))
        while not server.requests:
            time.sleep(0.01)

    assert client.recv(1) == b""
    client.close()
    idle.close()
    assert threading.active_count() == before
