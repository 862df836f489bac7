"""Via aiohttp: what only aiohttp does, against a real server."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import requests
from aiohttp import web
from applications import BODY, by_aiohttp, by_aiohttp_stream, by_requests, do, pieces_of_body
from lab import CHAT_URL, Lab, Server, chat_request, says, streams

from pytest_llmprod.wire.clock import REAL_CLOCK
from pytest_llmprod.wire.rules import PlayRules


def test_aiohttp_gets_the_pieces_of_a_stream_as_chunks(lab: Lab, wire: Server) -> None:
    wire.reply = lambda body: streams(["a", "b"])

    async def read() -> tuple[list[tuple[int, bool]], bool]:
        async with (
            aiohttp.ClientSession() as session,
            session.post(wire.chat_url, json=chat_request("hello")) as answer,
        ):
            # A live stream may end in a packet of its own: aiohttp hands on an empty chunk.
            chunks = [
                (chunk.count(b"data:"), end)
                async for chunk, end in answer.content.iter_chunks()
                if chunk
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


def test_a_call_that_the_application_cancels_is_cancelled_again(lab: Lab, wire: Server) -> None:
    may_answer = threading.Event()
    wire.reply = lambda body: says(str(may_answer.wait(5)))

    async def cancel() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(by_aiohttp(wire.chat_url, chat_request("hello")), 0.05)

    with lab.test("once"):
        asyncio.run(cancel())
    may_answer.set()
    with lab.test("none") as tape:
        asyncio.run(cancel())

    assert [each.failure for each in tape.exchanges] == ["CancelledError"]


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


def test_a_piece_for_which_the_caller_stopped_to_wait_comes_when_they_ask_again(
    lab: Lab, wire: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire.reply = lambda body: streams(["a"])
    waits: list[float] = []

    async def give_up_once(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 1:
            raise asyncio.CancelledError

    async def read() -> bytes:
        async with (
            aiohttp.ClientSession() as session,
            session.post(wire.chat_url, json=chat_request("hello", stream=True)) as answer,
        ):
            with pytest.raises(asyncio.CancelledError):
                await answer.content.read()
            return await answer.content.read()

    with lab.test("once"):
        live = do(by_aiohttp_stream, wire.chat_url)
    monkeypatch.setattr(REAL_CLOCK, "wait_async", give_up_once)
    with lab.test("none", rules=PlayRules(clock_scale=1)):
        again = asyncio.run(read())

    assert again.count(b"data:") == len([line for line in live[2] if line.strip()]) == 2
