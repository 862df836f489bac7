"""Via aiohttp: how a request of an aiohttp session passes the switch.

A middleware of aiohttp stands where each try of each request is about to be sent; ours goes in as
the innermost one. openai's `DefaultAioHttpClient` comes by here only: its transport is none of
those of httpx2 that are patched.
"""

import inspect
import re
from ast import literal_eval
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from pytest_llmprod.core.faulting import Patience
from pytest_llmprod.wire.clients.passage import Passage, decoder, os_error_arguments, reason_of
from pytest_llmprod.wire.live import LiveExchange
from pytest_llmprod.wire.recording import Failure
from pytest_llmprod.wire.switch import Played
from pytest_llmprod.wire.tape import Tape

# How a ClientResponseError writes itself: 400, message='Bad status line', url='http://...'
_RESPONSE_ERROR = re.compile(r"(\d+), message=(['\"].*['\"]), url=", re.DOTALL)

_Handler = Callable[[Any], Awaitable[Any]]


def replacements(aiohttp: Any, passage: Passage) -> Sequence[tuple[Any, str, Any]]:
    """Return what is to be replaced in aiohttp: (owner, name of the attribute, replacement).

    Nothing before version 3.12, which has no middlewares.
    """
    original = aiohttp.ClientSession._request
    if "middlewares" not in inspect.signature(original).parameters:
        return []
    reader = _reader_class(aiohttp)
    readers = _Readers(_played_reader(aiohttp, reader), _teed_reader(aiohttp, reader))

    async def _request(
        session: Any, method: Any, url: Any, *, middlewares: Any = None, **options: Any
    ) -> Any:
        unpacks = options.get("auto_decompress")
        is_unpacked = session.auto_decompress if unpacks is None else unpacks
        timeout = options.get("timeout")
        if not hasattr(timeout, "sock_read"):  # not given, or a number for the whole of the call
            timeout = session._timeout
        call = _Call(aiohttp, readers, passage, is_unpacked, _patience(timeout))
        own = session._middlewares if middlewares is None else middlewares
        try:
            return await original(
                session, method, url, middlewares=(*own, call.pass_switch), **options
            )
        except BaseException as error:
            call.ended(error)
            raise

    return [(aiohttp.ClientSession, "_request", _request)]


def _patience(timeout: Any) -> Patience:
    """Return how long a call waits: for a connection, for the next bytes, and in all."""
    return Patience(
        connect_s=getattr(timeout, "sock_connect", None),
        read_s=getattr(timeout, "sock_read", None),
        total_s=getattr(timeout, "total", None),
    )


async def _content(request: Any) -> bytes:
    """Return the body of a request, which it can still send."""
    body = request.body
    return body if isinstance(body, bytes) else bytes(await body.as_bytes())


