"""Text: what came from a model or a file, made safe and short enough to print.

Model output is hostile: it may hold control sequences that move the cursor, direction marks that
reorder what a reader sees, and lone surrogates that no terminal can encode.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

_NUMBERS = re.compile("([0-9]+)")
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def printable(text: str) -> str:
    """Return `text` on one line, with white space folded and every unprintable character escaped.

    >>> printable("red\\x1b[31m  alert\\n")
    'red\\\\x1b[31m alert'
    """
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    folded = " ".join(text.split())
    return "".join(_escape(char) for char in folded)


def escaped(text: str) -> str:
    """Return `text` with every unprintable character escaped, and its spaces as they are."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_escape, text))


def error_text(error: BaseException) -> str:
    """Return the text of an exception, whatever its `__str__` does."""
    try:
        return str(error)
    except Exception as problem:
        return f"(its text cannot be had: {type(problem).__name__})"


def natural(text: str) -> tuple[list[tuple[int, str]], str]:
    """Return a key that sorts texts as people do, each number in them by its value.

    >>> sorted(["m-10", "m-2", "m-1"], key=natural)
    ['m-1', 'm-2', 'm-10']
    """
    parts = _NUMBERS.split(text)  # a text, a number, a text, and so on
    parts[1::2] = [number.lstrip("0") for number in parts[1::2]]
    # The longer number is the larger one; int() would refuse one of thousands of digits.
    return [(len(part) if at % 2 else 0, part) for at, part in enumerate(parts)], text


def _escape(char: str) -> str:
    if unicodedata.category(char) not in _INVISIBLE:
        return char
    return (
        char.encode("ascii", "backslashreplace").decode("ascii")
        if ord(char) > 127
        else (f"\\x{ord(char):02x}")
    )


def width(text: str) -> int:
    """Return how many terminal columns `text` takes; wide East Asian characters take two."""
    if text.isascii():
        return len(text)
    return sum(_char_width(char) for char in text)


def _char_width(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def shorten(text: str, columns: int) -> str:
    """Return `text`, cut to `columns` terminal columns with `...` where something is missing."""
    if width(text) <= columns:
        return text
    if columns < 3:
        return "." * columns
    kept: list[str] = []
    room = columns - 3
    for char in text:
        room -= _char_width(char)
        if room < 0:
            break
        kept.append(char)
    return "".join(kept) + "..."


def counted(number: int, noun: str) -> str:
    """Return `1 file`, `2 files`, and so on with other nouns that take an s."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


_STRAIGHT = str.maketrans("\u2018\u2019\u201c\u201d", "''\"\"")


def folded(text: str) -> str:
    """Return `text` in NFKC, with straight quotes and without format characters.

    >>> folded("I\u2019m\u200b sorry")
    "I'm sorry"
    """
    if text.isascii():
        return text
    read = unicodedata.normalize("NFKC", text).translate(_STRAIGHT)
    return "".join(char for char in read if unicodedata.category(char) != "Cf")


_NOT_READ = {code: None for code in range(128) if not (chr(code).isalnum() or chr(code) == "@")}


def squeezed(text: str) -> str:
    """Return the letters, digits and `@` of `text`, as one reads them who looks for a value in it.

    Unicode forms, case and the digits of all scripts are folded; spaces, punctuation and what
    nobody sees are left out.

    >>> squeezed("4000\\u200b-00\\uff10\\uff10 Ana@EXAMPLE.com")
    '40000000ana@examplecom'
    """
    if text.isascii():
        return text.lower().translate(_NOT_READ)
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(_digit(char) for char in folded if char.isalnum() or char == "@")


def _digit(char: str) -> str:
    value = unicodedata.decimal(char, None)
    return char if value is None else str(value)


def strings_in(value: Any) -> Iterator[str]:
    """Yield the strings in a JSON value in their order, without the names of its members."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from strings_in(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from strings_in(each)
