"""Decoding: what stands in a text in base64, hex, Morse and their like, decoded.

Each part is decoded once, and what it says again, twice in all. A part that decodes to no text is
left out: it may be an image, or a word that happens to look like base64. Text may be UTF-8, UTF-16
or one byte a letter.
"""

import base64
import binascii
import codecs
import html
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple
from urllib.parse import unquote

from pytest_llmprod.core.encoders import MORSE_LETTERS
from pytest_llmprod.core.told import text_of, unpacked
from pytest_llmprod.guardrails.reading import Reading


class Decoded(NamedTuple):
    """What `text[start:end]` says, and in which encoding."""

    encoding: str
    start: int
    end: int
    said: str


_STANDARD = str.maketrans("-_", "+/", "\r\n")


def _base64(part: str) -> str:
    plain = part.rstrip("=").translate(_STANDARD)
    plain = plain[: len(plain) - (len(plain) % 4 == 1)]
    return text_of(unpacked(base64.b64decode(plain + "=" * (-len(plain) % 4)))) or ""


def _hex(part: str) -> str:
    return text_of(bytes.fromhex(part)) or ""


def _morse(part: str) -> str:
    words = (word.split() for word in part.split("/"))
    return " ".join("".join(MORSE_LETTERS.get(sign, "").lower() for sign in word) for word in words)


def _escapes(part: str) -> str:
    return codecs.decode(part, "unicode_escape")


#: What a text must hold for a way to be tried: none of these is in most texts.
_SHORTEST_CODE = 16  # of base64 and hex, which have no hint
# Also in lines, as PEM and MIME wrap it.
_BASE64 = re.compile(
    r"(?<![A-Za-z0-9+/_-])(?:(?:(?:[A-Za-z0-9+/]{76}|[A-Za-z0-9+/]{64})\r?\n)++[A-Za-z0-9+/]*+"
    r"|[A-Za-z0-9+/_-]{16,}+)={0,2}"
)
_MORSE_HINTS = (". .", ". -", "- .", "- -", ". / ", "- / ")
_WAYS: tuple[tuple[str, tuple[str, ...], re.Pattern[str], Callable[[str], str]], ...] = (
    ("base64", (), _BASE64, _base64),
    ("hex", (), re.compile(r"(?<![0-9A-Za-z])(?:[0-9A-Fa-f]{2}){8,}+(?![0-9A-Za-z])"), _hex),
    ("morse", _MORSE_HINTS, re.compile(r"(?<![.\-/])[.-]{1,7}(?:(?: / | )[.-]{1,7}){7,}+"), _morse),
    (
        "percent",
        ("%",),
        re.compile(r"(?<![\w.~!*'()%-])[\w.~!*'()-]*+(?:%[0-9A-Fa-f]{2}[\w.~!*'()-]*+){2,}+"),
        unquote,
    ),
    ("entities", ("&",), re.compile(r"(?:&#?\w{1,8};){4,}+"), html.unescape),
    ("escapes", ("\\u",), re.compile(r"(?:\\u[0-9A-Fa-f]{4}){4,}+"), _escapes),
)


def decoded_parts(text: str) -> Iterator[Decoded]:
    """Yield what stands in a text in another encoding."""
    has_long_words = max(map(len, text.split()), default=0) >= _SHORTEST_CODE
    for name, hints, pattern, decode in _WAYS:
        if not (any(hint in text for hint in hints) if hints else has_long_words):
            continue
        for match in pattern.finditer(text):
            try:
                said = decode(match[0])
            except (ValueError, binascii.Error):
                continue
            if said:
                yield Decoded(name, *match.span(), said)


_LEET = str.maketrans("430157@$", "aeoistas")
# Letters that come next to each other in nearly every order to a model, in small letters.
_TELLING = (
    *("ignor", "instruct", "previous", "prompt", "system", "you are", "forget", "reveal", "answer"),
    *("administ", "developer", "pretend", "assistant", "document", "the tool", "do what"),
)
_IN_ROT13 = tuple(codecs.encode(word, "rot13") for word in _TELLING)
_REVERSED = tuple(word[::-1] for word in _TELLING)


def deciphered(reading: Reading, lower: str) -> Iterator[tuple[str, Reading]]:
    """Yield a reading as ROT13, leet or reversed text, where it holds telling words so."""
    text = reading.text
    if any(word in lower for word in _IN_ROT13):
        yield "rot13", Reading(codecs.encode(text, "rot13"), reading.span)
    plain = lower.translate(_LEET)
    if any(word in plain and word not in lower for word in _TELLING):
        yield "leet", Reading(text.translate(_LEET), reading.span)
    if any(word in lower for word in _REVERSED):
        length = len(text)
        yield (
            "reversed",
            Reading(text[::-1], lambda start, end: reading.span(length - end, length - start)),
        )
