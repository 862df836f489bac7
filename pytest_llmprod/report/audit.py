"""Audit report: the shipping checklist as lines of a terminal, and as Markdown."""

import textwrap
from collections.abc import Iterator
from itertools import zip_longest

from pytest_llmprod.core.checklist import LEVELS, Audit, AuditLine
from pytest_llmprod.core.text import counted, printable, shorten
from pytest_llmprod.report.layout import COLUMNS

_SHOWN = {"not applicable": "n/a"}
_STATUS_COLUMNS, _ID_COLUMNS = 8, 19
_INDENT = " " * (2 + _STATUS_COLUMNS + _ID_COLUMNS)
_PLACE_INDENT = " " * (4 + _STATUS_COLUMNS)
_MOST_LINES, _MOST_PLACES = 3, 2
_COLOURS = {"passed": "32", "failed": "31;1", "stale": "31", "waived": "33"}


def render(audit: Audit, *, colour: bool = False) -> list[str]:
    """Return the audit for a terminal of 80 columns: the lowest line that blocks stands first."""
    lines = _head(audit)
    for level in LEVELS:
        own = [line for line in audit.lines if line.level == level]
        done = sum(not line.blocks for line in own)
        lines += ["", f"{level}: {done} of {len(own)} lines"]
        for line in own:
            lines += _line(line, colour=colour)
    return lines


def render_quiet(audit: Audit) -> list[str]:
    """Return the level, and what blocks the next one."""
    return _head(audit)


def _head(audit: Audit) -> list[str]:
    features = printable(", ".join(audit.features)) or "no feature"
    counts = ", ".join(f"{number} {status}" for status, number in audit.counts().items())
    lines = [shorten(f"level: {audit.level}  ({features})", COLUMNS), counts]
    if audit.blocking:
        first = audit.blocking[0]
        text = f"first to mend: {first.id}, {printable(first.says)}"
        lines += textwrap.wrap(
            text, COLUMNS, subsequent_indent="  ", max_lines=_MOST_LINES, placeholder=" ..."
        )
        lines += _mend(first.mend, "  ")
    return lines


def _line(line: AuditLine, *, colour: bool) -> Iterator[str]:
    status = _SHOWN.get(line.status, line.status)
    room = COLUMNS - len(_INDENT)
    texts = textwrap.wrap(printable(says(line)), room, max_lines=_MOST_LINES, placeholder=" ...")
    for head, text in zip_longest([line.id], texts, fillvalue=""):
        name = f"{head:<{_ID_COLUMNS}}{text}".rstrip()
        yield f"  {_painted(status if head else '', colour=colour)}{name}"
    for place in _places(line):
        yield f"{_PLACE_INDENT}{shorten(place, COLUMNS - len(_PLACE_INDENT))}"
    if line.blocks:
        yield from _mend(line.mend, "    ")


def _painted(status: str, *, colour: bool) -> str:
    code = _COLOURS.get(status)
    padding = " " * (_STATUS_COLUMNS - len(status))
    if not colour or code is None:
        return status + padding
    return f"\x1b[{code}m{status}\x1b[0m{padding}"


def says(line: AuditLine) -> str:
    """Return why a line has its status; a waiver tells who, until when, and what it excuses."""
    if line.status == "waived":
        return f"until {line.waived_until} by {line.waived_by}: {line.why} ({line.says})"
    return line.says


def _places(line: AuditLine) -> list[str]:
    found = [printable(str(each)) for each in line.evidence]
    if len(found) > _MOST_PLACES:
        found = [*found[: _MOST_PLACES - 1], f"and {counted(len(found) - 1, 'other place')}"]
    return found


def _mend(mend: str, indent: str) -> list[str]:
    """Return what mends a line; it is never cut, so that it can be copied."""
    return textwrap.wrap(
        printable(mend),
        COLUMNS,
        initial_indent=f"{indent}mend: ",
        subsequent_indent=f"{indent}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def to_markdown(audit: Audit) -> str:
    """Return the audit as Markdown, with a table for each level."""
    features = _cell(", ".join(audit.features)) or "no feature"
    parts = [f"# Audit: {audit.level}\n", f"{features}, {audit.when[:10]}.\n"]
    if audit.blocking:
        first = audit.blocking[0]
        mend = f" Mend it: {_code(first.mend)}" if first.mend else ""
        parts.append(f"First to mend: **{first.id}**, {_cell(first.says)}.{mend}\n")
    for level in LEVELS:
        parts += [f"## {level.capitalize()}\n", "| status | line | why | evidence | mend |"]
        parts.append("|---|---|---|---|---|")
        parts += [_row(line) for line in audit.lines if line.level == level]
        parts.append("")
    return "\n".join(parts).rstrip() + "\n"


def _row(line: AuditLine) -> str:
    places = "<br>".join(_code(str(each)) for each in line.evidence)
    mend = _code(line.mend) if line.blocks else ""
    cells = (line.status, f"{line.id}: {line.asks}", _cell(says(line)), places, mend)
    return f"| {' | '.join(cells)} |".replace("  ", " ")


def _cell(text: str) -> str:
    """Return a text that cannot break out of its cell, nor become a tag."""
    text = printable(text).replace("&", "&amp;").replace("<", "&lt;")
    return text.replace("|", "\\|").replace("`", "\\`")


def _code(text: str) -> str:
    text = printable(text).replace("|", "\\|")
    fence = "``" if "`" in text else "`"
    return f"{fence} {text} {fence}" if fence == "``" else f"`{text}`"
