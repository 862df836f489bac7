"""Failures on the wire: recorded, and replayed as the client met them."""

import asyncio
import json
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import httpx
import httpx2
import openai
import pytest
from lab import KEY, Lab, Reply, Server, chat_chunk, chat_request

from pytest_llmprod.core.errors import CassetteError
from pytest_llmprod.wire import switch

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ntransfer-encoding: chunked\r\n\r\n"
EVENTS = [f"data: {json.dumps(chat_chunk(text))}\n\n".encode() for text in ("a", "b", "c")]


@contextmanager
def raw_server(pieces: Sequence[bytes], *, stalls: bool = False) -> Iterator[str]:
    """Answer every connection with these bytes, then hang up, or say nothing more."""
    stop = threading.Event()

    def answer(connection: socket.socket) -> None:
        with connection, suppress(OSError):  # a client that gave up is gone
            connection.recv(65536)
            for piece in pieces:
                connection.sendall(piece)
            if stalls:
                stop.wait(10)

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            if stop.is_set():
                connection.close()
                return
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        port = listener.getsockname()[1]
        try:
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            stop.set()
            with socket.create_connection(("127.0.0.1", port)):
                pass
            thread.join()


def chunked(pieces: Sequence[bytes]) -> list[bytes]:
    return [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces]


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def nobody() -> Iterator[str]:
    yield f"http://127.0.0.1:{closed_port()}/v1"


@contextmanager
def no_such_name() -> Iterator[str]:
    yield "http://llmprod-test.invalid/v1"


PROVIDERS = {
    "refused connection": nobody,
    "no such name": no_such_name,
    "timeout": lambda: raw_server([], stalls=True),
    "disconnect before the head": lambda: raw_server([]),
    "garbage for a head": lambda: raw_server([b"not http\r\n\r\n"]),
    "timeout in the body": lambda: raw_server(
        [HEAD % b"application/json", *chunked([b'{"id":'])], stalls=True
    ),
    "body cut short": lambda: raw_server(
        [b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{}"]
    ),
    "disconnect after two events": lambda: raw_server(
        [HEAD % b"text/event-stream", *chunked(EVENTS[:2])]
    ),
    "disconnect inside an event": lambda: raw_server(
        [HEAD % b"text/event-stream", *chunked([EVENTS[0], EVENTS[1][:20]])]
    ),
}


def ask(http: Any, url: str) -> tuple[int, str, str]:
    """Return how many events came, and the class and the text of the error that followed."""
    count = 0
    with http.Client(timeout=0.3, trust_env=False) as client:
        try:
            with client.stream("POST", f"{url}/chat/completions", json=chat_request("hi")) as got:
                for line in got.iter_lines():
                    count += line.startswith("data:")
        except http.TransportError as error:
            return count, type(error).__name__, f"{error} of {error.request.url.path}"
    return count, "", ""


async def ask_async(http: Any, url: str) -> tuple[int, str, str]:
    count = 0
    async with http.AsyncClient(timeout=0.3, trust_env=False) as client:
        try:
            request = client.stream("POST", f"{url}/chat/completions", json=chat_request("hi"))
            async with request as got:
                async for line in got.aiter_lines():
                    count += line.startswith("data:")
        except http.TransportError as error:
            return count, type(error).__name__, str(error)
    return count, "", ""


@pytest.mark.parametrize("http", [httpx2, httpx], ids=["httpx2", "httpx"])
@pytest.mark.parametrize("name", PROVIDERS)
def test_a_failure_is_replayed_as_it_was(lab: Lab, http: Any, name: str) -> None:
    with PROVIDERS[name]() as url:
        with lab.test("once"):
            live = ask(http, url)
        with lab.test("none") as tape:
            again = ask(http, url)

    assert live[1]
    assert again == live
    assert [each.failure for each in tape.exchanges] == [live[1]]


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_failure_in_a_task_is_replayed_as_it_was(lab: Lab, name: str) -> None:
    with PROVIDERS[name]() as url:
        with lab.test("once"):
            live = asyncio.run(ask_async(httpx2, url))
        with lab.test("none"):
            again = asyncio.run(ask_async(httpx2, url))

    assert live[1]
    assert again == live


def test_the_exchange_of_a_refused_connection_has_no_status_and_a_latency(lab: Lab) -> None:
    with nobody() as url, lab.test("once") as tape:
        ask(httpx2, url)

    (exchange,) = tape.exchanges
    assert (exchange.status, exchange.failure, exchange.usage) == (0, "ConnectError", None)
    assert exchange.latency_s > 0


@pytest.mark.parametrize("name", PROVIDERS)
def test_openai_raises_the_same_class_live_and_replayed(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)

    def call(url: str) -> str:
        with openai.OpenAI(base_url=url, max_retries=1, timeout=0.3) as client:
            try:
                stream = client.chat.completions.create(
                    model="gpt-test", messages=[{"role": "user", "content": "hi"}], stream=True
                )
                text = "".join(chunk.choices[0].delta.content or "" for chunk in stream)
            except (openai.OpenAIError, httpx2.HTTPError, ValueError) as error:
                return type(error).__name__
        return text

    with PROVIDERS[name]() as url:
        with lab.test("once") as recording:
            live = call(url)
        with lab.test("none") as tape:
            again = call(url)

    assert again == live
    assert len(tape.exchanges) == len(recording.exchanges)


def test_each_try_of_a_refused_call_is_replayed(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)

    def call(url: str) -> None:
        client = openai.OpenAI(base_url=url, max_retries=1)
        with client, pytest.raises(openai.APIConnectionError):
            client.embeddings.create(model="gpt-test", input="hi")

    with nobody() as url:
        with lab.test("once"):
            call(url)
        with lab.test("none") as tape:
            call(url)

    assert [(each.call, each.attempt) for each in tape.exchanges] == [(1, 1), (1, 2)]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\xff\xfe not text", "application/json"),
        (b"<html>busy</html>", "text/html"),
        (b'{"id": "x", ', "application/json"),
        (b"", "application/json"),
        (b'{"error": {"message": "busy"}}', "text/event-stream"),
        (b"data: \xff\xfe\n\n", "text/event-stream"),
        (b"data: {\n\nevent: ping\n\ndata: [DONE]\n\n", "text/event-stream"),
        (b"no event at all", "text/event-stream"),
    ],
    ids=["utf-8", "html", "json", "empty", "error-stream", "utf-8-stream", "json-stream", "text"],
)
def test_a_body_that_is_not_what_it_says_is_replayed_byte_for_byte(
    lab: Lab, wire: Server, http: httpx2.Client, content: bytes, kind: str
) -> None:
    wire.reply = lambda body: Reply(content, kind=kind)

    with lab.test("once"):
        live = http.post(wire.chat_url, json=chat_request("hi")).content
    with lab.test("none"):
        again = http.post(wire.chat_url, json=chat_request("hi")).content

    assert live == content
    assert again.replace(b" ", b"") == content.replace(b"event: ping\n\n", b"").replace(b" ", b"")


