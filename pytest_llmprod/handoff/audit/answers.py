"""Answers: what a line of the checklist says, before anybody has waived it."""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pytest_llmprod.core.checklist import Evidence
from pytest_llmprod.core.files import HISTORY_NAME
from pytest_llmprod.core.history import Row
from pytest_llmprod.core.text import counted
from pytest_llmprod.handoff.audit.facts import Facts

#: How bad a status is: of several features the worst speaks.
_WORST = ("failed", "stale", "not applicable", "passed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A status and why; `mend` is the command that mends it, '' where nothing is to be mended."""

    status: Literal["passed", "failed", "stale", "not applicable"]
    says: str
    evidence: tuple[Evidence, ...] = ()
    mend: str = ""


def passed(says: str, *evidence: Evidence) -> Answer:
    """Return that a line is fulfilled, and by what."""
    return Answer(status="passed", says=says, evidence=evidence)


def failed(says: str, mend: str, *evidence: Evidence) -> Answer:
    """Return that a line is not fulfilled."""
    return Answer(status="failed", says=says, evidence=evidence, mend=mend)


def stale(says: str, mend: str, *evidence: Evidence) -> Answer:
    """Return that a line was fulfilled once, too long ago."""
    return Answer(status="stale", says=says, evidence=evidence, mend=mend)


def inapplicable(says: str) -> Answer:
    """Return that a line has nothing to judge here."""
    return Answer(status="not applicable", says=says)


def for_each(names: Iterable[str], answer: Callable[[str], Answer]) -> Answer:
    """Return what the worst of several features or files says; where all pass, all they say.

    A failure speaks of the first that fails alone: its name stands before what it says.
    """
    answers = [(name, answer(name)) for name in names]
    if not answers:
        return failed("there is no feature", "llmprod init")
    name, worst = min(answers, key=lambda each: _WORST.index(each[1].status))
    if len(answers) == 1:
        return worst
    if worst.status != "passed":
        return Answer(
            status=worst.status,
            says=f"{name}: {worst.says}",
            evidence=worst.evidence,
            mend=worst.mend,
        )
    says = list(dict.fromkeys(f"{each}: {found.says}" for each, found in answers))
    evidence = dict.fromkeys(at for _, found in answers for at in found.evidence)
    return passed("; ".join(says), *evidence)


def table_of(feature: str) -> str:
    """Return the head of the settings of a feature: `[tool.llmprod.features.ticket-triage]`."""
    is_bare = re.fullmatch(r"[\w-]+", feature, re.ASCII) is not None
    key = feature if is_bare else json.dumps(feature, ensure_ascii=False)
    return f"[tool.llmprod.features.{key}]"


def days_between(moment: datetime, now: datetime) -> int:
    """Return how many whole days lie between; a moment that is yet to come gives less than 0."""
    return (now - moment).days


def ago(days: int) -> str:
    """Return `today`, `1 day ago`, `12 days ago`."""
    return "today" if days < 1 else f"{counted(days, 'day')} ago"


def newest(rows: Sequence[Row], now: datetime) -> Row | None:
    """Return the newest row, None where there is none; a date that is to come counts as none."""
    dated = [(row.moment, row) for row in rows if row.moment is not None and row.moment <= now]
    return max(dated, key=lambda each: each[0])[1] if dated else None


def evidence_of(row: Row) -> Evidence:
    """Return where a row of the history stands, and of what it tells."""
    return Evidence(
        path=HISTORY_NAME,
        line=row.line,
        run=row.text("run"),
        commit=row.text("commit"),
        when=row.text("when")[:10],
    )


def rehearsed(facts: Facts, rows: Sequence[Row], *, never: str, what: str, mend: str) -> Answer:
    """Return whether the newest of `rows` is young enough to be evidence of `what`."""
    row = newest(rows, facts.now)
    if row is None or row.moment is None:
        return failed(never, mend)
    days = days_between(row.moment, facts.now)
    says = f"{what} {ago(days)}"
    if days > facts.drill_every_days:
        return stale(f"{says}, {facts.drill_every_days} are allowed", mend, evidence_of(row))
    return passed(says, evidence_of(row))
