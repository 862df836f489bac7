"""Tee: the body of an answer is handed on as it comes, and a copy of it kept."""

from collections.abc import AsyncIterator, Iterable, Iterator

from pytest_llmprod.wire.live import LiveExchange


def tee(
    pieces: Iterable[bytes],
    live: LiveExchange,
    wire_errors: type[BaseException] | tuple[type[BaseException], ...],
) -> Iterator[bytes]:
    """Yield the pieces, and tell `live` of each, and of the end or the error that follows."""
    try:
        for piece in pieces:
            live.received(piece)
            yield piece
    except GeneratorExit:  # the caller has read enough, and closes the answer next
        raise
    except BaseException as error:
        live.failed(error, wire_errors)
        raise
    live.ended(complete=True)


async def tee_async(
    pieces: AsyncIterator[bytes],
    live: LiveExchange,
    wire_errors: type[BaseException] | tuple[type[BaseException], ...],
) -> AsyncIterator[bytes]:
    """Do as `tee` in a task."""
    try:
        async for piece in pieces:
            live.received(piece)
            yield piece
    except GeneratorExit:  # the caller has read enough, and closes the answer next
        raise
    except BaseException as error:
        live.failed(error, wire_errors)
        raise
    live.ended(complete=True)
