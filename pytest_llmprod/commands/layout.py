"""Layout: how commands print what they found, in 80 columns."""

import textwrap
from collections.abc import Iterator
from itertools import zip_longest

from pytest_llmprod.core.text import shorten
from pytest_llmprod.report.layout import COLUMNS


def beside(indent: int, name: str, text: str) -> Iterator[str]:
    """Yield at most three lines: a name, and beside it a text that begins at column `indent`."""
    lines = textwrap.wrap(text, COLUMNS - indent, max_lines=3, placeholder=" ...")
    for head, line in zip_longest([name], lines, fillvalue=""):
        yield shorten(f"  {head:<{indent - 2}}{line}", COLUMNS)
