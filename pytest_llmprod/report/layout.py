"""Layout: sentences and commands as the lines of a terminal."""

import re
import shlex
from collections.abc import Sequence

from pytest_llmprod.core.text import shorten, width

COLUMNS = 80
_INDENT = "  "


def wrapped(sentence: str, most_lines: int = 2, indent: str = "") -> list[str]:
    """Return `sentence` broken at spaces into at most `most_lines`, the later ones indented.

    All are indented by `indent`. What finds no room is cut, and `...` says so.
    """
    lines: list[str] = []
    line = indent
    words = sentence.split(" ")
    while words:
        grown = f"{line} {words[0]}" if line.strip() else line + words[0]
        if width(grown) > COLUMNS and line.strip() and len(lines) < most_lines - 1:
            lines.append(line)
            line = indent + _INDENT
            continue
        line = grown
        del words[0]
        if width(line) > COLUMNS:
            break
    return [*(shorten(each, COLUMNS) for each in lines), shorten(line, COLUMNS)]


def short_name(name: str, columns: int, names: Sequence[str]) -> str:
    """Return `name` cut to `columns`: at its end, or in the middle where others begin like it.

    `names` are those from which it is to be told, itself included.
    """
    short = shorten(name, columns)
    is_told = all(other == name or shorten(other, columns) != short for other in names)
    if is_told or columns < len("a...b"):
        return short
    end = (columns - len("...")) // 2
    tail = shorten(name[::-1], end + len("..."))[::-1].removeprefix("...")
    return shorten(name, columns - width(tail)) + tail


def command_lines(words: Sequence[str], lead: str = _INDENT) -> list[str]:
    """Return a command after `lead`, broken as a shell allows where it is too wide."""
    line = lead + shlex.join(words)
    if width(line) <= COLUMNS:
        return [line]
    first, *others = _units(words)
    lines = [lead + first]
    for number, unit in enumerate(others, 1):
        end = "" if number == len(others) else " \\"
        if width(f"{lines[-1]} {unit}{end}") <= COLUMNS:
            lines[-1] += f" {unit}"
        else:
            lines.append(f"    {unit}")
    *start, last = lines
    parts = [last]
    if width(last) > COLUMNS and len(words) > 1:
        before = last.strip().removesuffix(shlex.quote(words[-1]))
        start += [f"    {before.strip()}"] if before else []
        parts = _parts(words[-1])
    return [*(f"{each} \\" for each in start), *(f"{each}\\" for each in parts[:-1]), parts[-1]]


def _units(words: Sequence[str]) -> list[str]:
    """Return the words of a command, quoted, each with the short option whose value it is."""
    units: list[str] = []
    for number, word in enumerate(words):
        is_value = number > 1 and re.fullmatch("-[a-z]", words[number - 1])
        if is_value:
            units[-1] += f" {shlex.quote(word)}"
        else:
            units.append(shlex.quote(word))
    return units


def _parts(word: str) -> list[str]:
    """Return a word in quoted pieces as wide as a line; such must not be indented."""
    parts = [""]
    for char in word:
        if width(shlex.quote(parts[-1] + char)) >= COLUMNS:
            parts.append("")
        parts[-1] += char
    return [shlex.quote(part) for part in parts]
