"""Via urllib3: what only urllib3 and requests do, against a real server."""

import gzip
import io
import json
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import urllib3
import urllib3.connection
from applications import BODY, answering, by_requests, do, pieces_of_body, read_requests
from lab import CHAT_URL, Lab, Reply, Server, chat_request, says, streams


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


def test_a_client_that_unpacks_by_itself_gets_what_the_server_sent(lab: Lab, wire: Server) -> None:
    packed = gzip.compress(says("small").pieces[0])
    wire.reply = lambda body: Reply(packed, headers=[("content-encoding", "gzip")])

    with lab.test("once"), urllib3.PoolManager() as pools:
        body = chat_request("hello")
        live = pools.request("POST", wire.chat_url, json=body, decode_content=False).data

    assert live == packed


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


def test_a_pool_with_connections_of_its_own_kind_is_left_alone(lab: Lab, wire: Server) -> None:
    class LocalPool(urllib3.HTTPConnectionPool):
        """docker's reaches a Unix socket like this."""

        def _new_conn(self) -> Any:
            return urllib3.connection.HTTPConnection("127.0.0.1", wire.server_port)

    with lab.test("once") as tape, LocalPool("localhost") as pool:
        answer = pool.request("POST", "/v1/chat/completions", json=chat_request("hello"))

    assert answer.status == 200
    assert tape.exchanges == []


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