def test_a_test_that_ended_in_an_error_leaves_no_failure_behind(lab: Lab) -> None:
    with nobody() as url, lab.test("once", finished=False):
        ask(httpx2, url)

    assert not lab.path().exists()


async def give_up(url: str) -> str:
    try:
        await asyncio.wait_for(ask_async(httpx2, url), 0.05)
    except TimeoutError:
        return "given up"
    return "answered"


@pytest.mark.parametrize("pieces", [[], [HEAD % b"text/event-stream", *chunked(EVENTS)]])
def test_a_request_that_the_application_gives_up_is_given_up_again(
    lab: Lab, pieces: Sequence[bytes]
) -> None:
    with raw_server(pieces, stalls=True) as url, lab.test("once") as live:
        recorded = asyncio.run(give_up(url))

    with lab.test("none") as tape:
        replayed = asyncio.run(give_up(url))

    assert recorded == replayed == "given up"
    assert [each.failure for each in live.exchanges] == ["CancelledError"]
    assert [each.failure for each in tape.exchanges] == ["CancelledError"]
    assert tape.exchanges[0].latency_s == pytest.approx(live.exchanges[0].latency_s, abs=1e-6)
    assert tape.misses == []


def test_an_application_that_has_more_patience_than_before_is_told_so(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    with raw_server([], stalls=True) as url, lab.test("once"):
        asyncio.run(give_up(url))
    monkeypatch.setattr(switch, "_PATIENCE_S", 0.01)

    with lab.test("none") as tape, pytest.raises(CassetteError, match="gave up waiting"):
        asyncio.run(ask_async(httpx2, url))

    (told,) = tape.misses
    assert str(told).endswith("mend      pytest --llm-record=rewrite test_app.py::test_it")


def test_the_text_of_a_failure_is_masked(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Any, request: Any) -> Any:
        raise httpx2.ConnectError(f"proxy refused {KEY}", request=request)

    monkeypatch.setattr(httpx2.HTTPTransport, "handle_request", refuse)

    with lab.test("once"):
        live = ask(httpx2, "http://127.0.0.1:1/v1")

    assert live[2] == f"proxy refused {KEY} of /v1/chat/completions"
    assert KEY not in lab.written()
    assert "proxy refused [masked" in lab.written()
