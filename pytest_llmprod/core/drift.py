"""Drift: how what a model answers now differs from what was recorded."""

from dataclasses import dataclass, fields
from typing import Literal

Likeness = Literal["same", "text", "behaviour", "unrecorded", "unasked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """How a live answer compares with its recording.

    `likeness` is `text` where they differ in words only and `behaviour` where a program would act
    on the difference; `what` says it in one short line. An `unasked` one is a recording for which
    the test did not ask: it has no live answer. `asked` is the model that was asked, `before` and
    `now` are the names under which it answered.
    """

    nodeid: str
    likeness: Likeness
    what: str
    asked: str
    before: str
    now: str

    def to_dict(self) -> dict[str, str]:
        """Return the comparison as plain JSON."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Drift:
    """A model that answered under another name than before: its alias has moved on.

    `asked` is the name by which it was asked, `before` and `now` are those by which it answered.
    """

    asked: str
    before: str
    now: str
