"""Selfchecking: a run of pytest that collects a project, runs no test, and tries its gates.

It is a run of pytest so that markers, settings, plugins and conftest.py files are those of a run.
"""

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from pytest_llmprod import markers
from pytest_llmprod.composition import drills
from pytest_llmprod.composition.proofs import prove
from pytest_llmprod.composition.proving import Budgeted, Drilled, Project, Proof
from pytest_llmprod.core.errors import HandoffError, LlmprodError
from pytest_llmprod.fixtures import MAKE_SESSION
from pytest_llmprod.hooks.stash import SETTINGS

if TYPE_CHECKING:
    from pytest_llmprod.evals.suite import Suite
    from pytest_llmprod.settings import Settings

_LONGEST = 4000


class Prover:
    """Tries the gates of what was collected."""

    def __init__(self) -> None:
        """Make one that has tried nothing."""
        self.proofs: list[Proof] | None = None
        self.problem = ""
        self.suites = 0

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Try them: pytest has no error by now, and runs no test after it."""
        try:
            project = _project(session)
            self.suites = len(project.suites)
            self.proofs = prove(project)
        except LlmprodError as error:
            self.problem = str(error)


def _project(session: pytest.Session) -> Project:
    config = session.config
    settings = config.stash[SETTINGS]()
    functions = [item for item in session.items if isinstance(item, pytest.Function)]
    known = config.stash[MAKE_SESSION]().suites
    evals = {_function_of(item) for item in functions if markers.is_eval(item)}
    suites = {name: suite for name, suite in known.items() if name in evals}
    return Project(
        settings=settings,
        suites=tuple(suites.values()),
        budgeted=tuple(_budgeted(functions, suites, settings)),
        drilled=tuple(_drilled(functions)),
        scanners=tuple(each for part in config.hook.pytest_llmprod_scanners() for each in part),
        overrule=lambda result: config.hook.pytest_llmprod_verdict(result=result),
        now=datetime.now(UTC),
    )


def _function_of(item: pytest.Function) -> str:
    return f"{item.parent.nodeid if item.parent else ''}::{item.originalname}"


def _budgeted(
    functions: Sequence[pytest.Function], suites: "Mapping[str, Suite]", settings: "Settings"
) -> Iterator[Budgeted]:
    for item in functions:
        test = _function_of(item)
        feature = suites[test].feature if test in suites else ""
        budgets = markers.budgets(item, settings.features)
        if budgets or feature:
            yield Budgeted(test=test, feature=feature, case=item.name, budgets=budgets)


def _drilled(functions: Sequence[pytest.Function]) -> Iterator[Drilled]:
    found: dict[str, Drilled] = {}
    for item in functions:
        marker, test = item.get_closest_marker("llm_drill"), _function_of(item)
        if marker is not None and test not in found:
            where = f"{test}: @pytest.mark.llm_drill"
            found[test] = Drilled(
                test=test,
                spec=drills.read_spec(where, marker.kwargs),
                faults=drills.read_faults(where, marker.kwargs),
            )
    return iter(found.values())


def run(places: Sequence[str]) -> Prover:
    """Collect what is at `places`, the whole project where there are none, and try its gates.

    Raises HandoffError where it cannot be collected.
    """
    prover, printed = Prover(), io.StringIO()
    options = ["--collect-only", "-q", "--llm-eval", "-p", "no:cacheprovider"]
    options += ["-W", "ignore:Module already imported so cannot be rewritten"]  # nor is it to be
    with redirect_stdout(printed), redirect_stderr(printed):
        status = pytest.main([*options, *places], plugins=[prover])
    if prover.problem:
        raise HandoffError(prover.problem)
    if prover.proofs is None or status not in (pytest.ExitCode.OK, *_EMPTY):
        told = printed.getvalue().strip()[-_LONGEST:]
        raise HandoffError(f"the tests cannot be collected. `pytest --collect-only` says:\n{told}")
    return prover


_EMPTY = (pytest.ExitCode.NO_TESTS_COLLECTED,)
