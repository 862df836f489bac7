"""Frames: bodies of AWS event streams as Bedrock sends them, made and read by botocore's rules."""

import base64
import json
import struct
from collections.abc import Sequence
from typing import Any
from zlib import crc32

KIND = "application/vnd.amazon.eventstream"


def frame(payload: bytes, **headers: str) -> bytes:
    """Return one frame; the names of headers begin with a colon on the wire."""
    head = b"".join(
        struct.pack(">B", len(name) + 1) + b":" + name.encode() + b"\7" + _sized(value.encode())
        for name, value in (headers or {"event": "contentBlockDelta"}).items()
    )
    lengths = struct.pack(">II", 16 + len(head) + len(payload), len(head))
    whole = lengths + struct.pack(">I", crc32(lengths)) + head + payload
    return whole + struct.pack(">I", crc32(whole))


def _sized(value: bytes) -> bytes:
    return struct.pack(">H", len(value)) + value


def converse(texts: Sequence[str]) -> bytes:
    """Return a stream of Converse that says these texts, one in each frame."""
    events: list[Any] = [{"contentBlockIndex": 0, "delta": {"text": text}} for text in texts]
    return b"".join(frame(json.dumps(event).encode()) for event in events)


def invoke(texts: Sequence[str]) -> bytes:
    """Return a stream of InvokeModel that says these texts in messages of Anthropic's."""
    events = [{"type": "content_block_delta", "delta": {"text": text}} for text in texts]
    inner = [base64.b64encode(json.dumps(event).encode()).decode() for event in events]
    payloads = [json.dumps({"bytes": each, "p": "abcd"}).encode() for each in inner]
    return b"".join(frame(payload) for payload in payloads)


def documents(content: bytes) -> list[Any]:
    """Return what the frames of a body hold, as botocore reads it: it checks each CRC."""
    from botocore.eventstream import EventStreamBuffer

    buffer = EventStreamBuffer()
    buffer.add_data(content)
    found = [json.loads(message.payload) for message in buffer]
    assert not buffer._data
    return [
        json.loads(base64.b64decode(each["bytes"])) if "bytes" in each else each for each in found
    ]
