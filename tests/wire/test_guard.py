"""The guard: a test that replays reaches nobody."""

import asyncio
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from lab import Lab

from pytest_llmprod.core.errors import NetworkBlocked
from pytest_llmprod.wire.guard import NetworkGuard
from pytest_llmprod.wire.router import Router
from pytest_llmprod.wire.rules import RecordMode
from pytest_llmprod.wire.tape import Tape


@pytest.fixture
def port() -> Iterator[int]:
    """A port on loopback that takes connections."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield int(listening.getsockname()[1])


@pytest.fixture
def guarded(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Tape]]:
    """Begin a test behind a guard, which goes before what a test patched below it."""
    del monkeypatch
    with ExitStack() as stack:

        def begin(mode: RecordMode = "none", allow_hosts: Sequence[str] = ()) -> Tape:
            router = Router()
            guard = NetworkGuard(router, allow_hosts)
            guard.install()
            stack.callback(guard.uninstall)
            stack.callback(router.leave)
            tape = lab.run(mode).tape()
            router.enter(tape)
            return tape

        yield begin


@contextmanager
def tcp() -> Iterator[socket.socket]:
    with socket.socket() as sock:
        yield sock


def connect(port: int) -> None:
    with tcp() as sock:
        sock.connect(("127.0.0.1", port))


def connect_ex(port: int) -> None:
    with tcp() as sock:
        assert sock.connect_ex(("127.0.0.1", port)) == 0


def create_connection(port: int) -> None:
    socket.create_connection(("127.0.0.1", port)).close()


def send_datagram(port: int) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.sendto(b"x", ("127.0.0.1", port))


def send_datagram_with_flags(port: int) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.sendto(b"x", 0, ("127.0.0.1", port))


def send_message(port: int) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.sendmsg([b"x"], [], 0, ("127.0.0.1", port))


def open_connection(port: int) -> None:
    async def go() -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
        await writer.wait_closed()

    asyncio.run(go())


WAYS = [
    connect,
    connect_ex,
    create_connection,
    send_datagram,
    send_datagram_with_flags,
    open_connection,
]
if hasattr(socket.socket, "sendmsg"):
    WAYS.append(send_message)


@pytest.mark.parametrize("reach", WAYS, ids=lambda way: way.__name__)
def test_a_replaying_test_reaches_nobody_and_the_tape_remembers(
    guarded: Callable[..., Tape], port: int, reach: Callable[[int], None]
) -> None:
    tape = guarded("none")

    with pytest.raises(NetworkBlocked) as caught:
        reach(port)
    assert f"127.0.0.1:{port}" in str(caught.value)
    assert 'allow_hosts = ["127.0.0.1"]' in str(caught.value)
    assert tape.misses == [str(caught.value)]


@pytest.mark.parametrize("mode", ["once", "new_episodes", "all", "rewrite"])
def test_a_recording_test_may_reach_everybody(
    guarded: Callable[..., Tape], port: int, mode: RecordMode
) -> None:
    tape = guarded(mode)
    for reach in WAYS:
        reach(port)

    assert tape.misses == []


@pytest.mark.parametrize("reach", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:{}"])
def test_an_allowed_host_is_reached(
    guarded: Callable[..., Tape], port: int, reach: Callable[[int], None], host: str
) -> None:
    tape = guarded("none", [host.format(port)])

    reach(port)

    assert tape.misses == []


@pytest.mark.parametrize(
    "look_up",
    [
        lambda: socket.getaddrinfo("llm.example", 443),
        lambda: socket.getaddrinfo(host=b"llm.example", port=443),
        lambda: socket.getaddrinfo("llm.example", None),
        lambda: socket.gethostbyname("llm.example"),
        lambda: socket.gethostbyname_ex("llm.example"),
        lambda: socket.gethostbyaddr("llm.example"),
        lambda: socket.gethostbyaddr(b"llm.example"),
        lambda: socket.getnameinfo(("llm.example", 443), 0),
        lambda: asyncio.run(_look_up_async()),
    ],
    ids=[
        "getaddrinfo",
        "keywords",
        "no-port",
        "gethostbyname",
        "gethostbyname_ex",
        "gethostbyaddr",
        "gethostbyaddr-bytes",
        "getnameinfo",
        "asyncio",
    ],
)
def test_a_replaying_test_asks_no_name_server(
    guarded: Callable[..., Tape],
    monkeypatch: pytest.MonkeyPatch,
    look_up: Callable[[], Any],
) -> None:
    asked: list[Any] = []
    for name in (
        "getaddrinfo",
        "gethostbyname",
        "gethostbyname_ex",
        "gethostbyaddr",
        "getnameinfo",
    ):
        monkeypatch.setattr(socket, name, lambda *args, **kwargs: asked.append(args))
    tape = guarded("none")

    with pytest.raises(NetworkBlocked, match=r"llm\.example"):
        look_up()
    assert asked == []
    assert len(tape.misses) == 1


async def _look_up_async() -> None:
    await asyncio.get_running_loop().getaddrinfo("llm.example", 443)


@pytest.mark.parametrize("port", [None, 80, "80"])
def test_look_ups_that_may_pass_are_answered_as_without_the_guard(
    guarded: Callable[..., Tape], port: Any
) -> None:
    expected = socket.getaddrinfo("127.0.0.1", port, type=socket.SOCK_STREAM)
    guarded("once")

    assert socket.getaddrinfo("127.0.0.1", port, type=socket.SOCK_STREAM) == expected
    assert socket.getaddrinfo(host="127.0.0.1", port=port, type=socket.SOCK_STREAM) == expected
    assert socket.getaddrinfo("127.0.0.1", port, 0, socket.SOCK_STREAM) == expected
    assert socket.gethostbyname("127.0.0.1") == "127.0.0.1"


def answers(*addresses: str) -> Callable[..., Any]:
    """Return a name server that knows one host."""
    return lambda host, port, *rest, **more: [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses
    ]


def test_the_addresses_of_an_allowed_name_are_reached(
    guarded: Callable[..., Tape], monkeypatch: pytest.MonkeyPatch, port: int
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", answers("127.0.0.1"))
    tape = guarded("none", ["DB.internal"])

    socket.create_connection(("db.Internal", port)).close()
    connect(port)

    assert tape.misses == []


@pytest.mark.parametrize(
    ("look_up", "found"),
    [
        ("getaddrinfo", answers("127.0.0.1")("", 0)),
        ("gethostbyname", "127.0.0.1"),
        ("gethostbyname_ex", ("db.internal", ["db"], ["10.0.0.1", "127.0.0.1"])),
    ],
)
@pytest.mark.parametrize("name", ["db.internal", b"DB.internal"])
def test_the_addresses_are_reached_whichever_way_an_allowed_name_was_resolved(
    guarded: Callable[..., Tape],
    monkeypatch: pytest.MonkeyPatch,
    port: int,
    look_up: str,
    found: Any,
    name: Any,
) -> None:
    monkeypatch.setattr(socket, look_up, lambda host, *rest: found)
    tape = guarded("none", ["db.internal"])

    arguments = [port] if look_up == "getaddrinfo" else []
    answer = getattr(socket, look_up)(name, *arguments)
    connect(port)

    assert answer == found
    assert tape.misses == []


@pytest.mark.parametrize("write", [int, str, lambda port: str(port).encode()])
def test_a_port_that_is_allowed_may_be_given_as_text(
    guarded: Callable[..., Tape],
    monkeypatch: pytest.MonkeyPatch,
    port: int,
    write: Callable[[int], Any],
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", answers("127.0.0.1"))
    tape = guarded("none", [f"db.internal:{port}"])

    socket.getaddrinfo("db.internal", write(port))
    connect(port)

    assert tape.misses == []


def test_a_port_that_is_allowed_may_be_given_by_the_name_of_its_service(
    guarded: Callable[..., Tape], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", answers("127.0.0.1"))
    tape = guarded("none", ["db.internal:443"])

    socket.getaddrinfo("db.internal", "https")
    with pytest.raises(NetworkBlocked, match=r"db\.internal"):
        socket.getaddrinfo("db.internal", "no such service")

    assert len(tape.misses) == 1


def test_an_address_may_be_given_in_bytes(guarded: Callable[..., Tape], port: int) -> None:
    tape = guarded("none", ["127.0.0.1"])
    with tcp() as sock:
        sock.connect((b"127.0.0.1", port))

    assert tape.misses == []


def test_a_name_that_is_allowed_at_one_port_opens_no_other(
    guarded: Callable[..., Tape], monkeypatch: pytest.MonkeyPatch, port: int
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", answers("127.0.0.1"))
    guarded("none", [f"db.internal:{port}"])

    socket.create_connection(("db.internal", port)).close()
    with pytest.raises(NetworkBlocked):
        socket.getaddrinfo("db.internal", port + 1)
    with pytest.raises(NetworkBlocked):
        connect(port + 1)


def test_the_addresses_of_a_name_that_is_not_allowed_are_not_reached(
    guarded: Callable[..., Tape], monkeypatch: pytest.MonkeyPatch, port: int
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", answers("127.0.0.1"))
    guarded("once")
    socket.getaddrinfo("llm.example", port)
    guarded("none", ["other.example"])

    with pytest.raises(NetworkBlocked):
        connect(port)


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no Unix sockets here")
def test_unix_sockets_are_reached(guarded: Callable[..., Tape], tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as listening, socket.socket(socket.AF_UNIX) as sock:
        listening.bind(path)
        listening.listen()
        tape = guarded("none")
        sock.connect(path)

        assert sock.getpeername() == path
        assert tape.misses == []


def test_a_socket_pair_and_a_server_of_a_replaying_test_work(
    guarded: Callable[..., Tape],
) -> None:
    tape = guarded("none")
    one, two = socket.socketpair()
    with one, two, socket.create_server(("127.0.0.1", 0)) as listening:
        one.sendall(b"x")

        assert two.recv(1) == b"x"
        assert listening.getsockname()[0] == "127.0.0.1"
    assert tape.misses == []


@pytest.mark.parametrize("host", ["", "127.0.0.1", "localhost"])
def test_a_web_server_starts_in_a_replaying_test(
    guarded: Callable[..., Tape], monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setattr(socket, "gethostbyaddr", lambda name: ("here", [], []))
    tape = guarded("none", ["localhost"])
    with HTTPServer((host, 0), BaseHTTPRequestHandler) as server:
        assert server.server_name == "here"

    assert socket.getnameinfo(("127.0.0.1", 80), socket.NI_NUMERICHOST)[0] == "127.0.0.1"
    assert tape.misses == []


@pytest.mark.skipif(not hasattr(socket.socket, "sendmsg"), reason="no sendmsg here")
def test_a_message_to_the_other_end_may_come_in_a_tuple(guarded: Callable[..., Tape]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, tcp() as sock:
        sock.connect(server.getsockname())
        tape = guarded("none")

        assert sock.sendmsg((b"x", b"y")) == 2
    assert tape.misses == []


def test_what_an_ended_test_left_running_is_refused_and_not_noted(
    guarded: Callable[..., Tape], port: int
) -> None:
    tape = guarded("once")
    router = Router()
    guard = NetworkGuard(router, [])
    tape.close(finished=True)

    error = guard.refuse(tape, "127.0.0.1", port)

    assert isinstance(error, NetworkBlocked)
    assert tape.misses == []


@pytest.mark.parametrize("reach", WAYS, ids=lambda way: way.__name__)
def test_outside_of_tests_everybody_is_reached(
    lab: Lab, port: int, reach: Callable[[int], None]
) -> None:
    router = Router()
    tape = lab.run("none").tape()
    guard = NetworkGuard(router, [])
    guard.install()
    try:
        reach(port)
        router.enter(tape)
        with pytest.raises(NetworkBlocked):
            reach(port)
        tape.close(finished=True)
        router.leave()
        reach(port)
    finally:
        guard.uninstall()

    assert len(tape.misses) == 1


def test_uninstall_leaves_the_socket_module_as_it_was() -> None:
    def now() -> tuple[dict[str, Any], dict[str, Any]]:
        return dict(vars(socket)), dict(vars(socket.socket))

    before = now()
    guard = NetworkGuard(Router(), [])
    guard.install()
    during = now()
    guard.uninstall()

    assert during[0] != before[0]
    assert during[1] != before[1]
    assert now() == before
