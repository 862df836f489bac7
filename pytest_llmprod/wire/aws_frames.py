"""AWS frames: how is a body of `application/vnd.amazon.eventstream` taken apart and put together?

A frame has a prelude (its length, that of its headers, and a CRC of these two), headers, a payload,
and a CRC of all that: https://smithy.io/2.0/aws/amazon-eventstream.html. What a model says stands
in the payloads, in a stream of Bedrock's InvokeModel once more as base64 in their member `bytes`.
"""

import base64
import binascii
import json
from collections.abc import Sequence
from struct import Struct
from typing import Any, NamedTuple
from zlib import crc32

_LENGTHS = Struct(">II")
_CRC = Struct(">I")
_PRELUDE = _LENGTHS.size + _CRC.size
_INNER = "bytes"


class Frame(NamedTuple):
    """One frame: all its bytes, and two parts of them."""

    content: bytes
    headers: bytes
    payload: bytes


def split(content: bytes) -> tuple[Sequence[Frame], bytes]:
    """Return the whole frames at the start of a body, and what follows them.

    What is no such body has no frames. A frame that was cut short is not whole.
    """
    frames: list[Frame] = []
    at = 0
    while (frame := _frame_at(content, at)) is not None:
        frames.append(frame)
        at += len(frame.content)
    return frames, content[at:]


def _frame_at(content: bytes, at: int) -> Frame | None:
    prelude = content[at : at + _PRELUDE]
    if len(prelude) < _PRELUDE or _CRC.pack(crc32(prelude[: _LENGTHS.size])) != prelude[-4:]:
        return None
    length, headers = _LENGTHS.unpack_from(prelude)
    if not _PRELUDE + headers + _CRC.size <= length <= len(content) - at:
        return None
    whole = content[at : at + length]
    start = _PRELUDE + headers
    return Frame(whole, whole[_PRELUDE:start], whole[start : -_CRC.size])


def text_of(frame: Frame) -> str:
    """Return what a frame says: its payload, or what stands as base64 in it."""
    inner = _inner(frame.payload)
    return (frame.payload if inner is None else inner[1]).decode("utf-8", "surrogateescape")


def with_text(frame: Frame, text: str) -> bytes:
    """Return the bytes of a frame that says `text` in place of what it said."""
    payload = text.encode("utf-8", "surrogateescape")
    inner = _inner(frame.payload)
    if inner is not None:
        document = {**inner[0], _INNER: base64.b64encode(payload).decode("ascii")}
        payload = json.dumps(document, separators=(",", ":")).encode()
    length = _PRELUDE + len(frame.headers) + len(payload) + _CRC.size
    lengths = _LENGTHS.pack(length, len(frame.headers))
    whole = lengths + _CRC.pack(crc32(lengths)) + frame.headers + payload
    return whole + _CRC.pack(crc32(whole))


def _inner(payload: bytes) -> tuple[dict[str, Any], bytes] | None:
    """Return a payload that holds another as base64, and that other one; None for the rest."""
    try:
        document = json.loads(payload)
        return document, base64.b64decode(document[_INNER], validate=True)
    except (ValueError, TypeError, LookupError, RecursionError, binascii.Error):
        return None
