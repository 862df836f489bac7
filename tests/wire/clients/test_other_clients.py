"""Clients that send through urllib3 or aiohttp, against a real server."""

import asyncio
import contextlib
import gzip
import io
import json
import re
import socket
import struct
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import botocore.config
import botocore.exceptions
import botocore.session
import httpx2
import openai
import pytest
import requests
import urllib3
import urllib3.connection
import vcr
from aiohttp import web
from lab import CHAT_URL, KEY, Lab, Reply, Server, asked_text, chat_request, says, streams
from openai import AsyncOpenAI, DefaultAioHttpClient

from pytest_llmprod.core.errors import CassetteMiss, NetworkBlocked
from pytest_llmprod.wire.attempts import Attempts
from pytest_llmprod.wire.clients import via_aiohttp, via_urllib3
from pytest_llmprod.wire.clients.passage import Passage, decoder
from pytest_llmprod.wire.clients.patches import ClientPatches
from pytest_llmprod.wire.key import ModelChoice
from pytest_llmprod.wire.live import LiveExchange
from pytest_llmprod.wire.recording import Failure
from pytest_llmprod.wire.switch import Played

HERE = Path(__file__).parents[1]
WIRE_ERRORS = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    aiohttp.ClientError,
    openai.APIConnectionError,
    TimeoutError,
)


# What an application does: each builds its own client and returns what it was told.


def by_requests(url: str, body: Any) -> Any:
    with requests.Session() as session:
        answer = session.post(url, json=body, timeout=5)
        return answer.status_code, answer.reason, answer.json()


def by_requests_stream(url: str, body: Any) -> Any:
    with (
        requests.Session() as session,
        session.post(url, json=body, stream=True, timeout=5) as answer,
    ):
        return answer.status_code, answer.reason, list(answer.iter_lines())


def by_urllib3(url: str, body: Any) -> Any:
    with urllib3.PoolManager() as pools:
        answer = pools.request("POST", url, json=body, retries=False)
        return answer.status, answer.reason, answer.json()


def by_urllib3_stream(url: str, body: Any) -> Any:
    with urllib3.PoolManager() as pools:
        answer = pools.request("POST", url, json=body, retries=False, preload_content=False)
        lines = list(io.TextIOWrapper(answer))
        return answer.status, answer.reason, lines


async def by_aiohttp(url: str, body: Any) -> Any:
    async with aiohttp.ClientSession() as session, session.post(url, json=body) as answer:
        return answer.status, answer.reason, await answer.json()


async def by_aiohttp_stream(url: str, body: Any) -> Any:
    async with aiohttp.ClientSession() as session, session.post(url, json=body) as answer:
        return answer.status, answer.reason, [line async for line in answer.content]


def openai_over_aiohttp(url: str) -> AsyncOpenAI:
    base_url = url.removesuffix("/chat/completions")
    client = DefaultAioHttpClient(trust_env=False)
    return AsyncOpenAI(base_url=base_url, api_key=KEY, http_client=client, max_retries=0)


async def by_openai(url: str, body: Any) -> Any:
    async with openai_over_aiohttp(url) as client:
        answer = await client.chat.completions.create(**body)
    return answer.choices[0].message.content


async def by_openai_stream(url: str, body: Any) -> Any:
    async with openai_over_aiohttp(url) as client:
        chunks = await client.chat.completions.create(**body)
        return [chunk.to_dict() async for chunk in chunks]


PLAIN = [by_requests, by_urllib3, by_aiohttp, by_openai]
STREAMS = [by_requests_stream, by_urllib3_stream, by_aiohttp_stream, by_openai_stream]
DIRECT = [by_requests, by_urllib3, by_aiohttp]


def do(call: Callable[..., Any], url: str, text: str = "hello", **other: Any) -> Any:
    body = chat_request(text, **({"stream": True} if "stream" in call.__name__ else {}), **other)
    result = call(url, body)
    return asyncio.run(result) if asyncio.iscoroutine(result) else result


def reply(body: Any) -> Reply:
    return streams(["a", "b"]) if body.get("stream") else says(f"{asked_text(body)}!")


def each(calls: list[Callable[..., Any]]) -> Any:
    return pytest.mark.parametrize("call", calls, ids=lambda call: call.__name__)


