"""Obfuscation: personal data written so that a person still reads it, and a pattern does not."""

from collections.abc import Callable, Mapping

_INVISIBLE = [chr(code) for code in (0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0xAD)]
_WIDE = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
_SIGNS = {"@": " at ", ".": " dot ", "+": " plus ", "-": " dash ", ":": " colon "}
_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def _zero_width(text: str, number: int) -> str:
    """Put one invisible character between two others."""
    place, which = divmod(number, len(_INVISIBLE))
    at = 1 + place % max(len(text) - 1, 1)
    return f"{text[:at]}{_INVISIBLE[which]}{text[at:]}"


def _spaced(text: str, _: int) -> str:
    return " ".join(char for char in text if not char.isspace())


def _full_width(text: str, _: int) -> str:
    return text.translate(_WIDE)


def _spelled_out(text: str, _: int) -> str:
    """Write signs as words, and digits too where there are no letters."""
    if any(char.isalpha() for char in text):
        return "".join(_SIGNS.get(char, char) if char in "@." else char for char in text)
    words = (_DIGITS[int(char)] if char.isdigit() else _SIGNS.get(char, "") for char in text)
    return " ".join(word.strip() for word in words if word.strip())


#: The ways, the plain one first. Each gets the text and a number that says where.
_WAYS: Mapping[str, Callable[[str, int], str]] = {
    "plain": lambda text, _: text,
    "zero width": _zero_width,
    "full width": _full_width,
    "spaced": _spaced,
    "spelled out": _spelled_out,
}
OBFUSCATIONS = tuple(_WAYS)
#: More numbers do not make more places, even in the longest value.
PLACES = 64 * len(_INVISIBLE)
_SPELLED_OUT = ("email", "phone", "card", "ip", "national_id")


def ways_of(kind: str, wanted: tuple[str, ...]) -> tuple[str, ...]:
    """Return which of the wanted ways a kind of personal data can be written in."""
    return tuple(way for way in wanted if way != "spelled out" or kind in _SPELLED_OUT)


def obfuscated(text: str, way: str, number: int) -> str:
    """Return `text` written in a way."""
    return _WAYS[way](text, number)
