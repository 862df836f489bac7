"""Failures of the wire: each client meets again what it met, in its own class."""

import re
import threading
from collections.abc import Callable
from typing import Any

import aiohttp
import httpx2
import openai
import pytest
import requests
import urllib3
import urllib3.connection
from applications import (
    DIRECT,
    READERS,
    WIRE_ERRORS,
    answering,
    by_aiohttp,
    by_openai,
    by_requests,
    by_urllib3,
    catch,
    do,
    each,
)
from lab import Lab, Reply, Server, chat_request, says, streams


@pytest.mark.parametrize(
    ("call", "raised", "stored"),
    [
        (by_requests, requests.ConnectionError, "NewConnectionError"),
        (by_urllib3, urllib3.exceptions.NewConnectionError, "NewConnectionError"),
        (by_aiohttp, aiohttp.ClientConnectorError, "ClientConnectorError"),
        # openai takes every error of an aiohttp connection for a timeout.
        (by_openai, openai.APITimeoutError, "ClientConnectorError"),
    ],
)
def test_a_refused_connection_is_replayed_as_the_same_error(
    lab: Lab, nobody: str, call: Callable[..., Any], raised: type[Exception], stored: str
) -> None:
    with lab.test("once"):
        live = catch(call, nobody)
    with lab.test("none") as tape:
        again = catch(call, nobody)

    assert again == live
    assert live[0] is raised
    assert [exchange.failure for exchange in tape.exchanges] == [stored]
    assert tape.misses == []


@pytest.mark.parametrize(
    ("call", "raised", "stored"),
    [
        (by_requests, requests.ConnectionError, "RemoteDisconnected"),
        (by_urllib3, urllib3.exceptions.ProtocolError, "RemoteDisconnected"),
        (by_aiohttp, aiohttp.ServerDisconnectedError, "ServerDisconnectedError"),
    ],
)
def test_a_server_that_hangs_up_is_replayed_as_the_same_error(
    lab: Lab, call: Callable[..., Any], raised: type[Exception], stored: str
) -> None:
    with answering(list) as server:
        with lab.test("once"):
            live = catch(call, server.url)
        with lab.test("none") as tape:
            again = catch(call, server.url)

    assert again == live
    assert live[0] is raised
    assert [exchange.failure for exchange in tape.exchanges] == [stored]


def impatient_requests(url: str, body: Any) -> Any:
    return requests.post(url, json=body, timeout=0.05)


async def impatient_aiohttp(url: str, body: Any, **limits: float) -> Any:
    timeout = aiohttp.ClientTimeout(**(limits or {"sock_read": 0.05}))
    async with aiohttp.ClientSession(timeout=timeout) as session:
        await (await session.post(url, json=body)).read()


async def impatient_aiohttp_in_all(url: str, body: Any) -> Any:
    await impatient_aiohttp(url, body, total=0.05)


@pytest.mark.parametrize(
    ("call", "raised", "stored"),
    [
        (impatient_requests, requests.ReadTimeout, "ReadTimeoutError"),
        (impatient_aiohttp, aiohttp.SocketTimeoutError, "SocketTimeoutError"),
        (impatient_aiohttp_in_all, TimeoutError, "TimeoutError"),
    ],
)
def test_a_timeout_is_replayed_as_the_same_error(
    lab: Lab,
    wire: Server,
    call: Callable[..., Any],
    raised: type[Exception],
    stored: str,
) -> None:
    may_answer = threading.Event()

    def wait(body: Any) -> Reply:
        may_answer.wait(5)
        return says("too late")

    wire.reply = wait
    with lab.test("once") as recorded:
        live = catch(call, wire.chat_url)
    with lab.test("none") as tape:
        again = catch(call, wire.chat_url)
    may_answer.set()

    assert again == live
    assert live[0] is raised
    assert [exchange.failure for exchange in tape.exchanges] == [stored]
    latency_s = recorded.exchanges[0].latency_s
    assert tape.exchanges[0].latency_s == pytest.approx(latency_s, abs=1e-6)
    assert latency_s > 0.01


@pytest.mark.parametrize(
    ("call", "stored"),
    [(by_requests, "ConnectionResetError"), (by_aiohttp, "ClientOSError")],
)
def test_a_connection_that_is_reset_is_replayed_as_the_same_error(
    lab: Lab, call: Callable[..., Any], stored: str
) -> None:
    with answering(list) as server:
        server.resets = True
        with lab.test("once"):
            live = catch(call, server.url)
        with lab.test("none") as tape:
            again = catch(call, server.url)

    assert again == live
    assert [exchange.failure for exchange in tape.exchanges] == [stored]


@each(DIRECT)
def test_an_answer_that_is_no_http_is_replayed_as_the_same_error(
    lab: Lab, call: Callable[..., Any]
) -> None:
    with answering(lambda: [b"no http\r\n\r\n"]) as server:
        with lab.test("once"):
            live = catch(call, server.url)
        with lab.test("none") as tape:
            again = catch(call, server.url)

    assert again == live
    assert len(tape.exchanges) == 1


@each(READERS)
def test_an_answer_that_breaks_off_is_replayed_as_it_broke_off(
    lab: Lab, wire: Server, call: Callable[..., None]
) -> None:
    wire.reply = lambda body: streams(["a", "b"], breaks_off=True)

    def read() -> tuple[list[str], type[BaseException], str]:
        lines: list[bytes] = []
        with pytest.raises(WIRE_ERRORS) as caught:
            call(wire.chat_url, lines.append)
        told = re.findall('content": ?"(.)', b"".join(lines).decode())
        return told, caught.type, str(caught.value)

    with lab.test("once"):
        live = read()
    with lab.test("none") as tape:
        again = read()

    assert again == live
    assert live[0] == ["a", "b"]
    assert tape.exchanges[0].failure in ("ProtocolError", "ClientPayloadError")
    assert tape.exchanges[0].text == "ab"


@each(DIRECT)
def test_an_answer_shorter_than_its_length_is_replayed_as_the_same_error(
    lab: Lab, call: Callable[..., Any]
) -> None:
    answer = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{"cut'
    with answering(lambda: [answer]) as server:
        with lab.test("once"):
            live = catch(call, server.url)
        with lab.test("none") as tape:
            again = catch(call, server.url)

    assert again == live
    assert len(tape.exchanges) == 1
    assert tape.exchanges[0].failure in ("ProtocolError", "ClientPayloadError")


@pytest.mark.parametrize(
    ("call", "refused", "slow"),
    [
        (by_requests, requests.ConnectionError, requests.ReadTimeout),
        (by_aiohttp, aiohttp.ClientConnectorError, aiohttp.SocketTimeoutError),
    ],
)
def test_what_httpx_met_is_replayed_as_the_nearest_error_of_another_client(
    lab: Lab,
    wire: Server,
    nobody: str,
    call: Callable[..., Any],
    refused: type[Exception],
    slow: type[Exception],
) -> None:
    may_answer = threading.Event()
    wire.reply = lambda body: says(str(may_answer.wait(5)))

    with lab.test("once"), httpx2.Client(verify=False, trust_env=False, timeout=0.05) as client:
        with pytest.raises(httpx2.ConnectError):
            client.post(nobody, json=chat_request("one"))
        with pytest.raises(httpx2.ReadTimeout):
            client.post(wire.chat_url, json=chat_request("two"))
    may_answer.set()
    with lab.test("none"):
        with pytest.raises(refused):
            do(call, nobody, "one")
        with pytest.raises(slow):
            do(call, wire.chat_url, "two")