class Plain:
    """A server that sends bytes as they are to whoever asks, and hangs up."""

    def __init__(self, listening: socket.socket, pieces: Callable[[], Iterable[bytes]]) -> None:
        self.url = f"http://127.0.0.1:{listening.getsockname()[1]}/v1/chat/completions"
        self.asked: list[bytes] = []
        self.resets = False
        self._listening = listening
        self._pieces = pieces

    def serve(self) -> None:
        with contextlib.suppress(OSError):  # closed while it waits: the test has ended
            while True:
                connection, _ = self._listening.accept()
                with connection:
                    self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        asked = b""
        while b"hello" not in asked:
            asked += connection.recv(65536)
        self.asked.append(asked)
        if self.resets:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        for piece in self._pieces():
            connection.sendall(piece)


@contextmanager
def answering(pieces: Callable[[], Iterable[bytes]]) -> Iterator[Plain]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = Plain(listening, pieces)
        thread = threading.Thread(target=server.serve)
        thread.start()
        yield server
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.fixture
def nobody() -> str:
    """The URL of a chat at a port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    return f"http://127.0.0.1:{port}/v1/chat/completions"


# Recording and replaying.


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


def bedrock(url: str) -> Any:
    """Return a client of AWS that asks our server."""
    return botocore.session.get_session().create_client(
        "bedrock-runtime",
        region_name="us-east-1",
        endpoint_url=url,
        aws_access_key_id="AKIA0123456789ABCDEF",
        aws_secret_access_key="no-secret-of-anybody",
        config=botocore.config.Config(retries={"max_attempts": 0}, parameter_validation=False),
    )


def converse(url: str) -> Any:
    answer = bedrock(url).converse(
        modelId="amazon.nova", messages=[{"role": "user", "content": [{"text": "hello"}]}]
    )
    return answer["output"], answer["usage"]


def invoke_model(url: str) -> Any:
    answer = bedrock(url).invoke_model(modelId="amazon.nova", body=b'{"prompt": "hello"}')
    return json.loads(answer["body"].read())


@pytest.mark.parametrize("call", [converse, invoke_model], ids=lambda call: call.__name__)
def test_botocore_is_recorded_and_replayed(
    lab: Lab, wire: Server, call: Callable[[str], Any]
) -> None:
    message = {"role": "assistant", "content": [{"text": "hi"}]}
    usage = {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3}
    document = {"output": {"message": message}, "stopReason": "end_turn", "usage": usage}
    wire.reply = lambda body: Reply(json.dumps(document).encode())

    with lab.test("once"):
        live = call(wire.url)
    with lab.test("none") as tape:
        again = call(wire.url)

    assert again == live
    assert wire.hits == 1
    assert len(tape.exchanges) == 1
    assert "AKIA" not in lab.written()


def test_an_event_stream_of_aws_is_replayed_byte_for_byte(lab: Lab, wire: Server) -> None:
    pieces = [bytes(range(256)), b"\xff\x00" * 40_000]
    wire.reply = lambda body: Reply(pieces, kind="application/vnd.amazon.eventstream")
    url = f"{wire.url}/model/amazon.nova/converse-stream"

    with lab.test("once"):
        requests.post(url, data=b"{}", timeout=5)
    with lab.test("none"):
        again = requests.post(url, data=b"{}", timeout=5).content

    assert again == b"".join(pieces)


# Streams.


def read_requests(url: str, on_line: Callable[[bytes], None]) -> None:
    with requests.post(url, json=chat_request("hello"), stream=True, timeout=5) as answer:
        for line in answer.iter_lines(chunk_size=1):
            on_line(line)


def read_urllib3(url: str, on_line: Callable[[bytes], None]) -> None:
    with urllib3.PoolManager() as pools:
        answer = pools.request("POST", url, json=chat_request("hello"), preload_content=False)
        for piece in answer.stream():
            on_line(piece)


def read_aiohttp(url: str, on_line: Callable[[bytes], None]) -> None:
    async def read() -> None:
        async with (
            aiohttp.ClientSession() as session,
            session.post(url, json=chat_request("hello")) as answer,
        ):
            async for line in answer.content:
                on_line(line)

    asyncio.run(read())


READERS = [read_requests, read_urllib3, read_aiohttp]


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


def test_a_stream_without_chunks_reaches_the_caller_while_it_is_recorded(lab: Lab) -> None:
    has_read = threading.Event()
    was_read_first: list[bool] = []

    def pieces() -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n"
        was_read_first.append(has_read.wait(5))
        yield b"data: 2\n\n"

    with answering(pieces) as server, lab.test("once") as tape:
        read_requests(server.url, lambda line: has_read.set())

    assert was_read_first == [True]
    assert tape.exchanges[0].ttft_s is not None
    assert len(lab.cassette().all()[0].response["body"]["stream"]) == 2


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


def test_aiohttp_gets_the_pieces_of_a_stream_as_chunks(lab: Lab, wire: Server) -> None:
    wire.reply = lambda body: streams(["a", "b"])

    async def read() -> tuple[list[tuple[int, bool]], bool]:
        async with (
            aiohttp.ClientSession() as session,
            session.post(wire.chat_url, json=chat_request("hello")) as answer,
        ):
            chunks = [
                (chunk.count(b"data:"), end) async for chunk, end in answer.content.iter_chunks()
            ]
            return chunks, answer.content.at_eof()

    with lab.test("once"):
        live = asyncio.run(read())
    with lab.test("none"):
        again = asyncio.run(read())

    assert live == again == ([(1, True)] * 3, True)


def test_aiohttp_is_at_the_end_with_the_last_line_of_a_replayed_stream(
    lab: Lab, wire: Server
) -> None:
    wire.reply = lambda body: streams(["a", "b"])

    async def read() -> tuple[list[bytes], bool]:
        lines = []
        async with (
            aiohttp.ClientSession() as session,
            session.post(wire.chat_url, json=chat_request("hello")) as answer,
        ):
            while not answer.content.at_eof():
                lines.append(await answer.content.readline())
            return lines, answer.closed

    with lab.test("once"):
        do(by_aiohttp_stream, wire.chat_url)
        asyncio.run(read())
    with lab.test("none"):
        lines, is_closed = asyncio.run(read())

    assert [line[:5] for line in lines] == [b"data:", b"\n"] * 3
    assert is_closed


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


def test_an_answer_that_the_caller_never_reads_is_marked_as_incomplete(
    lab: Lab, wire: Server
) -> None:
    with lab.test("once") as tape:
        body = chat_request("hello")
        answer = requests.post(wire.chat_url, json=body, stream=True, timeout=5)
        answer.close()
        ended = len(tape.exchanges)

    assert answer.status_code == 200
    assert ended == 1
    assert [each.complete for each in lab.cassette().all()] == [False]


def test_a_connection_whose_answer_the_caller_leaves_goes_back_to_its_pool(
    lab: Lab, wire: Server
) -> None:
    wire.reply = lambda body: streams(["a", "b"])
    address = {"host": "127.0.0.1", "port": wire.server_port, "maxsize": 1, "block": True}

    def ask(pool: Any) -> Any:
        body = chat_request("hello")
        path = "/v1/chat/completions"
        return pool.request("POST", path, json=body, preload_content=False, pool_timeout=1)

    with lab.test("once"), urllib3.HTTPConnectionPool(**address) as pool:
        first = ask(pool)
        first.close()
        second = ask(pool)
        second.read()

    assert [first.status, second.status] == [200, 200]


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


# Odd answers and odd requests.


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


def test_a_client_that_unpacks_by_itself_gets_what_the_server_sent(lab: Lab, wire: Server) -> None:
    packed = gzip.compress(says("small").pieces[0])
    wire.reply = lambda body: Reply(packed, headers=[("content-encoding", "gzip")])

    with lab.test("once"), urllib3.PoolManager() as pools:
        body = chat_request("hello")
        live = pools.request("POST", wire.chat_url, json=body, decode_content=False).data

    assert live == packed


def test_an_encoding_that_changes_nothing_needs_no_decoder() -> None:
    decoders = [decoder(""), decoder("identity")]

    assert decoders == [None, None]


def test_headers_of_a_cassette_that_tell_a_length_do_not_cut_the_answer(
    lab: Lab, wire: Server
) -> None:
    with lab.test("once"):
        live = do(by_requests, wire.chat_url)
    document = json.loads(lab.path().read_text())
    headers = document["interactions"][0]["response"]["headers"]
    headers |= {"Content-Length": ["5"], "Transfer-Encoding": ["chunked"]}
    lab.path().write_text(json.dumps(document))
    with lab.test("none"):
        again = do(by_requests, wire.chat_url)

    assert again == live


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


BODY = json.dumps(chat_request("hello")).encode()


def pieces_of_body() -> Iterator[bytes]:
    yield BODY[:10]
    yield BODY[10:]


class Readable:
    """What can be read and nothing else, as bodies of requests-toolbelt."""

    def __init__(self) -> None:
        self._file = io.BytesIO(BODY)

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)


@pytest.mark.parametrize(
    "body",
    [
        lambda: BODY.decode(),
        lambda: io.BytesIO(BODY),
        lambda: io.StringIO(BODY.decode()),
        lambda: bytearray(BODY),
        pieces_of_body,
        Readable,
    ],
    ids=["text", "file", "text-file", "bytearray", "pieces", "readable"],
)
def test_a_body_of_any_kind_is_sent_and_found_again(
    lab: Lab, wire: Server, body: Callable[[], Any]
) -> None:
    def ask() -> Any:
        with urllib3.PoolManager() as pools:
            return pools.request("POST", wire.chat_url, body=body()).json()

    with lab.test("once"):
        live = ask()
    with lab.test("none"):
        again = ask()

    assert again == live
    assert wire.bodies == [BODY]
    assert "transfer-encoding" not in wire.headers[0]


def test_a_body_that_comes_in_pieces_is_sent_and_found_again_by_requests(
    lab: Lab, wire: Server
) -> None:
    with lab.test("once"):
        live = requests.post(wire.chat_url, data=pieces_of_body(), timeout=5).json()
    with lab.test("none"):
        again = requests.post(wire.chat_url, data=pieces_of_body(), timeout=5).json()

    assert again == live
    assert wire.bodies == [BODY]
    assert "transfer-encoding" not in wire.headers[0]


def test_a_body_that_comes_in_pieces_is_sent_and_found_again_by_aiohttp(
    lab: Lab, wire: Server
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for piece in pieces_of_body():
            yield piece

    async def ask() -> Any:
        async with (
            aiohttp.ClientSession() as session,
            session.post(wire.chat_url, data=pieces()) as answer,
        ):
            return await answer.json()

    with lab.test("once"):
        live = asyncio.run(ask())
    with lab.test("none"):
        again = asyncio.run(ask())

    assert again == live
    assert wire.bodies == [BODY]


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


def test_the_tries_of_urllib3_are_recorded_and_replayed_in_order(lab: Lab, wire: Server) -> None:
    replies = iter([Reply(b"{}", status=503), says("now")])
    wire.reply = lambda body: next(replies)

    def ask() -> Any:
        again = urllib3.Retry(total=2, status_forcelist=[503], allowed_methods=None)
        with urllib3.PoolManager(retries=again) as pools:
            answer = pools.request("POST", wire.chat_url, json=chat_request("hello"))
            return answer.json(), [each.status for each in answer.retries.history]

    with lab.test("once"):
        live = ask()
    with lab.test("none") as tape:
        again = ask()

    assert again == live
    assert live[1] == [503]
    assert [exchange.status for exchange in tape.exchanges] == [503, 200]


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


def test_a_pool_gets_its_connections_back_from_a_replay(lab: Lab, wire: Server) -> None:
    def ask_all() -> list[Any]:
        address = {"host": "127.0.0.1", "port": wire.server_port}
        with urllib3.HTTPConnectionPool(**address, maxsize=1, block=True) as pool:
            answers = [
                pool.request(
                    "POST",
                    "/v1/chat/completions",
                    json=chat_request("hello"),
                    preload_content=False,
                    pool_timeout=1,
                ).read()
                for _ in range(3)
            ]
        return [json.loads(answer) for answer in answers]

    with lab.test("once"):
        live = ask_all()
    with lab.test("none"):
        again = ask_all()

    assert again == live
    assert len(live) == 3


# Failures.


def catch(call: Callable[..., Any], url: str) -> tuple[type[BaseException], str]:
    with pytest.raises(WIRE_ERRORS) as caught:
        do(call, url)
    return caught.type, re.sub(r"0x[0-9a-f]+", "0x", str(caught.value))


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


def test_botocore_meets_the_same_refused_connection_again(lab: Lab, nobody: str) -> None:
    def ask() -> str:
        with pytest.raises(botocore.exceptions.EndpointConnectionError) as caught:
            converse(nobody)
        return str(caught.value)

    with lab.test("once"):
        live = ask()
    with lab.test("none"):
        again = ask()

    assert again == live


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


def test_aiohttps_clock_for_a_whole_call_ends_in_a_recorded_timeout_while_it_connects(
    lab: Lab, wire: Server
) -> None:
    class Slow(aiohttp.DefaultResolver):
        async def resolve(self, *args: Any, **options: Any) -> Any:
            await asyncio.sleep(5)

    async def ask(url: str) -> None:
        connector = aiohttp.TCPConnector(resolver=Slow())
        timeout = aiohttp.ClientTimeout(total=0.05)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            await session.post(url, json=chat_request("hello"))

    url = wire.chat_url.replace("127.0.0.1", "localhost")
    with lab.test("once"), pytest.raises(TimeoutError):
        asyncio.run(ask(url))
    with lab.test("none") as tape, pytest.raises(TimeoutError):
        asyncio.run(ask(url))
    with lab.test("none"), pytest.raises(requests.ReadTimeout):
        do(by_requests, url)

    assert [exchange.failure for exchange in tape.exchanges] == ["TimeoutError"]


def test_an_error_of_urllib3_knows_its_pool_and_url_again(lab: Lab, wire: Server) -> None:
    may_answer = threading.Event()
    wire.reply = lambda body: says(str(may_answer.wait(5)))

    def ask() -> tuple[Any, str]:
        with (
            urllib3.PoolManager(timeout=0.05, retries=False) as pools,
            pytest.raises(urllib3.exceptions.ReadTimeoutError) as caught,
        ):
            pools.request("POST", wire.chat_url, json=chat_request("hello"))
        return caught.value.url, str(caught.value.pool)

    with lab.test("once"):
        live = ask()
    with lab.test("none"):
        again = ask()
    may_answer.set()

    assert again == live
    assert live[0] == "/v1/chat/completions"


def test_a_body_that_broke_off_stays_broken_for_who_reads_on(lab: Lab, wire: Server) -> None:
    wire.reply = lambda body: streams(["a"], breaks_off=True)

    async def read() -> list[str]:
        told = []
        async with (
            aiohttp.ClientSession() as session,
            session.post(wire.chat_url, json=chat_request("hello")) as answer,
        ):
            for _ in range(2):
                with pytest.raises(aiohttp.ClientPayloadError) as caught:
                    await answer.content.read()
                told.append(str(caught.value))
        return told

    with lab.test("once"):
        live = asyncio.run(read())
    with lab.test("none"):
        again = asyncio.run(read())

    assert again == live


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


def test_a_call_that_the_application_cancels_leaves_no_recording(lab: Lab, wire: Server) -> None:
    may_answer = threading.Event()
    wire.reply = lambda body: says(str(may_answer.wait(5)))

    async def cancel() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(by_aiohttp(wire.chat_url, chat_request("hello")), 0.05)

    with lab.test("once") as tape:
        asyncio.run(cancel())
    may_answer.set()

    assert tape.exchanges == []
    assert not lab.path().exists()


# Misses and other errors of ours.


@each(PLAIN)
def test_a_miss_reaches_the_application_and_is_remembered(
    lab: Lab, wire: Server, call: Callable[..., Any]
) -> None:
    with lab.test("none") as tape, pytest.raises(CassetteMiss, match="No recording: no cassette"):
        do(call, wire.chat_url)

    assert wire.hits == 0
    assert len(tape.misses) == 1


def test_a_miss_is_remembered_although_botocore_wraps_it(lab: Lab, wire: Server) -> None:
    with (
        lab.test("none") as tape,
        pytest.raises(botocore.exceptions.HTTPClientError, match="No recording: no cassette"),
    ):
        converse(wire.url)

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


# Models.


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


# Whose request it is.


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


def test_a_pool_with_connections_of_its_own_kind_is_left_alone(lab: Lab, wire: Server) -> None:
    class LocalPool(urllib3.HTTPConnectionPool):
        """docker's reaches a Unix socket like this."""

        def _new_conn(self) -> Any:
            return urllib3.connection.HTTPConnection("127.0.0.1", wire.server_port)

    with lab.test("once") as tape, LocalPool("localhost") as pool:
        answer = pool.request("POST", "/v1/chat/completions", json=chat_request("hello"))

    assert answer.status == 200
    assert tape.exchanges == []


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="needs Unix sockets")
def test_aiohttp_reaches_a_unix_socket_unrecorded(lab: Lab, tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"asked": await request.json()})

    async def ask() -> Any:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", answer)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.UnixSite(runner, str(tmp_path / "s")).start()
        connector = aiohttp.UnixConnector(str(tmp_path / "s"))
        async with aiohttp.ClientSession(connector=connector) as session:
            response = await session.post(CHAT_URL.replace("https", "http"), json=1)
            document = await response.json()
        await runner.cleanup()
        return document

    with lab.test("none") as tape:
        told = asyncio.run(ask())

    assert told == {"asked": 1}
    assert tape.exchanges == []


