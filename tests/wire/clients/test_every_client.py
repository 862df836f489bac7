"""Every client: what holds whichever library sends, against a real server."""

import asyncio
import gzip
import json
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import aiohttp
import openai
import pytest
import requests
import urllib3
import urllib3.connection
from applications import (
    DIRECT,
    PLAIN,
    READERS,
    STREAMS,
    WIRE_ERRORS,
    answering,
    by_requests_stream,
    by_urllib3,
    do,
    each,
    reply,
)
from lab import CHAT_URL, KEY, Lab, Reply, Server, asked_text, chat_request, says, streams

from pytest_llmprod.core.errors import CassetteMiss, NetworkBlocked
from pytest_llmprod.wire.attempts import Attempts
from pytest_llmprod.wire.clients.passage import Passage, decoder
from pytest_llmprod.wire.clients.patches import ClientPatches
from pytest_llmprod.wire.clock import REAL_CLOCK
from pytest_llmprod.wire.key import ModelChoice
from pytest_llmprod.wire.live import LiveExchange
from pytest_llmprod.wire.recording import Failure
from pytest_llmprod.wire.switch import Played


@each([*PLAIN, *STREAMS])
def test_replay_gives_what_was_answered_when_it_was_recorded(
    lab: Lab, wire: Server, call: Callable[..., Any]
) -> None:
    wire.reply = reply

    with lab.test("once") as recorded:
        live = do(call, wire.chat_url)
    with lab.test("none") as replayed:
        again = do(call, wire.chat_url)

    assert _parsed(again) == _parsed(live)
    assert live
    assert wire.hits == 1
    assert len(lab.cassette()) == 1
    assert lab.cassette().all()[0].complete
    (first,), (second,) = recorded.exchanges, replayed.exchanges
    assert (first.replayed, second.replayed) == (False, True)
    assert second.operation == "chat"
    assert second.stream == ("stream" in call.__name__)
    assert second.text == first.text != ""
    assert second.latency_s == pytest.approx(first.latency_s, abs=1e-6)
    assert (second.ttft_s is not None) == second.stream


def _parsed(answer: Any) -> Any:
    """Return an answer with its events decoded: their keys are stored in another order."""
    if not isinstance(answer, tuple) or not isinstance(answer[2], list):
        return answer
    lines = [line if isinstance(line, str) else line.decode() for line in answer[2]]
    events = [
        json.loads(line[6:]) if line.startswith("data: {") else line.strip() for line in lines
    ]
    return (*answer[:2], events)


@each(DIRECT)
def test_what_openai_recorded_is_replayed_to_other_clients_and_back(
    lab: Lab, openai_at_wire: Server, call: Callable[..., Any]
) -> None:
    def by_openai_client() -> Any:
        with openai.OpenAI() as client:
            answer = client.chat.completions.create(**chat_request("hello"))
        return answer.choices[0].message.content

    with lab.test("once"):
        by_openai_client()
    with lab.test("none"):
        status, _, answer = do(call, CHAT_URL)
    with lab.test("all"):
        do(call, openai_at_wire.chat_url, "goodbye")
        do(call, openai_at_wire.chat_url)
    with lab.test("none"):
        back = by_openai_client()

    assert status == 200
    assert answer["choices"][0]["message"]["content"] == back == "hello!"


@each(READERS)
def test_a_stream_reaches_the_caller_while_it_is_recorded(
    lab: Lab, wire: Server, call: Callable[..., None]
) -> None:
    has_read = threading.Event()
    was_read_first: list[bool] = []

    def reply(body: Any) -> Reply:
        answer = streams(["a", "b"])
        first, *rest = answer.pieces

        def pieces() -> Iterator[bytes]:
            yield first
            was_read_first.append(has_read.wait(5))
            yield from rest

        answer.pieces = pieces()  # type: ignore[assignment]  # any iterable does
        return answer

    wire.reply = reply
    with lab.test("once") as tape:
        call(wire.chat_url, lambda line: has_read.set())

    assert was_read_first == [True]
    assert tape.exchanges[0].text == "ab"
    assert [event["t"] for event in lab.cassette().all()[0].response["body"]["stream"]] != []


