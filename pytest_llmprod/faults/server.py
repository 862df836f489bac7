"""Server: the same faults and scripts on a loopback port, with real sockets.

For an application in another process or in another language. Time is real here: what waits waits,
until the client gives up or the server is closed.
"""

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from pytest_llmprod.core.faulting import Asked, Break, FaultPlan, Patience, WireAnswer
from pytest_llmprod.faults.http_answer import json_answer

#: By these clients find a provider: `url` and `root_url` of a server.
URL_VARIABLES = ("OPENAI_BASE_URL", "ANTHROPIC_BASE_URL")
#: RST in place of FIN when the socket is closed.
_RESET = struct.pack("ii", 1, 0)
#: Breaks that a server cannot make, for they happen before it is asked, become a reset.
_RESETTING: tuple[Break, ...] = ("reset", "refused", "unknown host")
_NOT_HTTP = b"SSH-2.0-OpenSSH_9.6\r\n"
_LONGEST_S = 3600.0
_MOST_HEAD = 2**16
_REASONS = {200: "OK", 307: "Temporary Redirect", 429: "Too Many Requests", 529: "Overloaded"}

#: Takes a method, a URL, headers and a body, and returns what is to be said against them, or "".
Look = Callable[[str, str, Sequence[tuple[str, str]], bytes], str]


