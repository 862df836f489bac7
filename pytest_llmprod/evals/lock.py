"""Lock: which rows a data set had when somebody last said that they are right.

It keeps the digest of each row, so that a run on other rows can name them, and says of each
revision who froze it, when, and why. It guards against mistakes, not against people: whoever may
change the data may freeze them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from pytest_llmprod.core.text import counted, printable, shorten
from pytest_llmprod.evals.dataset import Dataset
from pytest_llmprod.evals.digests import row_digests, whole_digest

_MOST_NAMED = 5
_LONGEST_NAME = 40


class Revision(BaseModel):
    """Data as they were frozen once: how many cases, their digest, who froze them, when and why."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)

    cases: int
    sha256: str
    frozen_at: AwareDatetime
    who: str
    why: str


class Lock(BaseModel):
    """The newest revision of a data set, with the digest of each row by id, and the earlier ones.

    `dataset` is the name of the file that was frozen; `earlier` begins with the oldest revision.
    """

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)

    schema_: Literal[1] = Field(default=1, alias="schema")
    dataset: str
    latest: Revision
    rows: dict[str, str]
    earlier: tuple[Revision, ...] = ()

    @property
    def agrees_with_itself(self) -> bool:
        """Say whether the digest of the whole is that of the rows: a merge may mix two locks."""
        latest = self.latest
        return latest.sha256 == whole_digest(self.rows) and latest.cases == len(self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """The ids of rows that differ between two states of a data set."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Say whether any row differs."""
        return bool(self.added or self.changed or self.removed)

    def summary(self) -> str:
        """Return one line such as `1 row added, 12 rows changed`."""
        return ", ".join(f"{counted(len(ids), 'row')} {what}" for what, ids in self.parts())

    def lines(self) -> list[str]:
        """Return a line for each kind of change, with the ids of some rows."""
        return [f"{what:<9}{named(ids)}" for what, ids in self.parts()]

    def parts(self) -> list[tuple[str, Sequence[str]]]:
        """Return the kinds of change that there are, with the ids of each."""
        parts = (("added", self.added), ("changed", self.changed), ("removed", self.removed))
        return [(what, ids) for what, ids in parts if ids]


def named(ids: Sequence[str]) -> str:
    """Return at most five ids, made printable, and how many more there are."""
    names = ", ".join(shorten(printable(each), _LONGEST_NAME) for each in ids[:_MOST_NAMED])
    more = len(ids) - _MOST_NAMED
    return f"{names} and {more:,} more" if more > 0 else names


def find_changes(dataset: Dataset, lock: Lock) -> Changes:
    """Return which rows of a data set are not those of its lock, in the order of the file.

    Removed rows are in no file; they come in the order of their ids.
    """
    found = row_digests(dataset)
    return Changes(
        added=tuple(each for each in found if each not in lock.rows),
        changed=tuple(each for each in found if lock.rows.get(each, found[each]) != found[each]),
        removed=tuple(sorted(each for each in lock.rows if each not in found)),
    )


def freeze(
    dataset: Dataset, old: Lock | None, *, name: str, who: str, why: str, now: datetime
) -> Lock:
    """Return the lock of a data set as it is; `old` itself where that says the same already.

    `name` is the name of the file.
    """
    rows = row_digests(dataset)
    if old is not None and old.dataset == name and old.rows == rows and old.agrees_with_itself:
        return old
    latest = Revision(
        cases=len(rows),
        sha256=whole_digest(rows),
        frozen_at=now.astimezone(UTC).replace(microsecond=0),
        who=who,
        why=why,
    )
    earlier = () if old is None else (*old.earlier, old.latest)
    return Lock(dataset=name, latest=latest, rows=rows, earlier=earlier)