@each(DIRECT)
def test_a_stream_is_known_by_its_type_however_the_header_is_written(
    lab: Lab, call: Callable[..., Any]
) -> None:
    head = b"HTTP/1.1 200 OK\r\nCONTENT-TYPE: text/event-stream\r\n\r\n"

    with (
        answering(lambda: [head, b"data: 1\n\n"]) as server,
        lab.test("once") as tape,
        pytest.raises((ValueError, aiohttp.ContentTypeError)),
    ):
        do(call, server.url)

    assert tape.exchanges[0].ttft_s is not None


def leave_requests(url: str) -> None:
    with requests.post(url, json=chat_request("hello"), stream=True, timeout=5) as answer:
        next(answer.iter_lines(chunk_size=1))


def leave_urllib3(url: str) -> None:
    with urllib3.PoolManager() as pools:
        answer = pools.request("POST", url, json=chat_request("hello"), preload_content=False)
        next(answer.stream())
        answer.close()


def leave_aiohttp(url: str) -> None:
    async def read() -> None:
        async with (
            aiohttp.ClientSession() as session,
            session.post(url, json=chat_request("hello")) as answer,
        ):
            await answer.content.readline()

    asyncio.run(read())


@each([leave_requests, leave_urllib3, leave_aiohttp])
def test_a_stream_that_the_caller_leaves_is_marked_as_incomplete(
    lab: Lab, wire: Server, call: Callable[[str], None]
) -> None:
    wire.reply = lambda body: streams(["a", "b", "c"], pause_s=0.03)

    with lab.test("once") as tape:
        call(wire.chat_url)

    (recorded,) = lab.cassette().all()
    assert recorded.complete is False
    assert tape.exchanges[0].text == "a"


@pytest.mark.parametrize("status", ["200 OK\r\ncontent-length: 0", "204 No Content"])
def test_an_answer_without_a_body_is_complete_though_nobody_reads_it(lab: Lab, status: str) -> None:
    async def ask(url: str) -> None:
        async with aiohttp.ClientSession() as session:
            (await session.post(url, json=chat_request("hello"))).release()

    with (
        answering(lambda: [f"HTTP/1.1 {status}\r\n\r\n".encode()]) as server,
        lab.test("once"),
    ):
        body = chat_request("hello")
        requests.post(server.url, json=body, stream=True, timeout=5).close()
        asyncio.run(ask(server.url))

    assert [each.complete for each in lab.cassette().all()] == [True, True]


@each([*DIRECT, by_requests_stream])
@pytest.mark.parametrize("frame", ["content-length: 2\r\n", ""], ids=["length", "until-closed"])
def test_an_answer_is_complete_however_its_end_is_told(
    lab: Lab, call: Callable[..., Any], frame: str
) -> None:
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{frame}\r\n"
    with answering(lambda: [head.encode(), b"{}"]) as server, lab.test("once") as tape:
        live = do(call, server.url)

    assert live[2] in ({}, [b"{}"])
    assert lab.cassette().all()[0].complete
    assert len(tape.exchanges) == 1


async def by_aiohttp_packed(url: str, body: Any) -> Any:
    async with (
        aiohttp.ClientSession(auto_decompress=False) as session,
        session.post(url, json=body) as answer,
    ):
        content = await answer.read()
    return json.loads(gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content)


def by_urllib3_packed(url: str, body: Any) -> Any:
    with urllib3.PoolManager() as pools:
        content = pools.request("POST", url, json=body, decode_content=False).data
    return json.loads(gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content)


@each([*DIRECT, by_aiohttp_packed, by_urllib3_packed])
def test_a_compressed_answer_is_asked_for_plain_and_stored_plain(
    lab: Lab, wire: Server, call: Callable[..., Any]
) -> None:
    packed = gzip.compress(says("small").pieces[0])
    wire.reply = lambda body: Reply(packed, headers=[("content-encoding", "gzip")])

    with lab.test("once"):
        live = do(call, wire.chat_url)
    with lab.test("none"):
        again = do(call, wire.chat_url)

    assert live == again
    assert "small" in str(live)
    assert wire.headers[0]["accept-encoding"] == "identity"
    assert "json" in lab.cassette().all()[0].response["body"]


