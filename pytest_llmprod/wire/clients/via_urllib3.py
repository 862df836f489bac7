"""Via urllib3: how a request of urllib3, requests or botocore passes the switch.

urllib3 sends every try of every request in `HTTPConnectionPool._make_request`. An answer is given
to it as the bytes that a socket would give, so that all above it, errors included, is its own.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakSet

from pytest_llmprod.core.faulting import Patience
from pytest_llmprod.wire.clients.passage import (
    Look,
    Passage,
    decoder,
    os_error_arguments,
    reason_of,
)
from pytest_llmprod.wire.clients.raw_answer import head_of, raw_answer
from pytest_llmprod.wire.clients.tee import tee
from pytest_llmprod.wire.live import LiveExchange
from pytest_llmprod.wire.recording import Failure
from pytest_llmprod.wire.switch import Played
from pytest_llmprod.wire.tape import Tape

_DEFAULT_PORTS = {"http": 80, "https": 443}
_FRAMING = ("content-length", "transfer-encoding")


def replacements(urllib3: Any, passage: Passage) -> Sequence[tuple[Any, str, Any]]:
    """Return what is to be replaced in urllib3: (owner, name of the attribute, replacement).

    Nothing before version 2.2, whose answers cannot be read piece by piece.
    """
    if not hasattr(urllib3.HTTPResponse, "read1"):
        return []
    pools = urllib3.connectionpool
    prepare = pools.HTTPSConnectionPool._prepare_proxy
    waiting: WeakSet[Any] = WeakSet()

    def _prepare_proxy(pool: Any, conn: Any) -> None:
        if _tape_of(pools, passage, pool, "/") is None:
            prepare(pool, conn)
        else:
            waiting.add(conn)  # nothing is known of the request yet

    def open_tunnel(pool: Any, conn: Any) -> None:
        if conn in waiting:
            waiting.remove(conn)
            prepare(pool, conn)

    return [
        (pools.HTTPConnectionPool, "_make_request", _asking(urllib3, passage, open_tunnel)),
        (pools.HTTPSConnectionPool, "_prepare_proxy", _prepare_proxy),
    ]


def _asking(
    urllib3: Any, passage: Passage, open_tunnel: Callable[[Any, Any], None]
) -> Callable[..., Any]:
    """Return what stands for `_make_request`; `open_tunnel` is called before a request leaves."""
    pools = urllib3.connectionpool
    send = pools.HTTPConnectionPool._make_request

    def _make_request(
        pool: Any,
        conn: Any,
        method: str,
        url: str,
        body: Any = None,
        headers: Mapping[Any, Any] | None = None,
        **options: Any,
    ) -> Any:
        tape = _tape_of(pools, passage, pool, url)
        look = _look_of(passage, pool, url) if tape is None else None
        if tape is None and look is None:
            return send(pool, conn, method, url, body=body, headers=headers, **options)
        content, asked = _content(body), _absolute(pool, url)
        sent = [(_text(name), _text(value)) for name, value in (headers or {}).items()]
        patience = _patience(pool, options.get("timeout"))
        if look is not None:
            look(method=method, url=asked, headers=sent, body=content, patience=patience)
        if tape is None:
            body = None if body is None else content  # one that can be read once has been
            return send(pool, conn, method, url, body=body, headers=headers, **options)
        found = passage.ask(
            tape,
            method=method,
            url=asked,
            headers=sent,
            body=content,
            patience=patience,
        )
        answer = _Answer(urllib3, pool, method, url, options)
        if isinstance(found, Played):
            return answer.play(found, conn)
        target = url if found.url == asked else _target(url, found.url)
        try:
            open_tunnel(pool, conn)
            inner = send(
                pool,
                conn,
                method,
                target,
                body=found.body if body is not None else None,
                headers=urllib3.HTTPHeaderDict(found.headers(sent)),
                **options | {"chunked": False, "preload_content": False, "decode_content": False},
            )
        except BaseException as error:
            found.failed(error, _wire_errors(urllib3))
            raise
        return answer.hand_on(inner, found)

    return _make_request


def _patience(pool: Any, timeout: Any) -> Patience:
    """Return how long the client waits: what it says with the request, or for all of its pool."""
    told = pool._get_timeout(timeout)
    connect_s, read_s = told.connect_timeout, told._read
    return Patience(connect_s=_seconds(connect_s), read_s=_seconds(read_s))


def _seconds(value: Any) -> float | None:
    """Return a time of urllib3 in seconds; what stands for its default is for ever."""
    return float(value) if isinstance(value, int | float) else None


def _tape_of(pools: Any, passage: Passage, pool: Any, url: str) -> Tape | None:
    """Return the tape of a request, None where it is sent as if we were not there."""
    if type(pool)._new_conn not in (
        pools.HTTPConnectionPool._new_conn,
        pools.HTTPSConnectionPool._new_conn,
    ):
        return None  # such a pool reaches no host, but a socket of this machine: docker's
    if url.startswith("/"):
        return passage.tape_for(pool.host, pool.port)
    parts = urlsplit(url)
    return passage.tape_for(parts.hostname or "", parts.port)


def _look_of(passage: Passage, pool: Any, url: str) -> Look | None:
    """Return what looks at a request that is on no tape, None where nobody does."""
    parts = urlsplit(url)
    if parts.netloc:
        return passage.look(parts.hostname or "", parts.port)
    return passage.look(pool.host, pool.port)


class _Answer:
    """Makes the answer to one request, from a recording or from the answer that came."""

    def __init__(
        self, urllib3: Any, pool: Any, method: str, url: str, options: Mapping[str, Any]
    ) -> None:
        self._urllib3 = urllib3
        self._pool = pool
        self._method = method
        self._url = url
        self._options = options

    def play(self, played: Played, conn: Any) -> Any:
        """Return the recorded answer, or raise what the client met in its place."""
        if not played.status:
            played.clock.wait(played.ends_s)
            raise self._error(played.broken_by(), conn)
        headers = [each for each in played.headers if each[0].lower() not in _FRAMING]
        # Whoever reads a stream gets chunk after chunk, as when it was recorded.
        is_chunked = len(played.pieces) > 1 or not played.is_whole
        if is_chunked:
            headers.append(("transfer-encoding", "chunked"))

        def pieces() -> Iterator[bytes]:
            for pause_s, piece in played.timed():
                played.clock.wait(pause_s)
                yield piece
            failure = played.broken_by()
            if failure is not None:
                raise self._error(failure, conn)

        raw = raw_answer(
            method=self._method,
            head=head_of(played.status, reason_of(played.status), headers),
            pieces=pieces(),
            is_chunked=is_chunked,
        )
        return self._response(raw, connection=self._options.get("response_conn"))

    def hand_on(self, inner: Any, live: LiveExchange) -> Any:
        """Return an answer that hands on what comes from `inner`, and keeps a copy."""
        # vcrpy, for instance, may have replaced the connection, and has the answer whole.
        is_own = isinstance(inner, self._urllib3.HTTPResponse)
        headers = list(inner.headers.items())
        encoding = inner.headers.get("content-encoding", "")
        lowered = [(name.lower(), value) for name, value in headers]
        live.started(inner.status, inner.reason or "", lowered, decoder(encoding))
        pieces = _pieces_of(inner, is_own)

        def leave() -> None:
            # Who knows the length stops at the last byte, and does not ask for more.
            is_complete = inner.closed or inner.length_remaining == 0
            inner.close()
            inner.release_conn()
            live.ended(complete=is_complete)

        raw = raw_answer(
            method=self._method,
            head=head_of(inner.status, inner.reason or "", headers),
            pieces=tee(pieces, live, _wire_errors(self._urllib3)),
            is_chunked=is_own and inner.chunked,
            leave=leave,
        )
        # The connection stays with `inner`, which gives it back when it has been read.
        return self._response(raw)

    def _response(self, raw: Any, connection: Any = None) -> Any:
        return self._urllib3.HTTPResponse(
            body=raw,
            headers=self._urllib3.HTTPHeaderDict(raw.msg.items()),
            status=raw.status,
            version=raw.version,
            reason=raw.reason,
            preload_content=self._options.get("preload_content", True),
            decode_content=self._options.get("decode_content", True),
            original_response=raw,
            pool=self._pool,
            connection=connection,
            retries=self._options.get("retries"),
            enforce_content_length=self._options.get("enforce_content_length", True),
            request_method=self._method,
            request_url=self._url,
        )

    def _error(self, failure: Failure | None, conn: Any) -> Exception:
        """Return the error that the client met, of the class of the same name."""
        failure = failure or Failure(error="", message="")
        kind = _error_kind(self._urllib3, failure.error)
        if issubclass(kind, OSError):
            return kind(*os_error_arguments(failure.message))
        error: Exception = kind.__new__(kind)  # what they are built from is not recorded
        error.args = (failure.message,)
        for name, value in (("conn", conn), ("pool", self._pool), ("url", self._url)):
            if not hasattr(kind, name):
                setattr(error, name, value)
        return error


def _wire_errors(urllib3: Any) -> tuple[type[Exception], ...]:
    import http.client  # urllib3 has imported it

    return (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError)


def _error_kind(urllib3: Any, name: str) -> type[Exception]:
    """Return the class called `name`, or urllib3's nearest to what another library met."""
    import builtins
    import http.client  # urllib3 has imported it

    known = urllib3.exceptions
    if name == "TimeoutError":  # aiohttp's; in urllib3 it is a base that is never raised itself
        return known.ReadTimeoutError  # type: ignore[no-any-return]  # known at run time
    for module, base in (
        (known, known.HTTPError),
        (http.client, http.client.HTTPException),
        (builtins, OSError),
    ):
        kind = getattr(module, name, None)
        if isinstance(kind, type) and issubclass(kind, base):
            return kind
    if "Timeout" in name:
        near = known.ConnectTimeoutError if "Connect" in name else known.ReadTimeoutError
    else:
        near = known.NewConnectionError if "Connect" in name else known.ProtocolError
    found: type[Exception] = near
    return found


def _pieces_of(inner: Any, is_own: bool) -> Iterator[bytes]:
    """Yield the body as it comes: `stream` waits for whole blocks unless the answer is chunked."""
    if not is_own:
        yield inner.read()
    elif inner.chunked:
        yield from inner.stream(decode_content=False)
    else:
        while piece := inner.read1(2**16, decode_content=False):
            yield piece


def _content(body: Any) -> bytes:
    """Return the body of a request as bytes, however the application gave it."""
    if hasattr(body, "read"):
        body = body.read()
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, (bytes, bytearray, memoryview)):
        return bytes(body)
    return b"".join(map(_content, body))


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _absolute(pool: Any, url: str) -> str:
    if not url.startswith("/"):
        return url  # asked of a proxy
    host = f"[{pool.host}]" if ":" in pool.host else pool.host
    port = "" if pool.port in (None, _DEFAULT_PORTS.get(pool.scheme)) else f":{pool.port}"
    return f"{pool.scheme}://{host}{port}{url}"


def _target(url: str, replaced: str) -> str:
    if not url.startswith("/"):
        return replaced
    parts = urlsplit(replaced)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
