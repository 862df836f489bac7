"""Proving: what is known of a project whose gates are tried, and what a try has found."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from pytest_llmprod.budgets.expression import Expression
from pytest_llmprod.core.results import SuiteResult
from pytest_llmprod.core.verdict import Verdict
from pytest_llmprod.evals.suite import Suite
from pytest_llmprod.faults.drill import DrillSpec
from pytest_llmprod.faults.fault import Fault
from pytest_llmprod.settings import Settings
from pytest_llmprod.wire.masking import Scanner


@dataclass(frozen=True, slots=True, kw_only=True)
class Budgeted:
    """A test whose calls have budgets: its function, its feature ('' for none) and its case."""

    test: str
    feature: str
    case: str
    budgets: tuple[Expression, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drilled:
    """A drill: its function, what its marker declares, and its faults."""

    test: str
    spec: DrillSpec
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """What was collected of a project; `overrule` asks its plugins about a verdict."""

    settings: Settings
    suites: tuple[Suite, ...]
    budgeted: tuple[Budgeted, ...]
    drilled: tuple[Drilled, ...]
    scanners: tuple[Scanner, ...]
    overrule: Callable[[SuiteResult], Verdict | None]
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a check found of one gate, in one sentence: `is_proven` says that the gate can fail."""

    is_proven: bool
    text: str