def test_an_encoding_that_changes_nothing_needs_no_decoder() -> None:
    decoders = [decoder(""), decoder("identity")]

    assert decoders == [None, None]


@each(DIRECT)
def test_a_status_that_has_no_name_is_replayed_without_one(
    lab: Lab, wire: Server, call: Callable[..., Any]
) -> None:
    wire.reply = lambda body: Reply(b"{}", status=529)

    with lab.test("once"):
        live = do(call, wire.chat_url)
    with lab.test("none"):
        again = do(call, wire.chat_url)

    assert again == live == (529, "", {})


def test_a_request_without_a_body_is_recorded(lab: Lab, wire: Server) -> None:
    wire.reply = lambda body: Reply(b'{"data": []}')

    async def ask() -> Any:
        async with aiohttp.ClientSession() as session, session.get(f"{wire.url}/models") as answer:
            return await answer.json()

    with lab.test("once"):
        requests.get(f"{wire.url}/models", timeout=5)
    with lab.test("none"):
        by_requests = requests.get(f"{wire.url}/models", timeout=5).json()
    with lab.test("none"):
        by_aiohttp = asyncio.run(ask())

    assert by_requests == by_aiohttp == {"data": []}
    assert "content-length" not in wire.headers[0]


def test_a_recorded_error_raises_for_its_status_as_it_did_live(lab: Lab, wire: Server) -> None:
    wire.reply = lambda body: Reply(b'{"error": "no such model"}', status=404)

    async def ask_async() -> str:
        with pytest.raises(aiohttp.ClientResponseError) as caught:
            async with aiohttp.ClientSession(raise_for_status=True) as session:
                await session.post(wire.chat_url, json=chat_request("hello"))
        return str(caught.value)

    def ask() -> str:
        answer = requests.post(wire.chat_url, json=chat_request("hello"), timeout=5)
        with pytest.raises(requests.HTTPError) as caught:
            answer.raise_for_status()
        return str(caught.value)

    with lab.test("once"):
        live = asyncio.run(ask_async()), ask()
    with lab.test("none"):
        again = asyncio.run(ask_async()), ask()

    assert again == live
    assert "404" in live[0]


@each(PLAIN)
def test_a_miss_reaches_the_application_and_is_remembered(
    lab: Lab, wire: Server, call: Callable[..., Any]
) -> None:
    with lab.test("none") as tape, pytest.raises(CassetteMiss, match="No recording: no cassette"):
        do(call, wire.chat_url)

    assert wire.hits == 0
    assert len(tape.misses) == 1


@each(STREAMS[:3])
def test_a_secret_spread_over_events_is_cut_out_of_the_recording(
    lab: Lab, wire: Server, call: Callable[..., Any]
) -> None:
    wire.reply = lambda body: streams([KEY[:12], KEY[12:]])

    with lab.test("once") as tape:
        do(call, wire.chat_url)

    assert KEY[12:] not in lab.written()
    assert "[masked key]" in lab.written()
    assert tape.misses == []


def test_other_libraries_are_refused_with_the_names_of_those_that_are_recorded(
    lab: Lab, wire: Server
) -> None:
    with (
        lab.test("none"),
        pytest.raises(
            NetworkBlocked, match="httpx2, httpx, requests, urllib3, botocore or aiohttp"
        ),
        socket.create_connection(("127.0.0.1", wire.server_port)),
    ):
        pass


@each(PLAIN)
def test_llm_swap_replaces_the_model_on_the_wire(
    lab: Lab, wire: Server, call: Callable[..., Any]
) -> None:
    choice = ModelChoice(swaps={"gpt-test": "a-much-longer-name-of-a-model"})

    with lab.test("once", choice=choice):
        live = do(call, wire.chat_url)
    with lab.test("none", choice=choice):
        again = do(call, wire.chat_url)

    assert again == live
    sent = wire.bodies[0]
    assert json.loads(sent)["model"] == "a-much-longer-name-of-a-model"
    assert wire.headers[0]["content-length"] == str(len(sent))
    assert lab.path("a-much-longer-name-of-a-model").exists()


