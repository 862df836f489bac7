"""Streams: bodies that are handed on as they come, or given from a recording."""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from pytest_llmprod.wire.live import LiveExchange


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
            except BaseException:
                self._live.failed()
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
            except BaseException:
                self._live.failed()
                raise
            self._live.ended(complete=True)

        async def aclose(self) -> None:
            await self._inner.aclose()
            self._live.ended(complete=False)

    class ReplayedStream(http.SyncByteStream, http.AsyncByteStream):  # type: ignore[misc,name-defined]  # base known at run time
        """Gives the recorded events, one piece for each."""

        def __init__(self, chunks: Sequence[bytes]) -> None:
            self._chunks = chunks

        def __iter__(self) -> Iterator[bytes]:
            yield from self._chunks

        async def __aiter__(self) -> AsyncIterator[bytes]:
            for chunk in self._chunks:
                yield chunk

    return StreamClasses(TeedStream, TeedAsyncStream, ReplayedStream)