class _Call:
    """One call of the application: a request, and those that redirects and retries make of it."""

    def __init__(
        self,
        aiohttp: Any,
        readers: "_Readers",
        passage: Passage,
        is_unpacked: bool,
        patience: Patience,
    ) -> None:
        self._aiohttp = aiohttp
        self._patience = patience
        self._readers = readers
        self._passage = passage
        self._is_unpacked = is_unpacked
        self._cancelled: LiveExchange | None = None

    async def pass_switch(self, request: Any, send: _Handler) -> Any:
        """Return the recorded answer to a request, or the one that comes when it is sent."""
        tape = self._tape_of(request)
        if tape is None:
            await self._show(request)
            return await send(request)
        content = await _content(request)
        found = self._passage.ask(
            tape,
            method=request.method,
            url=str(request.url),
            headers=list(request.headers.items()),
            body=content,
            patience=self._patience,
        )
        if isinstance(found, Played):
            return await self._play(found, request)
        if found.body != content:
            await request.update_body(found.body)
            # The body that is sent is plain, and aiohttp is not to compress it on the way either.
            request.headers.pop("Content-Encoding", None)
            request.compress = None
        if found.url != str(request.url):
            request.url = type(request.url)(found.url, encoded=True)
        request.headers["Accept-Encoding"] = "identity"  # compression hides when an event came
        try:
            response = await send(request)
        except Exception as error:
            found.failed(error, _wire_errors(self._aiohttp))
            raise
        except BaseException:
            self._cancelled = found  # by the application, or by aiohttp's clock
            raise
        return self._tee(response, found)

    def ended(self, error: BaseException) -> None:
        """Note why the call was cancelled: aiohttp's clock ends it in a TimeoutError."""
        if self._cancelled is not None:
            self._cancelled.failed(error, _wire_errors(self._aiohttp))

    def _tape_of(self, request: Any) -> Tape | None:
        local = (self._aiohttp.UnixConnector, self._aiohttp.NamedPipeConnector)
        if isinstance(request.session.connector, local):
            return None  # a socket of this machine: docker's
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return None  # no answer, but a connection
        return self._passage.tape_for(request.url.host or "", request.url.port)

    async def _show(self, request: Any) -> None:
        """Show a request that is on no tape to who looks at it."""
        look = self._passage.look(request.url.host or "", request.url.port)
        if look is not None:
            look(
                method=request.method,
                url=str(request.url),
                headers=list(request.headers.items()),
                body=await _content(request),
                patience=self._patience,
            )

    async def _play(self, played: Played, request: Any) -> Any:
        if not played.status:
            await played.clock.wait_async(played.ends_s)
            failure = played.broken_by()
            if failure is not None:
                raise _error_of(self._aiohttp, failure, request)
        response = _empty_response(request)
        response.version = self._aiohttp.HttpVersion11
        response.status = played.status
        response.reason = reason_of(played.status)
        response._headers = _headers(played.headers)
        response._raw_headers = tuple(
            (name.encode(), value.encode("utf-8", "surrogateescape"))
            for name, value in played.headers
        )
        response.content = self._readers.played(played, request)
        response._closed = False
        response.content.on_eof(response._response_eof)
        return response

    def _tee(self, response: Any, live: LiveExchange) -> Any:
        encoding = response.headers.get("Content-Encoding", "")
        live.started(
            response.status,
            response.reason or "",
            [(name.lower(), value) for name, value in response.headers.items()],
            None if self._is_unpacked else decoder(encoding),
        )
        if response.content.at_eof():
            live.ended(complete=True)
        else:
            is_chunked = "chunked" in response.headers.get("Transfer-Encoding", "").lower()
            response.content = self._readers.teed(response.content, live, is_chunked)
        return response


@dataclass(frozen=True, slots=True)
class _Readers:
    """The bodies of answers: one that is given from a recording, and one that is kept."""

    played: Callable[[Played, Any], Any]
    teed: Callable[[Any, LiveExchange, bool], Any]


def _reader_class(aiohttp: Any) -> Any:
    class Reader(aiohttp.StreamReader):  # type: ignore[misc]  # base known at run time
        """A body whose next piece is asked for when the application waits for it."""

        async def _wait(self, func_name: str) -> None:
            await self._pull()

        def _give(self, piece: bytes, *, ends_chunk: bool) -> None:
            self.feed_data(piece)
            if ends_chunk:
                self.end_http_chunk_receiving()

    return Reader


def _played_reader(aiohttp: Any, reader: Any) -> Any:
    class PlayedReader(reader):  # type: ignore[misc]  # base known at run time
        """Gives the recorded pieces, and then the error that the client met where it met one."""

        def __init__(self, played: Played, request: Any) -> None:
            super().__init__(_NoConnection(), request.session._read_bufsize, loop=request.loop)
            self.begin_http_chunk_receiving()
            self._played = played
            self._request = request
            self._left = played.timed()
            self._next = next(self._left)

        async def _pull(self) -> None:
            pause_s, piece = self._next
            if pause_s > 0:
                await self._played.clock.wait_async(pause_s)
            self._next = next(self._left, (0.0, b""))  # not before: a wait may be cancelled
            if piece:
                self._give(piece, ends_chunk=True)
            else:
                failure = self._played.broken_by()
                if failure is not None:
                    raise _error_of(aiohttp, failure, self._request)
            if not self._next[1] and self._played.is_whole:
                self.feed_eof()

    return PlayedReader


