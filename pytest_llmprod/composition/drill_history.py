"""Drill history: when each feature was last drilled, in the history that git keeps."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pytest_llmprod.core.drilling import DrillResult, survived_by_fault
from pytest_llmprod.core.errors import FaultError
from pytest_llmprod.core.files import HISTORY_NAME, add_lines
from pytest_llmprod.core.history import is_to_come, moment_of, read_history
from pytest_llmprod.core.text import counted, printable, shorten
from pytest_llmprod.records.head import head_commit

_MOST_BYTES = 1000
_LONGEST_NAME = 40


def note(root: Path, drills: Sequence[DrillResult], now: datetime) -> None:
    """Add a line for each feature that survived every fault that could meet it.

    A part of its drills, as a shard runs it, is no evidence. One a day at most, and one for each
    commit, until it survives more: a line that is committed would else make the next one. Raises
    FaultError where the file cannot be written.
    """
    passed = [each for each in _by_feature(drills) if _has_passed(each)]
    if not passed:
        return
    commit = head_commit(root)[:12]
    known = [row for row in _lines(root) if not is_to_come(_moment(row), now)]
    rows = [_row(own, commit, now) for own in passed]
    content = b"".join(
        json.dumps(row, ensure_ascii=True).encode() + b"\n"
        for row in rows
        if not any(_says_as_much(each, row) for each in known)
    )
    if not content:
        return
    try:
        add_lines(root / HISTORY_NAME, content)
    except OSError as error:
        raise FaultError(
            f"{HISTORY_NAME}: cannot be written ({error.strerror}). Make it writable, and run the "
            f"drills again."
        ) from error


def told(root: Path, drills: Sequence[DrillResult], now: datetime, every_days: int) -> list[str]:
    """Return when features were last drilled and are overdue, those of this run left out."""
    drilled = {own[0].feature for own in _by_feature(drills) if _has_passed(own)}
    lines = []
    for feature, row in sorted(last(root, now).items()):
        days = _days_since(str(row.get("when", "")), now)
        if feature not in drilled and days is not None and days > every_days:
            name = shorten(printable(feature), _LONGEST_NAME)
            ago = counted(days, "day")
            lines.append(f"overdue: {name} last survived its drills {ago} ago")
    return lines


def last(root: Path, now: datetime) -> Mapping[str, Mapping[str, Any]]:
    """Return feature -> the row of the last time that it survived its drills.

    That is the newest one, wherever a merge has put it; one without a date is older than all, and
    one whose date is to come says nothing.
    """
    found: dict[str, Mapping[str, Any]] = {}
    for row in sorted(_lines(root), key=_moment):
        if not is_to_come(_moment(row), now):
            found[str(row.get("feature", ""))] = row
    return found


def _moment(row: Mapping[str, Any]) -> datetime:
    return moment_of(str(row.get("when", ""))) or datetime.min.replace(tzinfo=UTC)


def _by_feature(drills: Sequence[DrillResult]) -> list[list[DrillResult]]:
    found: dict[str, list[DrillResult]] = {}
    for each in drills:
        found.setdefault(each.feature, []).append(each)
    return list(found.values())


def _has_passed(own: Sequence[DrillResult]) -> bool:
    met = survived_by_fault(own)
    return bool(met) and all(met.values()) and _is_whole(own)


def _is_whole(own: Sequence[DrillResult]) -> bool:
    """Say whether each test ran with all of its faults."""
    faults: dict[str, set[str]] = {}
    for each in own:
        faults.setdefault(each.test, set()).add(each.fault)
    return all(len(faults[each.test]) >= each.declared for each in own)


def _row(own: Sequence[DrillResult], commit: str, now: datetime) -> dict[str, Any]:
    met = [each for each in own if each.is_met]
    switches = [each.switch_s for each in met if each.switch_s is not None]
    return {
        "kind": "drill",
        "feature": own[0].feature[: _MOST_BYTES // 4],
        "faults": len({each.fault for each in met}),
        "groups": sorted({each.group for each in met}),
        "commit": commit,
        "when": now.isoformat(timespec="seconds"),
        "fallback": own[0].fallback[: _MOST_BYTES // 4],
        "slowest_switch_s": max(switches, default=None),
    }


def _says_as_much(known: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    """Say whether a line of the same day or commit has the faults of `row` already."""
    if known.get("feature") != row["feature"]:
        return False
    is_of_day = str(known.get("when", ""))[:10] == row["when"][:10]
    if not is_of_day and not (row["commit"] and known.get("commit") == row["commit"]):
        return False
    faults, groups = known.get("faults"), known.get("groups")
    if not isinstance(faults, int) or not isinstance(groups, list):
        return False
    return faults >= row["faults"] and all(group in groups for group in row["groups"])


def _lines(root: Path) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of drills; lines of other kinds, and what is no row, are passed over."""
    return (row.values for row in read_history(root) if row.kind == "drill")


def _days_since(when: str, now: datetime) -> int | None:
    moment = moment_of(when)
    return None if moment is None else (now - moment).days
