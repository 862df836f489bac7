"""Drills: what features did under faults, as lines; silent acceptances come first."""

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_llmprod.core.drilling import WEAKNESSES, DrillResult, survived_by_fault
from pytest_llmprod.core.mode_test import MODES
from pytest_llmprod.core.results import RunResult
from pytest_llmprod.core.text import counted, printable, shorten
from pytest_llmprod.report.layout import COLUMNS, wrapped
from pytest_llmprod.report.matrix import cell, features_of, matrix_lines

_LONGEST_NAME = 40
_LEAST_CUT = 3  # lines: a headline, a weakness, and how many more there are


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillBlock:
    """What one feature did under faults.

    `weaknesses` are (weakness, fault, what happened), the worst first, and `modes` are (way to
    fail, what this run says of it).
    """

    feature: str
    headline: str
    weaknesses: tuple[tuple[str, str, str], ...]
    modes: tuple[tuple[str, str], ...]


def drill_blocks(result: RunResult) -> list[DrillBlock]:
    """Return a block for each feature of a run that has drills or tests of guardrails."""
    blocks = []
    for feature in features_of(result):
        own = [each for each in result.drills if each.feature == feature]
        found = sorted(
            (WEAKNESSES.index(kind), kind, each.fault, printable(text))
            for each in own
            for kind, text in each.findings
        )
        block = DrillBlock(
            feature=printable(feature),
            headline=_headline(feature, own),
            weaknesses=tuple((kind, fault, text) for _, kind, fault, text in found),
            modes=tuple((mode, cell(result, feature, mode)) for mode in MODES),
        )
        blocks.append(block)
    return blocks


def drill_lines(drills: Sequence[DrillResult]) -> list[str]:
    """Return what each feature did, in one line, and a line for each weakness that it showed."""
    lines: list[str] = []
    for feature in _features(drills):
        own = [each for each in drills if each.feature == feature]
        lines.append(_headline(feature, own))
        lines += _weaknesses(own)
    return lines


def short_drill_lines(result: RunResult, room: int) -> list[str]:
    """Return the same in at most `room` lines: each feature in its share of them.

    The ways of failing close them where that leaves each feature enough lines to be cut.
    """
    blocks = []
    for feature in _features(result.drills):
        own = [each for each in result.drills if each.feature == feature]
        blocks.append([_headline(feature, own), *_weaknesses(own)])
    if not blocks:
        return matrix_lines(result)[:room]
    matrix = matrix_lines(result)
    share = (room - len(matrix)) // len(blocks)
    if share >= _LEAST_CUT:
        return [line for block in blocks for line in _cut(block, share)] + matrix
    more = len(blocks) - room
    shown = blocks[: room - 1] if more > 0 else blocks
    lines = [line for block in shown for line in _cut(block, room // len(shown))]
    if more > 0:
        return [*lines, f"and drills of {more + 1} more features"]
    return [*lines, *matrix] if len(lines) + len(matrix) <= room else lines


def _cut(block: Sequence[str], room: int) -> list[str]:
    """Return the first lines of a block, and how many more there are where there is room for it."""
    if len(block) <= room or room < _LEAST_CUT:
        return [*block[:room]]
    hidden = sum(not line.startswith("    ") for line in block[room - 1 :])
    more = f"{counted(hidden, 'more kind')} of weakness" if hidden else ""
    return [*block[: room - 1], f"  and {more}" if more else "  ..."]


def _features(drills: Sequence[DrillResult]) -> list[str]:
    return list(dict.fromkeys(each.feature for each in drills))


def _headline(feature: str, drills: Sequence[DrillResult]) -> str:
    met = survived_by_fault(drills)
    name = shorten(printable(feature), _LONGEST_NAME)
    if not drills:
        return f"no drill of {name}"
    unmet = len({each.fault for each in drills} - met.keys())
    rest = f", {unmet} do not apply" if unmet > 1 else ", 1 does not apply" if unmet else ""
    survived = sum(met.values())
    return f"drills of {name}: survived {survived} of {counted(len(met), 'fault')}{rest}"


def _weaknesses(drills: Sequence[DrillResult]) -> list[str]:
    lines = []
    for kind in WEAKNESSES:
        found = [
            (each.fault, text) for each in drills for name, text in each.findings if name == kind
        ]
        if not found:
            continue
        names = list(dict.fromkeys(fault for fault, _ in found))
        if kind == "crashed with a foreign exception":
            lines += [f"  {kind} ({len(names)}):", *_crashes(found)]
            continue
        if len(names) == 1 or kind in ("hung", "too late"):
            detail = f"{names[0]}: {found[0][1]}"
        else:
            detail = ", ".join(names)
        lines.append(shorten(f"  {kind} ({len(names)}): {printable(detail)}", COLUMNS))
    return lines


def _crashes(found: Sequence[tuple[str, str]]) -> list[str]:
    """Return the faults behind each class of error, and the places it came from."""
    places: dict[str, dict[str, None]] = {}
    faults: dict[str, dict[str, None]] = {}
    for fault, text in found:
        kind, _, place = printable(text.partition(": ")[0]).partition(" in ")
        faults.setdefault(kind, {})[fault] = None
        places.setdefault(kind, {}).update({place: None} if place else {})
    return [
        line
        for kind, names in faults.items()
        for line in wrapped(f"{_at(kind, [*places[kind]])}: {', '.join(names)}", indent="    ")
    ]


def _at(kind: str, places: Sequence[str]) -> str:
    """Return the class of an error with the first place it came from, and how many others."""
    if not places:
        return kind
    others = f" and {len(places) - 1} more" if len(places) > 1 else ""
    return f"{kind} in {places[0]}{others}"