def test_a_websocket_of_aiohttp_is_left_alone(lab: Lab) -> None:
    async def echo(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str(f"{await socket.receive_str()}!")
        await socket.close()
        return socket

    async def ask() -> str:
        app = web.Application()
        app.router.add_get("/", echo)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"http://127.0.0.1:{runner.addresses[0][1]}/") as socket,
        ):
            await socket.send_str("hello")
            told = await socket.receive_str()
        await runner.cleanup()
        return told

    with lab.test("once") as tape:
        told = asyncio.run(ask())

    assert told == "hello!"
    assert tape.exchanges == []


def test_middlewares_of_the_application_see_recorded_answers(lab: Lab, wire: Server) -> None:
    seen: list[int] = []

    async def note(request: Any, send: Any) -> Any:
        response = await send(request)
        seen.append(response.status)
        return response

    async def ask(**where: Any) -> None:
        async with aiohttp.ClientSession(**where) as session:
            await session.post(wire.chat_url, json=chat_request("hello"))

    with lab.test("once"):
        do(by_aiohttp, wire.chat_url)
    with lab.test("none"):
        asyncio.run(ask(middlewares=[note]))

    assert seen == [200]


# Proxies.


def test_a_request_through_a_proxy_is_recorded_under_the_address_asked_for(
    lab: Lab, wire: Server
) -> None:
    url = "http://llm.example/v1/chat/completions"

    def ask() -> Any:
        with urllib3.ProxyManager(f"http://127.0.0.1:{wire.server_port}") as proxy:
            return proxy.request("POST", url, json=chat_request("hello")).json()

    with lab.test("once"):
        live = ask()
    with lab.test("none"):
        again = ask()

    assert again == live
    assert lab.cassette().all()[0].request["uri"] == url


