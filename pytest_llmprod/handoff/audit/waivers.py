"""Waivers: what `[tool.llmprod.audit]` excuses, and the audit that comes of it all."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from pytest_llmprod.core.checklist import Audit, AuditLine
from pytest_llmprod.handoff.audit.facts import Facts
from pytest_llmprod.handoff.audit.lines import LINES, Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """Until which day, inclusive, a line is excused, by whom and why."""

    until: date
    by: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Excuses:
    """The waivers and the reasons of lines that are not applicable, by the id of the line."""

    waived: Mapping[str, Waiver] = field(default_factory=dict)
    not_applicable: Mapping[str, str] = field(default_factory=dict)


NO_EXCUSES = Excuses()


def audit(facts: Facts, excuses: Excuses = NO_EXCUSES, *, commit: str = "") -> Audit:
    """Return what the evidence says of each line of the checklist."""
    return Audit(
        lines=tuple(_excused(_judged(line, facts), excuses, facts) for line in LINES),
        features=facts.features,
        when=facts.now.isoformat(timespec="seconds"),
        commit=commit,
    )


def _judged(line: Line, facts: Facts) -> AuditLine:
    answer = line.answer(facts)
    return AuditLine(
        id=line.id,
        level=line.level,
        asks=line.asks,
        status=answer.status,
        says=answer.says,
        evidence=answer.evidence,
        mend=answer.mend,
    )


def _excused(line: AuditLine, excuses: Excuses, facts: Facts) -> AuditLine:
    """Return a line with its excuse; one that is fulfilled needs no waiver."""
    reason = excuses.not_applicable.get(line.id)
    if reason is not None:
        return replace(line, status="not applicable", says=reason, why=reason, mend="", evidence=())
    waiver = excuses.waived.get(line.id)
    if waiver is None or not line.blocks:
        return line
    until = waiver.until.isoformat()
    if facts.now.date() > waiver.until:
        says = f"{line.says} (the waiver of {waiver.by} ended on {until})"
        return replace(line, says=says)
    return replace(
        line,
        status="waived",
        waived_until=until,
        waived_by=waiver.by,
        why=waiver.why,
    )
