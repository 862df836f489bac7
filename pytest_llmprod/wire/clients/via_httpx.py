"""Via httpx: how a request of httpx2 or httpx passes the switch.

Both send every request through a transport. httpx2 is what openai's client uses.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_llmprod.core.faulting import Patience
from pytest_llmprod.wire.clients.passage import Look, Passage, decoder
from pytest_llmprod.wire.clients.tee import tee, tee_async
from pytest_llmprod.wire.live import LiveExchange
from pytest_llmprod.wire.recording import Failure
from pytest_llmprod.wire.switch import Played
from pytest_llmprod.wire.tape import Tape


def replacements(http: Any, passage: Passage) -> Sequence[tuple[Any, str, Any]]:
    """Return what is to be replaced in httpx2 or httpx: (owner, attribute's name, replacement).

    These are the transports that reach a host; those to an application in this process stay.
    """
    streams = _StreamClasses(_teed(http), _teed_async(http), _replayed(http))
    send = http.HTTPTransport.handle_request
    send_async = http.AsyncHTTPTransport.handle_async_request

    def handle_request(transport: Any, request: Any) -> Any:
        tape = passage.tape_for(request.url.host, request.url.port)
        if tape is None:
            look = passage.look(request.url.host, request.url.port)
            if look is not None:
                _look(look, request, request.read())
            return send(transport, request)
        found = _ask(passage, tape, request, request.read())
        if isinstance(found, Played):
            if not found.status:
                found.clock.wait(found.ends_s)
            return _answer(http, streams, found, request)
        try:
            response = send(transport, _outgoing(http, request, found))
        except BaseException as error:
            found.failed(error, http.TransportError)
            raise
        _started(found, response)
        response.stream = streams.sync(response.stream, found)
        return response

    async def handle_async_request(transport: Any, request: Any) -> Any:
        tape = passage.tape_for(request.url.host, request.url.port)
        if tape is None:
            look = passage.look(request.url.host, request.url.port)
            if look is not None:
                _look(look, request, await request.aread())
            return await send_async(transport, request)
        found = _ask(passage, tape, request, await request.aread())
        if isinstance(found, Played):
            if not found.status:
                await found.clock.wait_async(found.ends_s)
            return _answer(http, streams, found, request)
        try:
            response = await send_async(transport, _outgoing(http, request, found))
        except BaseException as error:
            found.failed(error, http.TransportError)
            raise
        _started(found, response)
        response.stream = streams.asynchronous(response.stream, found)
        return response

    return [
        (http.HTTPTransport, "handle_request", handle_request),
        (http.AsyncHTTPTransport, "handle_async_request", handle_async_request),
    ]


@dataclass(frozen=True, slots=True)
class _StreamClasses:
    """The stream types of one HTTP library, whose clients insist on subclasses of their own."""

    sync: Any
    asynchronous: Any
    replayed: Any


def _teed(http: Any) -> Any:
    class TeedStream(http.SyncByteStream):  # type: ignore[misc]  # base known at run time
        """Hands each piece on as it comes, and keeps a copy."""

        def __init__(self, inner: Any, live: LiveExchange) -> None:
            self._inner = inner
            self._live = live

        def __iter__(self) -> Iterator[bytes]:
            return tee(self._inner, self._live, http.TransportError)

        def close(self) -> None:
            self._inner.close()
            self._live.ended(complete=False)

    return TeedStream


def _teed_async(http: Any) -> Any:
    class TeedAsyncStream(http.AsyncByteStream):  # type: ignore[misc]  # base known at run time
        """Hands each piece on as it comes, and keeps a copy."""

        def __init__(self, inner: Any, live: LiveExchange) -> None:
            self._inner = inner
            self._live = live

        def __aiter__(self) -> AsyncIterator[bytes]:
            return tee_async(self._inner, self._live, http.TransportError)

        async def aclose(self) -> None:
            await self._inner.aclose()
            self._live.ended(complete=False)

    return TeedAsyncStream


def _replayed(http: Any) -> Any:
    class ReplayedStream(http.SyncByteStream, http.AsyncByteStream):  # type: ignore[misc]  # bases known at run time
        """Gives the recorded pieces, and then the error that the client met where it met one."""

        def __init__(self, played: Played, request: Any) -> None:
            self._played = played
            self._request = request

        def __iter__(self) -> Iterator[bytes]:
            for pause_s, piece in self._played.timed():
                self._played.clock.wait(pause_s)
                if piece:
                    yield piece
            self._break_off()

        async def __aiter__(self) -> AsyncIterator[bytes]:
            for pause_s, piece in self._played.timed():
                if pause_s > 0:
                    await self._played.clock.wait_async(pause_s)
                if piece:
                    yield piece
            self._break_off()

        def _break_off(self) -> None:
            failure = self._played.broken_by()
            if failure is not None:
                raise _error_of(http, failure, self._request)

    return ReplayedStream


def _answer(http: Any, streams: _StreamClasses, played: Played, request: Any) -> Any:
    """Make the recorded answer, or raise what the client met in its place."""
    failure = None if played.status else played.broken_by()
    if failure is not None:
        raise _error_of(http, failure, request)
    if played.is_whole and len(played.pieces) == 1 and not played.ends_s:
        stream = http.ByteStream(played.pieces[0][1])
    else:
        stream = streams.replayed(played, request)
    return http.Response(
        played.status,
        headers=played.headers,
        stream=stream,
        extensions={"http_version": b"HTTP/1.1"},
    )


def _ask(passage: Passage, tape: Tape, request: Any, body: bytes) -> Played | LiveExchange:
    return passage.ask(
        tape,
        method=request.method,
        url=str(request.url),
        headers=_items(request.headers),
        body=body,
        patience=_patience(request),
    )


def _look(look: Look, request: Any, body: bytes) -> None:
    """Show a request that is on no tape to who looks at it."""
    look(
        method=request.method,
        url=str(request.url),
        headers=_items(request.headers),
        body=body,
        patience=_patience(request),
    )


def _patience(request: Any) -> Patience:
    """Return how long the client waits, which it tells its transport with the request."""
    told = request.extensions.get("timeout") or {}
    return Patience(connect_s=told.get("connect"), read_s=told.get("read"))


def _items(headers: Any) -> list[tuple[str, str]]:
    """Return what `headers.multi_items()` does, which asks for the encoding twice a header."""
    encoding = headers.encoding
    return [(name.lower().decode(encoding), value.decode(encoding)) for name, value in headers.raw]


def _outgoing(http: Any, request: Any, live: LiveExchange) -> Any:
    """Return the request that leaves in place of the application's."""
    return http.Request(
        request.method,
        # A URL that has been parsed need not be parsed again.
        request.url if live.url == str(request.url) else live.url,
        headers=live.headers(request.headers.multi_items()),
        content=live.body,
        extensions=request.extensions,
    )


def _started(live: LiveExchange, response: Any) -> None:
    """Tell the head of the answer."""
    live.started(
        response.status_code,
        response.reason_phrase,
        response.headers.multi_items(),
        decoder(response.headers.get("content-encoding", "")),
    )


def _error_of(http: Any, failure: Failure, request: Any) -> Exception:
    """Return the error that the live client raised, of the class of the same name."""
    kind = getattr(http, failure.error, None)
    if not (isinstance(kind, type) and issubclass(kind, http.TransportError)):
        kind = http.TransportError
    error: Exception = kind(failure.message, request=request)
    return error
