"""Emitted: test reports that no test made, of gates and comparisons for instance."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

from pytest_llmprod.core.text import printable
from pytest_llmprod.evals.standing import function_of

if TYPE_CHECKING:
    from pytest_llmprod.core.budget_result import BudgetResult
    from pytest_llmprod.core.results import SuiteResult


def nodeid_of(test: str, kind: str) -> str:
    """Return the node id of a report of some `kind` on a suite, its parameters last.

    >>> nodeid_of("t.py::test_a[en]", "answered")
    't.py::test_a::answered[en]'
    """
    function = function_of(test)
    return f"{function}::{kind}{test.removeprefix(function)}"


def report(
    session: pytest.Session,
    nodeid: str,
    failure: str,
    properties: Sequence[tuple[str, object]] = (),
) -> None:
    """Log a test report that no test made: passed, or failed with a text.

    JUnit keeps the `properties`.
    """
    config = session.config
    nodeid = printable(nodeid)  # a test of the accepted run may be called anything
    location = (nodeid.partition("::")[0], None, nodeid.partition("::")[2])
    made, teardown = (
        pytest.TestReport(
            nodeid=nodeid,
            location=location,
            keywords={},
            outcome="failed" if failure and when == "call" else "passed",
            longrepr=failure or None if when == "call" else None,
            when=when,
            user_properties=list(properties),
        )
        for when in ("call", "teardown")
    )
    hook = config.hook
    # Without -v pytest has drawn its last dot and 100 % by now: only a verbose run gets a line.
    is_silent = config.get_verbosity(pytest.Config.VERBOSITY_TEST_CASES) <= 0
    if not is_silent:
        session.testscollected += 1  # or its line would read [101%]
        hook.pytest_runtest_logstart(nodeid=nodeid, location=location)
    made.llmprod_silent = is_silent  # type: ignore[attr-defined]  # for teststatus
    hook.pytest_runtest_logreport(report=made)
    made.llmprod_silent = False  # type: ignore[attr-defined]  # the final list names it
    hook.pytest_runtest_logreport(report=teardown)  # JUnit writes properties at a teardown
    if not is_silent:
        hook.pytest_runtest_logfinish(nodeid=nodeid, location=location)
    # Nobody can select a gate: --lf would carry it along for ever.
    last_failed = getattr(config.pluginmanager.get_plugin("lfplugin"), "lastfailed", {})
    last_failed.pop(getattr(made, "id", nodeid), None)


def report_gate(session: pytest.Session, suite: "SuiteResult") -> None:
    """Log the gate of a suite that was judged: failed where it is closed."""
    verdict = suite.verdict
    if verdict is None:
        return
    text = f"the gate of {suite.feature!r} is closed: {verdict.name}, {verdict.reason}"
    properties = [
        ("llmprod_feature", suite.feature),
        ("llmprod_metric", suite.metric),
        ("llmprod_score", f"{suite.score:.6f}"),
        ("llmprod_threshold", suite.threshold),
        ("llmprod_verdict", verdict.name),
    ]
    report(session, suite.gate_nodeid, "" if verdict.is_open else text, properties)


def report_budget(session: pytest.Session, budget: "BudgetResult", *, is_strict: bool) -> None:
    """Log a budget that was judged: failed where it is not kept.

    In a strict run also where nobody knows whether it is.
    """
    from pytest_llmprod.report import budgets  # only a run with budgets needs it

    failing = ("FAIL", "INCONCLUSIVE") if is_strict else ("FAIL",)
    text = budgets.failure_text(budget) if budget.verdict in failing else ""
    properties: list[tuple[str, object]] = [
        ("llmprod_budget", budget.budget),
        ("llmprod_verdict", budget.verdict),
        ("llmprod_calls", budget.calls),
    ]
    if budget.observed is not None and budget.observed.is_finite():
        properties.append(("llmprod_observed", f"{budget.observed:f}"))
    report(session, budget.nodeid, text, properties)
