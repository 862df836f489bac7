"""Audit rows: the shipping checklist as the rows that the reports of a run show."""

from dataclasses import dataclass

from pytest_llmprod.core.checklist import LEVELS, Audit, AuditLine
from pytest_llmprod.core.text import printable
from pytest_llmprod.report.audit import says

_COLOURS = {"passed": "good", "failed": "bad", "stale": "bad"}


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """One line of the checklist; `mend` is the command that mends it, '' where it keeps nothing."""

    id: str
    asks: str
    status: str
    colour: str
    says: str
    places: tuple[str, ...]
    mend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLevel:
    """The lines of one level, and how many of them do not keep the project from it."""

    name: str
    done: int
    rows: tuple[AuditRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditBlock:
    """An audit: the level that is reached, of which features, and what is first to mend."""

    level: str
    features: str
    counts: str
    first: AuditRow | None
    levels: tuple[AuditLevel, ...]


def audit_block(audit: Audit) -> AuditBlock:
    """Return the block of an audit; all text in it is safe to print."""
    return AuditBlock(
        level=audit.level,
        features=printable(", ".join(audit.features)) or "no feature",
        counts=", ".join(f"{number} {status}" for status, number in audit.counts().items()),
        first=_row(audit.blocking[0]) if audit.blocking else None,
        levels=tuple(_level(name, audit) for name in LEVELS),
    )


def _level(name: str, audit: Audit) -> AuditLevel:
    own = [line for line in audit.lines if line.level == name]
    return AuditLevel(
        name=name,
        done=sum(not line.blocks for line in own),
        rows=tuple(map(_row, own)),
    )


def _row(line: AuditLine) -> AuditRow:
    return AuditRow(
        id=line.id,
        asks=line.asks,
        status=line.status,
        colour=_COLOURS.get(line.status, "unsure"),
        says=printable(says(line)),
        places=tuple(printable(str(each)) for each in line.evidence),
        mend=printable(line.mend) if line.blocks else "",
    )
