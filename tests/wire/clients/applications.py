"""Applications: what applications do with a client of their own, and servers that answer them."""

import asyncio
import contextlib
import io
import json
import re
import socket
import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import aiohttp
import openai
import pytest
import requests
import urllib3
import urllib3.connection
from lab import KEY, Reply, asked_text, chat_request, says, streams
from openai import AsyncOpenAI, DefaultAioHttpClient

WIRE_ERRORS = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    aiohttp.ClientError,
    openai.APIConnectionError,
    TimeoutError,
)


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
BODY = json.dumps(chat_request("hello")).encode()


def pieces_of_body() -> Iterator[bytes]:
    yield BODY[:10]
    yield BODY[10:]


def catch(call: Callable[..., Any], url: str) -> tuple[type[BaseException], str]:
    with pytest.raises(WIRE_ERRORS) as caught:
        do(call, url)
    return caught.type, re.sub(r"0x[0-9a-f]+", "0x", str(caught.value))
