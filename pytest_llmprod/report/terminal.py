"""Terminal: the summary at the end of a run, at most 25 lines of 80 columns for ten suites."""

import shlex
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from pytest_llmprod.core.text import shorten, width
from pytest_llmprod.report.view import Broken, SuiteRow, View

if TYPE_CHECKING:
    import tabulate

COLUMNS = 80
MOST_LINES = 25
_HEADERS = ("suite", "cases", "hits", "score", "95% interval", "min", "verdict", "cost", "p95")
_ANSI = {"green": "\x1b[32m", "red": "\x1b[31m", "yellow": "\x1b[33m"}
_ANSI_END = "\x1b[0m"


def render(view: View, *, gates_note: str, colour: bool) -> list[str]:
    """Return the lines of the summary, without the heading that pytest draws.

    The tables of suites and of gates are always whole; what broke takes the lines that are left.
    """
    table = _table(view)
    tail = [*_gate_lines(view), *_wrapped([gates_note] if gates_note else [])]
    tail += _wrapped(view.notes)
    room = MOST_LINES - 1 - len(table) - len(view.sources) - len(tail)
    broken = _broken_lines(view.broken, max(0, room))
    lines = [*table, *_wrapped(view.sources), *broken, *tail]
    return [_coloured(line, view) for line in lines] if colour else lines


def render_quiet(view: View) -> str:
    """Return the run in one line, for `pytest -q`."""
    if len(view.suites) == 1:
        row = view.suites[0]
        text = f"{row.name} {row.hits}/{row.cases} {row.score} {row.interval} {row.verdict}"
    else:
        verdicts = [row.verdict for row in view.suites]
        counts = [f"{verdicts.count(name)} {name}" for name in dict.fromkeys(verdicts)]
        text = f"{len(view.suites)} suites: {', '.join(counts)}"
    states = [state for _, state, _ in view.gates]
    gates = ", ".join(f"{states.count(name)} {name}" for name in dict.fromkeys(states))
    return shorten(f"llmprod: {text}; gates: {gates}", COLUMNS)


def _table(view: View) -> list[str]:
    # Only a run with suites needs tabulate.
    import tabulate

    figures = [_HEADERS[1:], *(_figures(row) for row in view.suites)]
    taken = sum(max(len(line[column]) + 1 for line in figures) for column in range(8))
    names = [_HEADERS[0], *(shorten(row.name, COLUMNS - taken) for row in view.suites)]
    text = tabulate.tabulate(
        [(name, *line) for name, line in zip(names, figures, strict=True)],
        tablefmt=_plain_format(),
        colalign=("left", "right", "right", "right", "left", "right", "left", "right", "right"),
        disable_numparse=True,
    )
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def _figures(row: SuiteRow) -> tuple[str, ...]:
    return (
        row.cases,
        row.hits,
        row.score,
        row.interval,
        row.threshold,
        row.verdict,
        row.cost,
        row.p95,
    )


def _plain_format() -> "tabulate.TableFormat":
    import tabulate

    return tabulate.TableFormat(
        lineabove=None,
        linebelowheader=None,
        linebetweenrows=None,
        linebelow=None,
        headerrow=tabulate.DataRow("", " ", ""),
        datarow=tabulate.DataRow("", " ", ""),
        padding=0,
        with_header_hide=None,
    )


def _broken_lines(broken: Sequence[Broken], room: int) -> list[str]:
    """Return what broke, suite by suite, in at most `room` lines."""
    if not broken or room < 1:
        return []
    lines: list[str] = []
    share = max(1, room // len(broken))
    for group in broken:
        lines += _one_broken(group, share)
    return lines[:room]


def _one_broken(group: Broken, room: int) -> list[str]:
    command = _command(group.nodeid)
    if room <= len(command):
        return [shorten(group.headline, COLUMNS)]
    shown = group.cases[: max(0, min(3, room - 1 - len(command)))]
    lines = [f"{group.headline}; the first alone:", *command]
    for case_id, why in shown:
        lines.append(shorten(f"  {case_id}  {why}", COLUMNS))
    return lines


def _command(nodeid: str) -> list[str]:
    """Return the command that runs one case; two lines where one would be too wide."""
    quoted = shlex.quote(nodeid)
    line = f"  pytest --llm-eval {quoted}"
    if width(line) <= COLUMNS:
        return [line]
    return ["  pytest --llm-eval \\", f"    {quoted}"]


def _gate_lines(view: View) -> list[str]:
    lines: list[str] = []
    for feature, state, why in view.gates:
        reason = f"; {why}" if why else ""
        lines.append(shorten(f"gate {feature}: {state}{reason}", COLUMNS))
    return lines


def _wrapped(sentences: Iterable[str]) -> list[str]:
    return [shorten(sentence, COLUMNS) for sentence in sentences]


def _coloured(line: str, view: View) -> str:
    for row in view.suites:
        start = shorten(row.name, 12).removesuffix("...")
        if line.startswith(start) and f" {row.verdict} " in line:
            return line.replace(
                f" {row.verdict} ", f" {_ANSI[row.colour]}{row.verdict}{_ANSI_END} ", 1
            )
    for state, name in (("open", "green"), ("closed", "red"), ("not judged", "yellow")):
        if line.startswith("gate ") and f": {state}" in line:
            return line.replace(f": {state}", f": {_ANSI[name]}{state}{_ANSI_END}", 1)
    return line
