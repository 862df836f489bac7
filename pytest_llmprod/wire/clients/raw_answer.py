"""Raw answer: an answer as the bytes that a server sends, for what reads from a socket.

The standard library's reader stands on top, so that a client of it, urllib3, meets what it meets
live: chunks where there were chunks, and errors at the place where they occurred.
"""

import io
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any


def raw_answer(
    *,
    method: str,
    head: bytes,
    pieces: Iterator[bytes],
    is_chunked: bool,
    leave: Callable[[], None] = lambda: None,
) -> Any:
    """Return the `http.client.HTTPResponse` of an answer whose body comes in `pieces`.

    Each piece is asked for when the one before has been read. `leave` is called where nobody asks
    for the last one.
    """
    import http.client  # whoever wants one has imported it

    wire = _on_the_wire(head, pieces, is_chunked=is_chunked, leave=leave)
    raw = http.client.HTTPResponse(_Socket(wire), method=method)  # type: ignore[arg-type]  # all it asks of a socket is a file
    raw.begin()
    return raw


def head_of(status: int, reason: str, headers: Sequence[tuple[str, str]]) -> bytes:
    """Return the head of an answer as a server sends it."""
    lines = [f"HTTP/1.1 {status} {reason}", *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")


def _on_the_wire(
    head: bytes,
    pieces: Iterator[bytes],
    *,
    is_chunked: bool,
    leave: Callable[[], None],
) -> Generator[bytes, None, None]:
    """Yield the bytes of an answer as a server sends them."""
    try:
        yield head
        for piece in pieces:
            if piece:  # an empty chunk would be the last
                yield b"%x\r\n%b\r\n" % (len(piece), piece) if is_chunked else piece
        if is_chunked:
            yield b"0\r\n\r\n"
    except GeneratorExit:
        leave()
        raise


class _Socket:
    """A socket that gives the bytes of one answer."""

    def __init__(self, wire: Generator[bytes, None, None]) -> None:
        self._wire = wire

    def makefile(self, mode: str) -> io.BufferedReader:
        """Return the file from which http.client reads."""
        return io.BufferedReader(_WireFile(self._wire))


class _WireFile(io.RawIOBase):
    """Asks for the next bytes only when the last have been read."""

    def __init__(self, wire: Generator[bytes, None, None]) -> None:
        self._wire = wire
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._rest:
            self._rest = next(self._wire, b"")
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._wire.close()
