"""Regions: the marked parts of a Markdown file, which are renewed while all else stays.

A region stands between two lines of its own:

    <!-- llmprod:models -->
    <!-- /llmprod:models -->
"""

import re
from collections.abc import Collection, Mapping
from typing import NamedTuple

from pytest_llmprod.core.errors import HandoffError
from pytest_llmprod.core.text import printable, shorten

_MARK = re.compile(r"<!-- (/?)llmprod:(\S+) -->")
#: A line that somebody meant to be a mark. Nobody would renew what stands behind it.
_NEARLY = re.compile(r"(?i)<!--\s*/?\s*llmprod\s*:")
_LONGEST_LINE = 60


class Region(NamedTuple):
    """One region: its name, the number of its first mark's line, and what stands between."""

    name: str
    line: int
    lines: tuple[str, ...]


def start_of(name: str) -> str:
    """Return the line that begins a region."""
    return f"<!-- llmprod:{name} -->"


def end_of(name: str) -> str:
    """Return the line that ends a region."""
    return f"<!-- /llmprod:{name} -->"


def find(text: str, known: Collection[str], where: str) -> list[Region]:
    """Return the regions of a text in their order.

    `where` names the file. Raises HandoffError, with the line, where one is not among the `known`,
    has no end, or stands there twice, and for a mark that is damaged.
    """
    found: list[Region] = []
    name, first, body = "", 0, []
    for number, line in enumerate(text.splitlines(), 1):
        mark = _MARK.fullmatch(line.strip())
        if mark is None and _NEARLY.match(line.strip()):
            shown = shorten(printable(line.strip()), _LONGEST_LINE)
            raise HandoffError(
                f"{where}:{number}: {shown!r} is no mark. Write {start_of('NAME')} or "
                f"{end_of('NAME')}, alone on its line."
            )
        if mark is None:
            body.append(line)
            continue
        is_end, named = bool(mark[1]), mark[2]
        _refuse(is_end, named, name, {each.name for each in found}, known, f"{where}:{number}")
        if is_end:
            found.append(Region(name, first, tuple(body)))
            name = ""
        else:
            name, first, body = named, number, []
    if name:
        raise HandoffError(f"{where}:{first}: the region {name} has no end. Add {end_of(name)}")
    return found


def _refuse(
    is_end: bool, named: str, open_one: str, seen: set[str], known: Collection[str], where: str
) -> None:
    if is_end and named == open_one:
        return
    named = printable(named)
    if open_one:
        raise HandoffError(
            f"{where}: a mark of {named} stands inside of the region {open_one}. Add "
            f"{end_of(open_one)} before it."
        )
    if is_end:
        raise HandoffError(f"{where}: the region {named} ends and never began. Remove the line.")
    if named not in known:
        raise HandoffError(
            f"{where}: there is no region {named}. Known are {', '.join(sorted(known))}."
        )
    if named in seen:
        raise HandoffError(f"{where}: the region {named} stands there twice. Remove one.")


def outdated(found: Collection[Region], bodies: Mapping[str, str]) -> list[Region]:
    """Return the regions that do not hold what `bodies` has for them."""
    return [each for each in found if list(each.lines) != bodies[each.name].splitlines()]


def renew(text: str, bodies: Mapping[str, str]) -> str:
    """Return `text` with the regions that `find` accepted renewed, and all else as it is."""
    lines: list[str] = []
    is_inside = False
    for line in text.splitlines(keepends=True):
        mark = _MARK.fullmatch(line.strip())
        if mark is not None and mark[1]:
            is_inside = False
        if not is_inside:
            lines.append(line)
        if mark is not None and not mark[1]:
            is_inside = True
            end = "\r\n" if line.endswith("\r\n") else "\n"
            lines += [f"{each}{end}" for each in bodies[mark[2]].splitlines()]
    return "".join(lines)
