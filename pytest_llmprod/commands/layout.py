"""Layout: how commands print what they found, in 80 columns."""

import re
import sys
import textwrap
from collections.abc import Iterator
from itertools import zip_longest

from pytest_llmprod.core.text import shorten, width
from pytest_llmprod.report.layout import COLUMNS


def print_error(text: str) -> None:
    """Print what went wrong to stderr; on a terminal in lines of 80 columns."""
    lead = f"llmprod: {text}"
    lines = lead.split("\n")
    if sys.stderr.isatty():
        lines = [part for line in lines for part in broken(line)]
    print("\n".join(lines), file=sys.stderr)


def broken(line: str) -> list[str]:
    """Return a line in as many as it needs, the later ones indented; nothing of it is cut.

    Words stay whole, and so does a command in back quotes. What is indented already is a command,
    or a part of a table, and stays as it is.
    """
    if line.startswith(" ") or width(line) <= COLUMNS:
        return [line]
    lines = [""]
    for word in re.findall(r"`[^`]+`\S*|\S+", line):
        grown = f"{lines[-1]} {word}" if lines[-1].strip() else lines[-1] + word
        if width(grown) > COLUMNS and lines[-1].strip():
            grown = f"  {word}"
            lines.append("")
        lines[-1] = grown
    return lines


def beside(indent: int, name: str, text: str) -> Iterator[str]:
    """Yield at most three lines: a name, and beside it a text that begins at column `indent`."""
    lines = textwrap.wrap(text, COLUMNS - indent, max_lines=3, placeholder=" ...")
    for head, line in zip_longest([name], lines, fillvalue=""):
        yield shorten(f"  {head:<{indent - 2}}{line}", COLUMNS)
