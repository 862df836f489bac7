"""Drilling: what a drill found, as a record that reports print and files keep."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

#: What an application did that it may do.
Survival = Literal["fell back", "retried and answered", "degraded", "own error", "answered"]
#: What it must not do, the worst first: what nobody notices is worse than what crashes.
Weakness = Literal[
    "asked nothing",
    "accepted the fault as success",
    "partial answer shown as whole",
    "asked behind a closed gate",
    "hung",
    "crashed with a foreign exception",
    "side effect twice",
    "no fallback",
    "retried what must not be retried",
    "too late",
    "too many requests",
    "no log record",
    "failed its own assertions",
]
WEAKNESSES: tuple[Weakness, ...] = get_args(Weakness)
#: The fault cannot meet the requests of this feature: it streams nothing, for instance.
NOT_MET = "not met"


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillResult:
    """What one feature did under one fault.

    `outcome` is a survival, a weakness, or "not met"; `findings` holds (weakness, what happened) of
    all weaknesses, the worst first. `requests` counts those that the application sent, and
    `elapsed_s` is how long it would have taken by the clock. `switch_s` is when the fallback began,
    and None where none ran. `declared` is how many faults its test is drilled with, 0 where that is
    not known.
    """

    feature: str
    test: str
    fault: str
    group: str
    outcome: str
    findings: tuple[tuple[str, str], ...] = ()
    requests: int = 0
    elapsed_s: float = 0.0
    switch_s: float | None = None
    fallback: str = ""
    declared: int = 0

    @property
    def is_met(self) -> bool:
        """Say whether the fault met a request at all."""
        return self.outcome != NOT_MET

    @property
    def survived(self) -> bool:
        """Say whether the application did nothing that it must not do."""
        return self.is_met and not self.findings

    def to_json(self) -> dict[str, Any]:
        """Return the result as plain JSON."""
        row = asdict(self)
        row["findings"] = [list(each) for each in self.findings]
        return row

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> "DrillResult":
        """Return the result that `to_json` wrote."""
        findings = tuple((kind, text) for kind, text in row["findings"])
        return cls(**{**row, "findings": findings})


def survived_by_fault(drills: Iterable[DrillResult]) -> dict[str, bool]:
    """Return whether each fault was survived by all the tests that it met, by its name.

    A fault that met no test is left out.
    """
    found: dict[str, bool] = {}
    for each in drills:
        if each.is_met:
            found[each.fault] = each.survived and found.get(each.fault, True)
    return found
