"""Streams: bodies that are handed on as they come, or given from a recording."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from pytest_llmprod.wire.clock import wait, wait_async
from pytest_llmprod.wire.live import LiveExchange
from pytest_llmprod.wire.recording import Failure
from pytest_llmprod.wire.switch import Played


@dataclass(frozen=True, slots=True)
class StreamClasses:
    """The stream types of one HTTP library: a tee for each colour, and a recorded stream."""

    sync: Any
    asynchronous: Any
    replayed: Any


def stream_classes(http: ModuleType) -> StreamClasses:
    """Make the stream types for `http`; its clients insist on subclasses of their own."""

    class TeedStream(http.SyncByteStream):  # type: ignore[misc,name-defined]  # base known at run time
        """Hands each piece on as it comes, and keeps a copy."""

        def __init__(self, inner: Any, live: LiveExchange) -> None:
            self._inner = inner
            self._live = live

        def __iter__(self) -> Iterator[bytes]:
            try:
                for chunk in self._inner:
                    self._live.received(chunk)
                    yield chunk
            except GeneratorExit:  # the caller has read enough; close() follows
                raise
            except BaseException as error:
                note_failure(http, self._live, error)
                raise
            self._live.ended(complete=True)

        def close(self) -> None:
            self._inner.close()
            self._live.ended(complete=False)

    class TeedAsyncStream(http.AsyncByteStream):  # type: ignore[misc,name-defined]  # base known at run time
        """Hands each piece on as it comes, and keeps a copy."""

        def __init__(self, inner: Any, live: LiveExchange) -> None:
            self._inner = inner
            self._live = live

        async def __aiter__(self) -> AsyncIterator[bytes]:
            try:
                async for chunk in self._inner:
                    self._live.received(chunk)
                    yield chunk
            except GeneratorExit:  # the caller has read enough; aclose() follows
                raise
            except BaseException as error:
                note_failure(http, self._live, error)
                raise
            self._live.ended(complete=True)

        async def aclose(self) -> None:
            await self._inner.aclose()
            self._live.ended(complete=False)

    class ReplayedStream(http.SyncByteStream, http.AsyncByteStream):  # type: ignore[misc,name-defined]  # base known at run time
        """Gives the recorded pieces, and then the error that the client met where it met one."""

        def __init__(self, played: Played, request: Any) -> None:
            self._played = played
            self._request = request

        def __iter__(self) -> Iterator[bytes]:
            before_s = 0.0
            for t, piece in self._played.pieces:
                wait(t - before_s)
                before_s = t
                yield piece
            if self._played.failure is not None:
                wait(self._played.ends_s - before_s)
                raise error_of(http, self._played.failure, self._request)

        async def __aiter__(self) -> AsyncIterator[bytes]:
            before_s = 0.0
            for t, piece in self._played.pieces:
                if t > before_s:
                    await wait_async(t - before_s)
                    before_s = t
                yield piece
            if self._played.failure is not None:
                await wait_async(self._played.ends_s - before_s)
                raise error_of(http, self._played.failure, self._request)

    return StreamClasses(TeedStream, TeedAsyncStream, ReplayedStream)


def note_failure(http: ModuleType, live: LiveExchange, error: BaseException) -> None:
    """Record an error of the wire; one of the application, or a cancellation, is none."""
    if isinstance(error, http.TransportError):
        live.broke(type(error).__name__, str(error))
    else:
        live.dropped()


def error_of(http: ModuleType, failure: Failure, request: Any) -> Exception:
    """Return the error that the live client raised, of the class of the same name."""
    kind = getattr(http, failure.error, None)
    if not (isinstance(kind, type) and issubclass(kind, http.TransportError)):
        kind = http.TransportError
    error: Exception = kind(failure.message, request=request)
    return error