PACKED = {"content-encoding": "gzip", "content-type": "application/json"}


def packed(body: Any) -> bytes:
    return gzip.compress(json.dumps(body).encode(), mtime=0)


def packed_by_requests(url: str, body: Any) -> Any:
    with requests.Session() as session:
        return session.post(url, data=packed(body), headers=PACKED, timeout=5).json()


def packed_by_urllib3(url: str, body: Any) -> Any:
    with urllib3.PoolManager() as pools:
        return pools.request("POST", url, body=packed(body), headers=PACKED).json()


async def packed_by_aiohttp(url: str, body: Any) -> Any:
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=packed(body), headers=PACKED) as answer,
    ):
        return await answer.json()


async def packed_by_aiohttp_itself(url: str, body: Any) -> Any:
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, json=body, compress="gzip") as answer,
    ):
        return await answer.json()


ALL_PACKED = [packed_by_requests, packed_by_urllib3, packed_by_aiohttp, packed_by_aiohttp_itself]


@each(ALL_PACKED)
def test_a_compressed_request_whose_model_is_replaced_is_sent_plain(
    lab: Lab, wire: Server, call: Callable[..., Any]
) -> None:
    choice = ModelChoice(swaps={"gpt-test": "a-much-longer-name-of-a-model"})

    with lab.test("once", choice=choice):
        live = do(call, wire.chat_url)
    with lab.test("none", choice=choice):
        again = do(call, wire.chat_url)

    assert again == live
    sent = wire.bodies[0]
    assert json.loads(sent)["model"] == "a-much-longer-name-of-a-model"
    assert "content-encoding" not in wire.headers[0]
    assert wire.headers[0].get("content-length", str(len(sent))) == str(len(sent))
    assert wire.hits == 1


@each(ALL_PACKED)
def test_a_compressed_request_is_sent_as_it_is_and_stored_plain(
    lab: Lab, wire: Server, call: Callable[..., Any]
) -> None:
    wire.reply = lambda body: says("small")

    with lab.test("once"):
        live = do(call, wire.chat_url)
    with lab.test("none"):
        again = do(call, wire.chat_url)

    assert again == live
    assert json.loads(gzip.decompress(wire.bodies[0]))["model"] == "gpt-test"
    assert wire.headers[0]["content-encoding"] == "gzip"
    assert lab.cassette().all()[0].request["body"]["json"]["model"] == "gpt-test"


@each(DIRECT)
def test_calls_from_threads_get_their_own_answers_back_and_none_is_sent(
    lab: Lab, wire: Server, call: Callable[..., Any]
) -> None:
    words = [f"word {n}" for n in range(48)]

    def ask_all() -> list[str]:
        with ThreadPoolExecutor(8) as pool:
            answers = pool.map(lambda word: do(call, wire.chat_url, word), words)
            return [answer["choices"][0]["message"]["content"] for *_, answer in answers]

    with lab.test("once"):
        live = ask_all()
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with lab.test("none") as tape:
            again = ask_all()
    finally:
        sys.setswitchinterval(interval)

    assert live == again == [f"{word}!" for word in words]
    assert wire.hits == 48
    assert len(tape.exchanges) == 48


