"""Facts: what lies on the disk of a project, as the lines of the checklist ask for it.

Paths are relative to the project. `auditing` gathers them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pytest_llmprod.core.history import Row
from pytest_llmprod.handoff.audit.marks import Mark
from pytest_llmprod.handoff.audit.ownership import Named
from pytest_llmprod.handoff.audit.runbook_file import Runbook
from pytest_llmprod.handoff.audit.workflows import Ci


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetFact:
    """A data set: how many cases, and when each of its revisions was frozen, the oldest first.

    `problem` says why it cannot be read, or what differs from its lock; '' where all is well.
    `lock` is the path of the lock, '' where there is none.
    """

    path: str
    cases: int = 0
    lock: str = ""
    frozen_at: tuple[datetime, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetFact:
    """A budget: what it bounds, its text, and where it stands; '' as the feature is all of them."""

    feature: str
    function: str
    quantity: str
    text: str
    path: str
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GateFact:
    """What the last whole run decided of one feature; `line` is that in the gates file."""

    feature: str
    is_open: bool
    why: str
    models: tuple[str, ...]
    valid_until: datetime | None
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GatesFact:
    """The gates file: the run that wrote it, when, and what it decided."""

    path: str
    run: str = ""
    when: str = ""
    gates: Mapping[str, GateFact] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedFact:
    """The accepted run: when, and how many cases missed of how many, by feature.

    `moment` is when it started, None where that is not known, and `unsurvived` counts the faults
    that each feature did not survive in it.
    """

    path: str
    run: str = ""
    when: str = ""
    moment: datetime | None = None
    misses: Mapping[str, int] = field(default_factory=dict)
    cases: Mapping[str, int] = field(default_factory=dict)
    unsurvived: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingsFact:
    """The recordings of the evals of a feature in one cassette.

    `asked` and `answered` are names of models; `oldest` is when the oldest was recorded, None where
    that is not known.
    """

    feature: str
    path: str
    asked: tuple[str, ...]
    answered: tuple[str, ...]
    oldest: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PricesFact:
    """The price lock; `problem` says why it cannot be read, and `models` are those with a price."""

    path: str
    locked_on: str = ""
    source: str = ""
    models: frozenset[str] = frozenset()
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFact:
    """The request log: what it keeps, and what stands in the newest run, '' where there is none.

    `ignored_at` is the file, with the line, that keeps it out of version control, and `committed`
    are files of it that are there all the same. `leaks` are kinds of personal data in the newest
    run that no data set holds; `problem` says why not all of that run was searched.
    """

    mode: str
    retention_days: int
    run: str = ""
    when: str = ""
    leaks: tuple[str, ...] = ()
    problem: str = ""
    ignored_at: tuple[str, int] = ("", 0)
    committed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFact:
    """The report that people look at: its run and when that began; '' where it is no such page."""

    path: str
    run: str = ""
    when: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFact:
    """Which version of a model `[tool.llmprod.features]` names, and which is to replace it."""

    model: str = ""
    replacement: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that an audit knows.

    `datasets` and `models` are by path and by feature. `runbook_named` is the file that the
    settings name as the runbook. A recording is too old after `max_age_days`, a rehearsal after
    `drill_every_days`.
    """

    now: datetime
    features: tuple[str, ...]
    marks: Sequence[Mark] = ()
    datasets: Mapping[str, DatasetFact] = field(default_factory=dict)
    budgets: Sequence[BudgetFact] = ()
    gates: GatesFact
    accepted: AcceptedFact | None = None
    recordings: Sequence[RecordingsFact] = ()
    prices: PricesFact | None = None
    models: Mapping[str, ModelFact] = field(default_factory=dict)
    log: LogFact
    page: PageFact
    history: Sequence[Row] = ()
    ci: Ci = field(default_factory=Ci)
    runbook: Runbook | None = None
    runbook_named: str = ""
    owner: Named | None = None
    on_call: Named | None = None
    max_age_days: int = 90
    drill_every_days: int = 90

    def marked(self, name: str, feature: str, **arguments: str) -> list[Mark]:
        """Return the markers of this name for a feature, with these arguments where given."""
        return [
            mark
            for mark in self.marks
            if mark.name == name
            and mark.text("feature") == feature
            and all(mark.text(key) == value for key, value in arguments.items())
        ]

    def rows(self, kind: str, feature: str = "") -> list[Row]:
        """Return the rows of the history of one kind, of a feature where one is given."""
        return [
            row
            for row in self.history
            if row.kind == kind and (not feature or row.text("feature") == feature)
        ]
