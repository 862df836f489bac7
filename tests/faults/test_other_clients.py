"""Faults meet the requests of every HTTP library that the tape covers, as that library tells."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import httpx2
import openai
import pytest
import requests
import urllib3
from clients import MESSAGES, TEXT
from mount import Mount

from pytest_llmprod.faults.catalogue import CATALOGUE
from pytest_llmprod.faults.schedule import Always

URL = "https://provider.test/v1/chat/completions"
BODY = {"model": "gpt-test", "messages": MESSAGES}
STREAM = {**BODY, "stream": True}
PATIENCE_S = 20.0


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Mount]:
    with Mount(tmp_path).installed() as mount:
        yield mount


def by_httpx(body: Any) -> bytes:
    return httpx.post(URL, json=body, timeout=PATIENCE_S).content


def by_httpx2(body: Any) -> bytes:
    return httpx2.post(URL, json=body, timeout=PATIENCE_S).content


def by_requests(body: Any) -> bytes:
    return requests.post(URL, json=body, timeout=PATIENCE_S).content


def by_urllib3(body: Any) -> bytes:
    pool = urllib3.PoolManager(timeout=PATIENCE_S, retries=False)
    return pool.request("POST", URL, json=body).data


def by_aiohttp(body: Any) -> bytes:
    async def ask() -> bytes:
        timeout = aiohttp.ClientTimeout(sock_read=PATIENCE_S, sock_connect=PATIENCE_S)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(URL, json=body) as answer,
        ):
            return await answer.read()

    return asyncio.run(ask())


def by_aiohttp_in_all(body: Any) -> bytes:
    async def ask() -> bytes:
        timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(URL, json=body) as answer,
        ):
            return await answer.read()

    return asyncio.run(ask())


def by_openai_over_aiohttp(body: Any) -> bytes:
    async def ask() -> bytes:
        async with openai.AsyncOpenAI(
            api_key="sk-test",
            base_url="https://provider.test/v1",
            timeout=PATIENCE_S,
            max_retries=0,
            http_client=openai.DefaultAioHttpClient(),
        ) as client:
            answer = await client.chat.completions.with_raw_response.create(**body)
            return answer.content

    return asyncio.run(ask())


TIMEOUTS = (
    *(httpx.TimeoutException, httpx2.TimeoutException, requests.Timeout, requests.ConnectionError),
    *(urllib3.exceptions.TimeoutError, TimeoutError, openai.APITimeoutError),
)
BROKEN = (
    *(httpx.TransportError, httpx2.TransportError, requests.RequestException),
    *(urllib3.exceptions.HTTPError, aiohttp.ClientError, openai.APIConnectionError),
)
CLIENTS: list[Callable[[Any], bytes]] = [
    *(by_httpx, by_httpx2, by_requests, by_urllib3, by_aiohttp),
    by_openai_over_aiohttp,
]
each = pytest.mark.parametrize("ask", CLIENTS, ids=lambda ask: ask.__name__)


@each
@pytest.mark.parametrize("fault", ["no-answer", "tls-never-answered"])
def test_a_client_gives_up_at_its_own_time(
    mount: Mount, ask: Callable[[Any], bytes], fault: str
) -> None:
    with mount.met(Always(CATALOGUE[fault])) as test, pytest.raises(TIMEOUTS):
        ask(BODY)

    assert test.clock.elapsed_s == pytest.approx(PATIENCE_S, abs=0.5)


def test_a_bound_of_a_whole_call_ends_a_drip(mount: Mount) -> None:
    with mount.met(Always(CATALOGUE["slow-drip"])) as test, pytest.raises(TimeoutError):
        by_aiohttp_in_all(BODY)

    assert test.clock.elapsed_s == pytest.approx(PATIENCE_S, abs=0.5)


@pytest.mark.parametrize("ask", CLIENTS[:-1], ids=lambda ask: ask.__name__)
def test_a_drip_outlasts_every_bound_of_a_single_read(
    mount: Mount, ask: Callable[[Any], bytes]
) -> None:
    with mount.met(Always(CATALOGUE["slow-drip"]), TEXT) as test:
        content = ask(BODY)

    assert TEXT in content.decode()
    assert test.clock.elapsed_s == pytest.approx(600, abs=20)


@each
@pytest.mark.parametrize("fault", ["connection-refused", "reset-before-answer", "short-body"])
def test_a_broken_connection_is_an_error_of_the_library(
    mount: Mount, ask: Callable[[Any], bytes], fault: str
) -> None:
    with mount.met(Always(CATALOGUE[fault]), TEXT), pytest.raises(BROKEN):
        ask(BODY)


@pytest.mark.parametrize("ask", CLIENTS[:-1], ids=lambda ask: ask.__name__)
@pytest.mark.parametrize("fault", ["stream-closed", "stream-reset", "stream-stalls"])
def test_a_broken_stream_is_an_error_of_the_library(
    mount: Mount, ask: Callable[[Any], bytes], fault: str
) -> None:
    with mount.met(Always(CATALOGUE[fault]), TEXT), pytest.raises((*BROKEN, *TIMEOUTS)):
        ask(STREAM)


@pytest.mark.parametrize("ask", CLIENTS[:-1], ids=lambda ask: ask.__name__)
def test_an_error_body_comes_as_it_is(mount: Mount, ask: Callable[[Any], bytes]) -> None:
    with mount.met(Always(CATALOGUE["rate-limit"])):
        content = ask(BODY)

    assert b"rate_limit_exceeded" in content


def test_the_exchanges_tell_of_faults(mount: Mount) -> None:
    with mount.met(Always(CATALOGUE["no-answer"])) as test, pytest.raises(httpx2.ReadTimeout):
        by_httpx2(BODY)

    (exchange,) = mount.exchanges
    assert (exchange.failure, exchange.latency_s) == ("ReadTimeout", PATIENCE_S)
    assert exchange.is_outage
    assert test.plan.served[0].gave_up
