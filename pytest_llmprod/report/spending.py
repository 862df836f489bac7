"""Spending: the lines of the summary about a spend cap."""

import shlex
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from pytest_llmprod.core.text import counted, printable
from pytest_llmprod.report.amounts import cost_text
from pytest_llmprod.report.layout import command_lines, wrapped
from pytest_llmprod.report.unanswered import record_command

_MOST_NAMES = 2


def spent_line(
    *, cap_usd: Decimal, spent_usd: Decimal, judge_usd: Decimal, open_usd: Decimal, calls: int
) -> str:
    """Return what a run spent under its cap.

    `open_usd` is the part of `spent_usd` that is reserved for calls of which nobody knows the cost.
    """
    line = f"spent {_usd(spent_usd)} of {_usd(cap_usd)} in {counted(calls, 'call')}"
    if judge_usd:
        line += f"; judges {_usd(judge_usd)} of it"
    if open_usd:
        line += f"; {_usd(open_usd)} of it reserved, for what nobody knows the cost of"
    return line


def _usd(amount: Decimal) -> str:
    return cost_text(amount, 0, 1)


class Stopped(NamedTuple):
    """What a cap kept from being sent: in words, and the words of the command to go on with.

    `command` is empty where it would not help; `text` then says what does. `after` is what that
    command leaves to do, '' for nothing.
    """

    text: str
    command: tuple[str, ...]
    after: str = ""


_TOO_LOW = "no call fits under this cap: give a higher one, or limit the output of requests"
_KEPT = "what was recorded is kept"
_GO_ON = "go on with: "


def stopped(
    stops: Mapping[str, bool], *, mode: str, options: Sequence[str], is_too_low: bool
) -> Stopped:
    """Return which tests the cap kept from sending something, and how to go on.

    `stops` maps the node id of each of these to whether it was running when money ran out; the
    others were skipped. `options` are the words by which the tests of this run are run again, the
    cap among them, and `is_too_low` says that not even one call fits under it.
    """
    count = sum(stops.values())
    skipped = [printable(nodeid) for nodeid, is_first in stops.items() if not is_first]
    text = f"the spend cap stopped {counted(count, 'test')}"
    if skipped:
        text += f" and skipped {len(skipped):,}: {_listed(skipped)}"
    if is_too_low:
        return Stopped(text, ())
    replaces = mode in ("all", "rewrite")
    after = f"What has older recordings keeps them; --llm-record={mode} asks all again."
    command = record_command("once" if replaces else mode, options)
    return Stopped(text, tuple(command), after if replaces else "")


def stopped_lines(found: Stopped) -> list[str]:
    """Return the same as lines for a terminal."""
    if not found.command:
        return [*wrapped(found.text), *wrapped(_TOO_LOW)]
    lines = [*wrapped(found.text), _KEPT, *command_lines(found.command, _GO_ON)]
    return [*lines, found.after] if found.after else lines


def stopped_note(found: Stopped) -> str:
    """Return the same in one line, for a page."""
    if not found.command:
        return f"{found.text}; {_TOO_LOW}"
    return f"{found.text}; {_KEPT}; {_GO_ON}{shlex.join(found.command)}"


def _listed(names: Sequence[str]) -> str:
    shown = [name.rpartition("::")[2] for name in names[:_MOST_NAMES]]
    more = len(names) - len(shown)
    return f"{', '.join(shown)} and {more:,} more" if more else ", ".join(shown)