def test_a_replay_asks_no_proxy_for_a_tunnel(lab: Lab, wire: Server, nobody: str) -> None:
    with lab.test("once"):
        do(by_requests, wire.chat_url)
    with lab.test("none"), urllib3.ProxyManager(nobody) as proxy:
        answer = proxy.request("POST", CHAT_URL, json=chat_request("hello")).json()

    assert answer["choices"][0]["message"]["content"] == "hello!"


def test_recording_asks_the_proxy_for_a_tunnel(lab: Lab) -> None:
    asked: list[bytes] = []

    def refuse(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection:
            asked.append(connection.recv(65536))
            connection.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=refuse, args=[listening])
        thread.start()
        proxy_url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with (
            lab.test("once"),
            urllib3.ProxyManager(proxy_url, retries=False) as proxy,
            pytest.raises(urllib3.exceptions.ProxyError),
        ):
            proxy.request("POST", CHAT_URL, json=chat_request("hello"))
        thread.join()

    assert asked[0].startswith(b"CONNECT api.openai.com:443 ")


# What the switch is asked, and what is done with its answer.


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
            patch.setattr(via_urllib3, "wait", waits.wait)
            patch.setattr(via_aiohttp, "wait_async", waits.wait_async)
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


# Others.


def test_versions_that_are_too_old_are_left_alone() -> None:
    class OldSession:
        async def _request(self, method: str, url: str) -> None: ...

    passage: Any = None
    old_aiohttp = SimpleNamespace(ClientSession=OldSession)
    old_urllib3 = SimpleNamespace(HTTPResponse=object)

    assert via_aiohttp.replacements(old_aiohttp, passage) == []
    assert via_urllib3.replacements(old_urllib3, passage) == []


@each(DIRECT)
def test_vcrpy_works_beside_us_in_tests_without_a_tape(
    lab: Lab, wire: Server, call: Callable[..., Any]
) -> None:
    path = lab.root / "stock.yaml"

    with lab.run("none").patched() as run:
        with vcr.use_cassette(path, record_mode="once"):
            live = do(call, wire.chat_url)
        with vcr.use_cassette(path, record_mode="none") as stock:
            again = do(call, wire.chat_url)

    assert again[2] == live[2]
    assert wire.hits == 1
    assert stock.play_count == 1
    assert run.observed == []


@each([by_requests, by_urllib3])
def test_what_goes_through_a_connection_of_vcrpy_is_recorded_all_the_same(
    lab: Lab, wire: Server, call: Callable[..., Any]
) -> None:
    with lab.test("once") as tape, vcr.use_cassette(lab.root / "stock.yaml") as stock:
        live = do(call, wire.chat_url)
    with lab.test("none"):
        again = do(call, wire.chat_url)

    assert again[2] == live[2]
    assert len(tape.exchanges) == len(stock) == 1
