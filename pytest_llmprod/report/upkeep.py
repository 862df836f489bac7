"""Upkeep: the lines of the summary about recordings that were compared, that age, that drift."""

import textwrap
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from pytest_llmprod.core.drift import Drift, Verified
from pytest_llmprod.core.text import counted, printable, shorten
from pytest_llmprod.report.layout import COLUMNS, command_lines
from pytest_llmprod.report.unanswered import record_command

_MOST = 5


def verified_lines(verified: Sequence[Verified]) -> list[str]:
    """Return what a run with `--llm-record=verify` found."""
    if not verified:
        return []
    counts: Counter[str] = Counter(each.likeness for each in verified)
    behaves = "behaves" if counts["behaviour"] == 1 else "behave"
    kinds = ", ".join(
        f"{counts[kind]} {words}"
        for kind, words in (
            ("same", "the same"),
            ("text", "in other words"),
            ("behaviour", f"that {behaves} otherwise"),
            ("unrecorded", "in no recording"),
        )
        if counts[kind]
    )
    changed = [each for each in verified if each.likeness in ("behaviour", "unrecorded")]
    told = [f"- {printable(each.nodeid)}: {printable(each.what)}" for each in changed[:_MOST]]
    if len(changed) > _MOST:
        told.append(f"- and {len(changed) - _MOST} more")
    drifts = {
        Drift(asked=each.asked, before=each.before, now=each.now)
        for each in verified
        if each.before and each.now and each.before != each.now
    }
    unasked = counts["unasked"]
    if unasked:
        told += _unasked_lines(unasked)
    return [
        *textwrap.wrap(
            f"verified {counted(len(verified) - unasked, 'live answer')}: {kinds}",
            COLUMNS,
            subsequent_indent="  ",
        ),
        *(shorten(line, COLUMNS) for line in told),
        *drift_lines(drifts),
    ]


def _unasked_lines(number: int) -> list[str]:
    their = "its test" if number == 1 else "their tests"
    was = "was" if number == 1 else "were"
    text = f"{was} compared with nothing: {their} asked for something else"
    return [f"{counted(number, 'recording')} {text}"]


def recorded_lines(*, count: int, cassettes: int, dropped: int, picked_up: int) -> list[str]:
    """Return what became of the recordings of a run, and of those that a killed run had left."""
    number, files = counted(count, "request"), counted(cassettes, "cassette")
    parts = []
    if count:
        parts.append(f"recorded {number} in {files}{f', {dropped} dropped' if dropped else ''}")
    elif dropped:
        parts.append(f"dropped {counted(dropped, 'recording')} in {files}")
    if picked_up:
        number = f"{picked_up:,} more" if parts else counted(picked_up, "request")
        parts.append(f"picked up {number} from a run that was killed")
    return ["; ".join(parts)] if parts else []


def stopped_lines(mode: str, options: Sequence[str]) -> list[str]:
    """Return how to go on after a run that was stopped while it recorded in `mode`.

    `options` are the words by which the tests of this run are run again.
    """
    replaces = mode in ("all", "rewrite")
    lines = [
        "stopped; what was recorded is kept",
        *command_lines(record_command("once" if replaces else mode, options), "go on with: "),
    ]
    if replaces:
        lines.append(f"What has older recordings keeps them; --llm-record={mode} asks all again.")
    return lines


def aging_lines(
    aging: Mapping[str, int], max_age_days: int | None, options: Sequence[str]
) -> list[str]:
    """Return a warning about recordings that will soon be too old to be played.

    `options` are the words by which the tests of this run are run again.
    """
    if not aging:
        return []
    tests = sum(aging.values())
    number = "1 test plays" if tests == 1 else f"{tests} tests play"
    oldest = min(aging)[:10]
    return [
        f"{number} old recordings, from {oldest} on: at {max_age_days} days they fail",
        *command_lines(record_command("rewrite", options), "record them again with: "),
    ]


def drift_lines(drifts: Collection[Drift]) -> list[str]:
    """Return which models answer by another name."""
    return [
        shorten(
            f"{printable(each.asked)} was {printable(each.before)} when recorded, "
            f"and is {printable(each.now)}",
            COLUMNS,
        )
        for each in sorted(drifts)
    ]
