"""Encoded: the shapes of secrets in base64 and in percent-encoded text.

Only what is stored and what stands in a file is searched so: every request that is replayed would
pay for it, and what is found must never decide by which key a request finds its recording.
"""

import base64
import re
from collections.abc import Iterator
from urllib.parse import unquote, unquote_plus

from pytest_llmprod.core.scanning import Finding
from pytest_llmprod.core.secret_shapes import find_key_shapes, find_named_values

_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{24,}={0,2}")
# As PEM and MIME wrap it, at 64 or 76 columns.
_WRAPPED = re.compile(
    r"(?<![A-Za-z0-9+/])(?:(?:[A-Za-z0-9+/]{76}|[A-Za-z0-9+/]{64})\r?\n)+[A-Za-z0-9+/]+={0,2}"
)
_MOST_SEGMENTS = 8
_URL_PART = re.compile(r"[\w.~+%:/@*-]{16,}")


def find_encoded(text: str) -> Iterator[Finding]:
    """Find the shapes of secrets in base64 and in percent-encoded text.

    Base64 is searched only where it holds text: bytes of an image may look like anything.
    """
    for match in _BASE64.finditer(text):
        yield from _in_path(match[0].rstrip("="), match.start())
    if "\n" in text:
        for match in _WRAPPED.finditer(text):
            whole = match[0].replace("\r", "").replace("\n", "").rstrip("=")
            for finding in _in_base64(whole, 0):
                yield Finding(finding.kind, match.start(), match.end())
    if "%" in text:
        for match in _URL_PART.finditer(text):
            if "%" in match[0]:
                for plain in (unquote(match[0]), unquote_plus(match[0])):
                    for finding in _shapes(plain):
                        yield Finding(finding.kind, match.start(), match.end())


def _in_path(encoded: str, at: int) -> Iterator[Finding]:
    """Find the shapes in base64, which may stand behind some segments of a path."""
    start = 0
    for _ in range(_MOST_SEGMENTS):
        yield from _in_base64(encoded[start:], at + start)
        start = encoded.find("/", start) + 1
        if not start:
            return


def _in_base64(encoded: str, at: int) -> Iterator[Finding]:
    encoded = encoded[: len(encoded) - (len(encoded) % 4 == 1)]
    standard = encoded.replace("-", "+").replace("_", "/") + "=" * (-len(encoded) % 4)
    try:
        decoded = base64.b64decode(standard).decode()
    except UnicodeDecodeError:
        return
    is_ascii = decoded.isascii()
    for kind, start, end in _shapes(decoded):
        first, last = start, end
        if not is_ascii:
            first, last = (len(decoded[:position].encode()) for position in (start, end))
        yield Finding(kind, at + first * 4 // 3, at + min(len(encoded), -(-last * 4 // 3)))


def _shapes(text: str) -> Iterator[Finding]:
    yield from find_key_shapes(text)
    yield from find_named_values(text)
