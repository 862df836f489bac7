"""Drills: what features did under faults, as lines; silent acceptances come first."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pytest_llmprod.core.drilling import WEAKNESSES, DrillResult, survived_by_fault
from pytest_llmprod.core.results import RunResult, SuiteResult
from pytest_llmprod.core.text import counted, printable, shorten, width
from pytest_llmprod.report.layout import COLUMNS, wrapped

#: The ways in which a feature fails, and the groups of faults that are of each.
MODES: Mapping[str, tuple[str, ...]] = {
    "slow": ("slow",),
    "wrong": ("garbage", "stream", "policy"),
    "malformed input": (),
    "hostile input": (),
    "down": ("outage",),
    "limited": ("limit",),
    "retired": ("retired",),
    "expensive": ("expensive",),
}
_LONGEST_NAME = 40


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
    """Return a block for each feature that was drilled."""
    blocks = []
    for feature in _features(result.drills):
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
    """Return the same in at most `room` lines: each feature in its share of them."""
    blocks = []
    for feature in _features(result.drills):
        own = [each for each in result.drills if each.feature == feature]
        blocks.append([_headline(feature, own), *_weaknesses(own)])
    more = len(blocks) - room
    shown = blocks[: room - 1] if more > 0 else blocks
    share = room // len(shown)
    lines = [line for block in shown for line in _cut(block, share)]
    if more > 0:
        return [*lines, f"and drills of {more + 1} more features"]
    matrix = matrix_lines(result)
    return [*lines, *matrix] if len(lines) + len(matrix) <= room else lines


def _cut(block: Sequence[str], room: int) -> list[str]:
    """Return the first lines of a block, and how many more there are where there is room for it."""
    if len(block) <= room or room < 3:
        return [*block[:room]]
    hidden = sum(not line.startswith("    ") for line in block[room - 1 :])
    more = f"{counted(hidden, 'more kind')} of weakness" if hidden else "more"
    return [*block[: room - 1], f"  and {more}"]


def _features(drills: Sequence[DrillResult]) -> list[str]:
    return list(dict.fromkeys(each.feature for each in drills))


def _headline(feature: str, drills: Sequence[DrillResult]) -> str:
    met = survived_by_fault(drills)
    name = shorten(printable(feature), _LONGEST_NAME)
    unmet = len({each.fault for each in drills} - met.keys())
    rest = f", {unmet} cannot meet it" if unmet else ""
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
    """Return the faults behind each error, by its class and by where it came from."""
    by_error: dict[str, list[str]] = {}
    for fault, text in found:
        by_error.setdefault(printable(text.partition(": ")[0]), []).append(fault)
    return [
        line
        for error, faults in by_error.items()
        for line in wrapped(f"{error}: {', '.join(faults)}", indent="    ")
    ]


def matrix_lines(result: RunResult) -> list[str]:
    """Return which ways of failing each feature was tested for, and what came of it.

    Only of a run with drills.
    """
    if not result.drills:
        return []
    features = dict.fromkeys(
        [*_features(result.drills), *(suite.feature for suite in result.suites)]
    )
    lines = []
    for feature in features:
        cells = {mode: cell(result, feature, mode) for mode in MODES}
        failed = [f"{mode} ({text})" for mode, text in cells.items() if text not in _PLAIN]
        parts = [f"FAILED {', '.join(failed)}"] if failed else []
        for word in ("ok", "untested"):
            modes = [mode for mode, text in cells.items() if text == word]
            parts += [f"{word} {', '.join(modes)}"] if modes else []
        name = shorten(printable(feature), _LONGEST_NAME)
        lines += _joined(f"failure modes of {name}: ", parts)
    return lines


_PLAIN = ("ok", "untested")


def cell(result: RunResult, feature: str, mode: str) -> str:
    """Return what this run says of one way in which a feature may fail: ok, untested or a count."""
    drills = survived_by_fault(
        each for each in result.drills if each.feature == feature and each.group in MODES[mode]
    )
    failed = len(drills) - sum(drills.values())
    suites = [each for each in result.suites if each.feature == feature and mode == "wrong"]
    below = Counter(_verdict(suite) for suite in suites)["FAIL"]
    if failed or below:
        of_drills = [f"{failed} of {len(drills)}"] if failed else []
        return ", ".join([*of_drills, *(["eval FAIL"] if below else [])])
    return "ok" if drills or suites else "untested"


def _verdict(suite: SuiteResult) -> str:
    return suite.verdict.name if suite.verdict else ""


def _joined(lead: str, parts: Sequence[str]) -> list[str]:
    """Return the parts on as few lines as they fit on, each line cut to the width."""
    lines = [lead.rstrip()]
    for part in parts:
        separator = " " if lines[-1].endswith(":") else "; "
        if width(lines[-1] + separator + part) <= COLUMNS:
            lines[-1] += separator + part
        else:
            lines[-1] += "" if lines[-1].endswith(":") else ";"
            lines.append(shorten(f"  {part}", COLUMNS))
    return lines