def _teed_reader(aiohttp: Any, reader: Any) -> Any:
    class TeedReader(reader):  # type: ignore[misc]  # base known at run time
        """Hands each piece on as it comes, and keeps a copy."""

        def __init__(self, inner: Any, live: LiveExchange, is_chunked: bool) -> None:
            super().__init__(_NoConnection(), inner.get_read_buffer_limits()[0], loop=inner._loop)
            if is_chunked:
                self.begin_http_chunk_receiving()
            self._inner = inner
            self._live = live
            self._is_chunked = is_chunked

        async def _pull(self) -> None:
            try:
                piece, ends_chunk = await self._inner.readchunk()
            except BaseException as error:
                self._live.failed(error, _wire_errors(aiohttp))
                raise
            if piece:
                self._live.received(piece)
            self._give(piece, ends_chunk=ends_chunk and self._is_chunked)
            if self._inner.at_eof():
                self.feed_eof()
                self._live.ended(complete=True)

        def set_exception(self, *error: Any) -> None:
            """End the reading: an answer that is closed tells so by an error for who reads on."""
            super().set_exception(*error)
            self._live.ended(complete=False)

    return TeedReader


class _NoConnection:
    """What a body that comes from no socket has in place of a protocol."""

    connected = True
    _reading_paused = False

    def pause_reading(self) -> None:
        """Do nothing: there is nobody to hold up."""

    def resume_reading(self, resume_parser: bool = True) -> None:
        """Do nothing: nobody was held up."""


def _wire_errors(aiohttp: Any) -> tuple[type[Exception], ...]:
    return (aiohttp.ClientError, OSError)  # a TimeoutError is an OSError


def _error_of(aiohttp: Any, failure: Failure, request: Any) -> Exception:
    """Return the error that the live client raised, of the class of the same name."""
    if failure.error == "TimeoutError":
        return TimeoutError(*filter(None, [failure.message]))
    kind = getattr(aiohttp, failure.error, None)
    if not (isinstance(kind, type) and issubclass(kind, aiohttp.ClientError)):
        kind = _nearest_kind(aiohttp, failure.error)
    error: Exception
    if issubclass(kind, aiohttp.ClientConnectorError):
        # Its text is made of the address and of a reason, which stands in brackets at the end.
        reason = failure.message.partition(" [")[2].removesuffix("]")
        error = kind(request.connection_key, OSError(None, reason or failure.message))
    elif issubclass(kind, aiohttp.ClientResponseError):
        told = _RESPONSE_ERROR.match(failure.message)
        status, message = (int(told[1]), literal_eval(told[2])) if told else (0, failure.message)
        error = kind(request.request_info, (), status=status, message=message)
    elif issubclass(kind, aiohttp.ClientOSError):
        error = kind(*os_error_arguments(failure.message))
    else:
        error = kind(failure.message)
    return error


def _nearest_kind(aiohttp: Any, name: str) -> Any:
    """Return aiohttp's class for what another library met."""
    if "Timeout" in name:
        is_connecting = "Connect" in name
        return aiohttp.ConnectionTimeoutError if is_connecting else aiohttp.SocketTimeoutError
    return aiohttp.ClientConnectorError if "Connect" in name else aiohttp.ClientConnectionError


def _empty_response(request: Any) -> Any:
    """Return an answer without head and body, as aiohttp makes it when a request has been sent."""
    response_class = request.response_class
    newer = {}
    if "stream_writer" in inspect.signature(response_class.__init__).parameters:
        newer = {"stream_writer": SimpleNamespace(output_size=0)}
    return response_class(
        request.method,
        request.original_url,
        writer=None,
        continue100=None,
        timer=request._timer,
        request_info=request.request_info,
        traces=request._traces,
        loop=request.loop,
        session=request.session,
        **newer,
    )


def _headers(headers: Sequence[tuple[str, str]]) -> Any:
    from multidict import CIMultiDict, CIMultiDictProxy  # comes with aiohttp

    return CIMultiDictProxy(CIMultiDict(headers))
