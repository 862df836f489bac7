"""Layout: sentences and commands as the lines of a terminal."""

import shlex
from collections.abc import Sequence

from pytest_llmprod.core.text import shorten, width

COLUMNS = 80
_INDENT = "  "


def wrapped(sentence: str, most_lines: int = 2) -> list[str]:
    """Return `sentence` broken at spaces into at most `most_lines`, the later ones indented.

    What finds no room is cut, and `...` says so.
    """
    lines: list[str] = []
    line = ""
    words = sentence.split(" ")
    while words:
        grown = f"{line} {words[0]}" if line.strip() else line + words[0]
        if width(grown) > COLUMNS and line.strip() and len(lines) < most_lines - 1:
            lines.append(line)
            line = _INDENT
            continue
        line = grown
        del words[0]
        if width(line) > COLUMNS:
            break
    return [*(shorten(each, COLUMNS) for each in lines), shorten(line, COLUMNS)]


def command_lines(words: Sequence[str], lead: str = _INDENT) -> list[str]:
    """Return a command after `lead`, broken as a shell allows where it is too wide."""
    line = lead + shlex.join(words)
    if width(line) <= COLUMNS:
        return [line]
    *options, last_word = words
    start = [lead + options[0]]
    for option in map(shlex.quote, options[1:]):
        if width(start[-1]) + width(option) + len("  \\") <= COLUMNS:
            start[-1] += f" {option}"
        else:
            start.append(f"    {option}")
    start = [f"{each} \\" for each in start]
    quoted = shlex.quote(last_word)
    if width(quoted) + 4 <= COLUMNS:
        return [*start, f"    {quoted}"]
    parts = [""]
    for char in last_word:
        if width(shlex.quote(parts[-1] + char)) >= COLUMNS:
            parts.append("")
        parts[-1] += char
    # Parts of one word must not be indented.
    *others, last = [shlex.quote(part) for part in parts]
    return [*start, *(f"{part}\\" for part in others), last]
