"""Encoders: ways to write a text so that a filter does not see it, each with its inverse."""

import base64
import codecs
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


def _same(text: str) -> str:
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoder:
    """One way to write a text: `decode(encode(text)) == keeps(text)`, for every text.

    `keeps` is what the way can hold of a text: Morse has no small letters, the others hold all.
    `is_told` says whether a reader must be told what it is to understand it.
    """

    encode: Callable[[str], str]
    decode: Callable[[str], str]
    keeps: Callable[[str], str] = _same
    is_told: bool = True


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _text(content: bytes) -> str:
    return content.decode("utf-8", "surrogatepass")


def _swap(pairs: Mapping[str, str]) -> Encoder:
    """Return an encoder that swaps characters, and therefore is its own inverse."""
    table = str.maketrans({**pairs, **{value: key for key, value in pairs.items()}})

    def swap(text: str) -> str:
        return text.translate(table)

    return Encoder(encode=swap, decode=swap, is_told=False)


_BITS = "\u200b\u200c"


def _to_zero_width(text: str) -> str:
    bits = "".join(f"{byte:08b}" for byte in _bytes(text))
    return bits.translate(str.maketrans("01", _BITS))


def _from_zero_width(text: str) -> str:
    bits = text.translate(str.maketrans(_BITS, "01"))
    return _text(bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8)))


_MORSE = (
    "A.- B-... C-.-. D-.. E. F..-. G--. H.... I.. J.--- K-.- L.-.. M-- N-. O--- P.--. Q--.- R.-. "
    "S... T- U..- V...- W.-- X-..- Y-.-- Z--.. 0----- 1.---- 2..--- 3...-- 4....- 5..... 6-.... "
    "7--... 8---.. 9----. ..-.-.- ,--..-- ?..--.. '.----. !-.-.-- /-..-. (-.--. )-.--.- &.-... "
    ':---... ;-.-.-. =-...- +.-.-. --....- _..--.- ".-..-. $...-..- @.--.-.'
)
_MORSE_SIGNS = {each[0]: each[1:] for each in _MORSE.split()}
#: What each sign of Morse stands for, in capital letters.
MORSE_LETTERS = {sign: letter for letter, sign in _MORSE_SIGNS.items()}


def _morse_keeps(text: str) -> str:
    kept = (char if char in _MORSE_SIGNS else " " for char in text.upper())
    return " ".join("".join(kept).split())


def _to_morse(text: str) -> str:
    words = _morse_keeps(text).split()
    return " / ".join(" ".join(_MORSE_SIGNS[char] for char in word) for word in words)


def _from_morse(text: str) -> str:
    words = (word.split() for word in text.split("/"))
    return " ".join("".join(MORSE_LETTERS[sign] for sign in word) for word in words if word)


_CYRILLIC = dict(zip("aceopxyABCEHKMOPTX", "асеорхуАВСЕНКМОРТХ", strict=True))  # noqa: RUF001
_TAGS = {chr(code): chr(0xE0000 + code) for code in range(0x20, 0x7F)}
#: Turns a letter of Cyrillic, or a tag, into the letter of Latin that it stands for.
TO_LATIN = str.maketrans(
    {other: letter for table in (_CYRILLIC, _TAGS) for letter, other in table.items()}
)

ENCODERS: Mapping[str, Encoder] = {
    "base64": Encoder(
        encode=lambda text: base64.b64encode(_bytes(text)).decode(),
        decode=lambda text: _text(base64.b64decode(text)),
    ),
    "hex": Encoder(
        encode=lambda text: _bytes(text).hex(), decode=lambda text: _text(bytes.fromhex(text))
    ),
    "rot13": Encoder(
        encode=lambda text: codecs.encode(text, "rot13"),
        decode=lambda text: codecs.decode(text, "rot13"),
    ),
    "leet": _swap({"a": "4", "e": "3", "i": "1", "o": "0", "s": "5", "t": "7"}),
    "morse": Encoder(encode=_to_morse, decode=_from_morse, keeps=_morse_keeps),
    "tags": _swap(_TAGS),
    "homoglyphs": _swap(_CYRILLIC),
    "zero width": Encoder(encode=_to_zero_width, decode=_from_zero_width),
    "reversed": Encoder(encode=lambda text: text[::-1], decode=lambda text: text[::-1]),
}
PLAIN = "plain"
#: What `encoding` of the attacks may name.
ENCODINGS = (PLAIN, *ENCODERS)


def encoded(text: str, chain: Sequence[str]) -> str:
    """Return `text` after the encoders of a chain, the first one first."""
    for name in chain:
        text = ENCODERS[name].encode(text)
    return text


def decoded(text: str, chain: Sequence[str]) -> str:
    """Return what was encoded by a chain, as far as its first encoder keeps it."""
    for name in reversed(chain):
        text = ENCODERS[name].decode(text)
    return text


def kept(text: str, chain: Sequence[str]) -> str:
    """Return what `decoded(encoded(text, chain), chain)` is: only the first way may lose anything.

    >>> kept("one,\\ntwo", ["morse", "base64"])
    'ONE, TWO'
    """
    return ENCODERS[chain[0]].keeps(text) if chain else text


def may_follow(name: str) -> bool:
    """Say whether an encoder may come second: it must keep all that the first one has written."""
    return ENCODERS[name].keeps is _same
