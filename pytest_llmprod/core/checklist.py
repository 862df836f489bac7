"""Checklist: what an audit says of each line of the shipping checklist.

Records that the audit makes, and that reports print.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

Status = Literal["passed", "failed", "stale", "waived", "not applicable"]
#: The levels from the lowest up: each is reached only when all below are.
Level = Literal["documented", "measured", "drilled", "handed over"]
LEVELS: tuple[Level, ...] = get_args(Level)
#: The level of a project that has not reached the first.
NO_LEVEL = "none"
_BLOCKS = ("failed", "stale")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Where something was found: what is not known is '', and a `line` of 0 is the whole file.

    `path` is relative to the project, `run` the id of a run, `when` a day (ISO 8601).
    """

    path: str = ""
    line: int = 0
    run: str = ""
    commit: str = ""
    when: str = ""

    def __str__(self) -> str:
        """Return `test_triage.py:8, run 7c1f09ab, commit a49516d0f1e2, 2026-11-26`."""
        place = f"{self.path}:{self.line}" if self.line else self.path
        run = f"run {self.run.rpartition('-')[2]}" if self.run else ""
        commit = f"commit {self.commit[:12]}" if self.commit else ""
        return ", ".join(filter(None, (place, run, commit, self.when)))

    def to_json(self) -> dict[str, Any]:
        """Return what is known, by name."""
        return {name: value for name, value in asdict(self).items() if value}


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLine:
    """One line of the checklist and its status; `says` is why, and `mend` the command that mends.

    `mend` is '' where nothing is to be mended. `waived_until`, `waived_by` and `why` are those of a
    waiver, and `why` is the reason of a line that was declared not applicable.
    """

    id: str
    level: Level
    asks: str
    status: Status
    says: str
    evidence: tuple[Evidence, ...] = ()
    mend: str = ""
    waived_until: str = ""
    waived_by: str = ""
    why: str = ""

    @property
    def blocks(self) -> bool:
        """Say whether the project cannot reach the level of this line."""
        return self.status in _BLOCKS

    def to_json(self) -> dict[str, Any]:
        """Return the line for a script; the keys of a waiver only where there is one."""
        row: dict[str, Any] = {
            "id": self.id,
            "level": self.level,
            "asks": self.asks,
            "status": self.status,
            "says": self.says,
            "evidence": [each.to_json() for each in self.evidence],
            "mend": self.mend,
        }
        extra = ("waived_until", "waived_by", "why")
        return row | {key: getattr(self, key) for key in extra if getattr(self, key)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """All lines of the checklist, in its order; `features` are those that were audited."""

    lines: tuple[AuditLine, ...]
    features: tuple[str, ...]
    when: str
    commit: str = ""

    @property
    def level(self) -> str:
        """Return the highest level that is reached, with all below it."""
        reached = NO_LEVEL
        for level in LEVELS:
            if any(line.blocks for line in self.lines if line.level == level):
                break
            reached = level
        return reached

    @property
    def blocking(self) -> tuple[AuditLine, ...]:
        """Return the lines that block, those of the lowest level first."""
        found = [line for line in self.lines if line.blocks]
        return tuple(sorted(found, key=lambda line: LEVELS.index(line.level)))

    def blocks(self, level: Level) -> bool:
        """Say whether a line keeps the project from reaching `level`."""
        wanted = LEVELS.index(level)
        return any(LEVELS.index(line.level) <= wanted for line in self.blocking)

    def counts(self) -> Mapping[str, int]:
        """Return how many lines have each status, for the statuses that occur."""
        found = [line.status for line in self.lines]
        return {status: found.count(status) for status in get_args(Status) if status in found}

    def to_json(self) -> dict[str, Any]:
        """Return the audit as plain JSON."""
        return {
            "schema": 1,
            "level": self.level,
            "when": self.when,
            "commit": self.commit,
            "features": list(self.features),
            "counts": dict(self.counts()),
            "blocking": [line.id for line in self.blocking],
            "lines": [line.to_json() for line in self.lines],
        }