@each(DIRECT)
def test_threads_of_two_tests_at_once_keep_to_their_own_tapes(
    lab: Lab, wire: Server, call: Callable[..., Any]
) -> None:
    run = lab.run("once")
    one, two = run.tape("one"), run.tape("two")

    def ask_in(tape: Any, word: str) -> None:
        with run.router.carrying(tape):
            do(call, wire.chat_url, word)

    with run.patched():
        threads = [
            threading.Thread(target=ask_in, args=job)
            for job in [(one, "a"), (two, "b"), (one, "c"), (two, "d")]
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    asked = {
        tape.label.case: sorted(asked_text(exchange.request) for exchange in tape.exchanges)
        for tape in (one, two)
    }
    assert asked == {"one": ["a", "c"], "two": ["b", "d"]}


@each(DIRECT)
def test_what_no_test_asks_goes_out_unrecorded(
    lab: Lab, wire: Server, call: Callable[..., Any]
) -> None:
    with lab.run("none").patched() as run:
        status, _, _ = do(call, wire.chat_url)

    assert status == 200
    assert run.observed == []
    assert wire.headers[0].get("accept-encoding") != "identity" or call is by_urllib3


@each(DIRECT)
def test_an_allowed_host_is_asked_and_not_recorded(
    lab: Lab, wire: Server, call: Callable[..., Any]
) -> None:
    with lab.test("none", allow_hosts=[f"127.0.0.1:{wire.server_port}"]) as tape:
        status, _, _ = do(call, wire.chat_url)

    assert status == 200
    assert tape.exchanges == []


class Waits:
    """Notes for how long a replay was asked to wait."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def wait(self, seconds: float) -> None:
        self.seconds.append(round(seconds, 3))

    async def wait_async(self, seconds: float) -> None:
        self.wait(seconds)


@contextmanager
def passing(lab: Lab, ask: Callable[..., Any]) -> Iterator[Waits]:
    """Let every request of other clients ask `ask` in the place of the switch."""
    tape, waits = lab.run().tape(), Waits()
    clients = ClientPatches(
        Passage(
            owner=lambda: tape,
            tape_for=lambda host, port: tape,
            ask=ask,
            attempts=Attempts(time.perf_counter),
            allow_hosts=(),
        )
    )
    clients.install()
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(REAL_CLOCK, "wait", waits.wait)
            patch.setattr(REAL_CLOCK, "wait_async", waits.wait_async)
            yield waits
    finally:
        clients.uninstall()


@each(DIRECT)
@pytest.mark.parametrize(
    "url",
    [
        "https://llm.example/v1/models?limit=2",
        "http://llm.example:8080/",
        "http://[::1]:8080/v1/models",
        "https://llm.example/model/a%20b/converse",
    ],
)
def test_the_switch_is_asked_for_the_url_that_the_application_asks_for(
    lab: Lab, call: Callable[..., Any], url: str
) -> None:
    asked: list[str] = []

    def ask(tape: Any, **request: Any) -> Played:
        asked.append(request["url"])
        return Played(status=200, headers=JSON, pieces=[(0, b"{}")], ends_s=0, failure=None)

    with passing(lab, ask):
        do(call, url)

    assert asked == [url]


JSON = [("content-type", "application/json")]


@each(READERS)
def test_a_replay_waits_on_the_clock_before_each_piece(lab: Lab, call: Callable[..., None]) -> None:
    pieces = [(0.5, b"data: 1\n\n"), (0.75, b""), (2.0, b"data: 2\n\n")]
    failure = Failure(error="ReadTimeout", message="too slow")
    got: list[bytes] = []

    def ask(tape: Any, **request: Any) -> Played:
        return Played(status=200, headers=JSON, pieces=pieces, ends_s=5.0, failure=failure)

    with passing(lab, ask) as waits, pytest.raises(WIRE_ERRORS):
        call(CHAT_URL, got.append)

    assert b"".join(got).count(b"data:") == 2
    assert sum(waits.seconds) == 5.0
    assert waits.seconds[0] == 0.5
    assert waits.seconds[-1] == 3.0


@each(DIRECT)
def test_a_replay_waits_on_the_clock_before_an_error(lab: Lab, call: Callable[..., Any]) -> None:
    failure = Failure(error="ConnectTimeout", message="too slow")

    def ask(tape: Any, **request: Any) -> Played:
        return Played(status=0, headers=[], pieces=[], ends_s=5.0, failure=failure)

    with passing(lab, ask) as waits, pytest.raises(WIRE_ERRORS):
        do(call, CHAT_URL)

    assert waits.seconds == [5.0]


@each(DIRECT)
def test_a_request_leaves_for_the_url_that_the_live_exchange_names(
    lab: Lab, call: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
    with answering(lambda: [answer]) as server:
        other = server.url.replace("chat", "other%3A") + "?a=b%20c"
        monkeypatch.setattr(LiveExchange, "url", other)
        with lab.test("once"):
            do(call, server.url)

    assert server.asked[0].startswith(b"POST /v1/other%3A/completions?a=b%20c HTTP/1.1\r\n")
