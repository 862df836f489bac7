"""Codings: a body that was sent compressed, as its receiver reads it."""

import gzip
import sys
import zlib
from collections.abc import Callable, Iterable, Sequence

from pytest_llmprod.core.errors import CassetteError

_HEADER = "content-encoding"


def codings(headers: Iterable[tuple[str, str]]) -> list[str]:
    """Return what a header Content-Encoding says was done to the body, in this order."""
    values = [
        value
        for name, value in headers
        if len(name) == len(_HEADER) and name.lower() == _HEADER  # most differ in length already
    ]
    return [coding.strip().lower() for value in values for coding in value.split(",")]


def decompress(content: bytes, codings: Sequence[str]) -> bytes:
    """Return `content` with `codings`, in the order of the header Content-Encoding, undone.

    What is not whole or not compressed at all is returned as it is: many a tool stores the text
    and leaves the header standing. Raises CassetteError where the library for a coding is missing.
    """
    plain = content
    for coding in reversed(codings):
        if coding not in _UNDO:
            return content
        try:
            plain = _UNDO[coding](plain)
        except ValueError:
            return content
        except ImportError as error:
            if _is_text(plain):  # no compressed stream: the library would not help
                return content
            raise CassetteError(
                f"a body is compressed with {coding!r}, and there is no library that undoes it "
                f"({error}). Install one with `pip install 'pytest-llmprod[foreign]'`."
            ) from error
    return plain


def _is_text(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _gunzip(content: bytes) -> bytes:
    try:
        return gzip.decompress(content)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(str(error)) from error


def _inflate(content: bytes) -> bytes:
    try:
        return _inflate_whole(content, zlib.MAX_WBITS)
    except ValueError:  # some servers leave out the frame that the standard asks for
        return _inflate_whole(content, -zlib.MAX_WBITS)


def _inflate_whole(content: bytes, window: int) -> bytes:
    """Inflate one whole stream: the start of a text can look like the start of a stream."""
    inflater = zlib.decompressobj(window)
    try:
        plain = inflater.decompress(content)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if not inflater.eof or inflater.unused_data:
        raise ValueError("not one whole stream")
    return plain


def _unbrotli(content: bytes) -> bytes:
    import brotli  # optional: few cassettes hold such bodies

    try:
        plain: bytes = brotli.decompress(content)
    except brotli.error as error:
        raise ValueError(str(error)) from error
    return plain


def _unzstd(content: bytes) -> bytes:
    # Optional as brotli is, and of the standard library since Python 3.14.
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd

    try:
        return zstd.decompress(content)
    except zstd.ZstdError as error:
        raise ValueError(str(error)) from error


_UNDO: dict[str, Callable[[bytes], bytes]] = {
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "deflate": _inflate,
    "br": _unbrotli,
    "zstd": _unzstd,
}