class FaultServer:
    """A provider on 127.0.0.1 that answers as a fault plan says.

    `url` is what an OpenAI client takes as its base URL. `requests` are the bodies that were sent.
    Leaving the block, or `close()`, ends every connection and every thread.
    """

    def __init__(
        self,
        plan: FaultPlan,
        port: int = 0,
        longest_s: float = _LONGEST_S,
        look: Look | None = None,
    ) -> None:
        """Listen on a port, any free one where none is given, and answer by `plan`.

        No client waits longer than `longest_s` for an answer: then the server hangs up. `look` is
        shown each request first; one that it objects to gets an answer with status 403.
        """
        self.plan = plan
        self._look = look
        self._longest_s = longest_s
        self.requests: list[Any] = []
        self._listener = socket.create_server(("127.0.0.1", port))
        self._is_closing = False
        self._connections: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    @property
    def port(self) -> int:
        """Return the port on which this server listens."""
        return int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        """Return the base URL, as OpenAI's clients take it."""
        return f"{self.root_url}/v1"

    @property
    def root_url(self) -> str:
        """Return the URL without a path, as Anthropic's clients take it."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> "FaultServer":
        """Return this server."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close the server."""
        self.close()

    def close(self) -> None:
        """End every connection and every thread."""
        self._is_closing = True
        with suppress(OSError):  # some systems refuse it for a socket that listens
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self._listener.close()
        with self._lock:
            connections, threads = list(self._connections), list(self._threads)
        for connection in connections:
            with suppress(OSError):  # it is closed already
                connection.shutdown(socket.SHUT_RDWR)
        for thread in (self._accepting, *threads):
            thread.join()

    def _accept(self) -> None:
        while not self._is_closing:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            with self._lock:
                self._connections.add(connection)
                self._threads = [each for each in self._threads if each.is_alive()]
                self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            received = self._read(connection)
            if received is not None:
                self._answer(connection, *received)
        except OSError:  # the client has gone away
            pass
        finally:
            with self._lock:
                self._connections.discard(connection)
            connection.close()

    def _read(self, connection: socket.socket) -> tuple[Asked, bytes] | None:
        """Return the request and its body, None where the client sends none."""
        received = b""
        while b"\r\n\r\n" not in received:
            piece = connection.recv(2**16)
            if not piece or len(received) > _MOST_HEAD:
                return None
            received += piece
        head, _, body = received.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        pairs = [line.partition(":") for line in lines]
        headers = tuple((name.strip().lower(), value.strip()) for name, _, value in pairs)
        told = dict(headers)
        while len(body) < int(told.get("content-length") or 0):
            piece = connection.recv(2**16)
            if not piece:
                return None
            body += piece
        if "chunked" in told.get("transfer-encoding", ""):
            body = _unchunked(connection, body)
        method, target = [*first.split(" "), ""][:2]
        document = _document(body)
        self.requests.append(document)
        asked = Asked(
            method=method,
            url=f"{self.root_url}{target}",
            headers=headers,
            document=document if isinstance(document, dict) else {},
            retries=round(_number(told.get("x-stainless-retry-count")) or 0),
            # The clients that Stainless makes tell how long they wait.
            patience=Patience(read_s=_number(told.get("x-stainless-read-timeout"))),
        )
        return asked, body

    def _answer(self, connection: socket.socket, asked: Asked, body: bytes) -> None:
        refusal = self._refusal(asked, body)
        if refusal is not None:
            self._send(connection, refusal, time.monotonic())
            return
        answer = self.plan.answer(asked, lambda: None) or self.plan.stand_in(asked)
        if answer is None:
            error = {"message": "The script has no answer for this request.", "code": "no_script"}
            answer = json_answer({"error": error}, 404)
        start = time.monotonic()
        gave_up = False
        try:
            self._send(connection, answer, start)
        except OSError:
            gave_up = True
        self.plan.waited(asked, time.monotonic() - start, gave_up=gave_up)
        if answer.breaks in _RESETTING:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)

    def _refusal(self, asked: Asked, body: bytes) -> WireAnswer | None:
        """Return what a request gets that somebody objects to, None for all others."""
        if self._look is None or not self._look(asked.method, asked.url, asked.headers, body):
            return None
        error = {"message": "This request must not leave.", "code": "request_refused"}
        return json_answer({"error": error}, 403)

    def _send(self, connection: socket.socket, answer: WireAnswer, start: float) -> None:
        """Send an answer at its times; raise OSError where the client does not wait for it."""
        is_chunked = answer.length is None and (len(answer.pieces) != 1 or bool(answer.breaks))
        moments = [(answer.head_s, _head(answer, is_chunked=is_chunked) if answer.status else b"")]
        for at_s, piece in answer.pieces:
            framed = b"%x\r\n%b\r\n" % (len(piece), piece) if is_chunked else piece
            moments.append((at_s, framed))
        is_ended = is_chunked and answer.status and not answer.breaks
        last = _NOT_HTTP if answer.breaks == "not http" else b"0\r\n\r\n" if is_ended else b""
        moments.append((max(answer.ends_s, answer.head_s), last))
        for at_s, content in moments:
            self._wait(connection, start + min(at_s, self._longest_s) - time.monotonic())
            if at_s > self._longest_s:
                return
            connection.sendall(content)

    def _wait(self, connection: socket.socket, seconds: float) -> None:
        """Wait; raise ConnectionError as soon as the client, or this server, has hung up."""
        if seconds <= 0:
            return
        connection.settimeout(seconds)
        try:
            if not connection.recv(1, socket.MSG_PEEK):
                raise ConnectionAbortedError
            time.sleep(seconds)  # a client that sends more than it should
        except TimeoutError:
            return
        finally:
            connection.settimeout(None)


def _head(answer: WireAnswer, *, is_chunked: bool) -> bytes:
    lines = [f"HTTP/1.1 {answer.status} {_REASONS.get(answer.status, 'Status')}"]
    lines += [f"{name}: {value}" for name, value in answer.headers]
    length = len(answer.body) if answer.length is None else answer.length
    lines.append("transfer-encoding: chunked" if is_chunked else f"content-length: {length}")
    return "\r\n".join([*lines, "connection: close", "", ""]).encode("latin-1", "replace")


def _unchunked(connection: socket.socket, received: bytes) -> bytes:
    """Return a body that was sent in chunks, of which `received` came with the head."""
    body = b""
    while True:
        while b"\r\n" not in received:
            received += connection.recv(2**16)
        size_text, _, received = received.partition(b"\r\n")
        size = int(size_text.partition(b";")[0] or b"0", 16)
        while len(received) < size + 2:
            piece = connection.recv(2**16)
            if not piece:
                return body
            received += piece
        if not size:
            return body
        body, received = body + received[:size], received[size + 2 :]


def _document(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return {}


def _number(text: str | None) -> float | None:
    """Return what a header says, None where it says no number that can be counted with."""
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None
