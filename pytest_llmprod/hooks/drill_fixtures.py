"""Drill fixtures: faults, scripts and spies for tests, each a few lines.

What makes them is imported where the first test asks for one.
"""

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from pytest_llmprod.hooks.drilling import DRILL, PLACE, bench_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_llmprod.composition.contracts import GuardedPlace
    from pytest_llmprod.composition.drills import DrillFault, HandFaults
    from pytest_llmprod.faults.script import Script
    from pytest_llmprod.faults.server import FaultServer
    from pytest_llmprod.faults.spies import Spy


@pytest.fixture
def llm_fault(request: pytest.FixtureRequest) -> "DrillFault":
    """Return the fault of this item, in a test marked with `llm_drill`."""
    drill = request.node.stash.get(DRILL, None)
    if drill is None:
        pytest.fail(
            "llm_fault has a value only in a test that is marked with "
            '@pytest.mark.llm_drill(feature="...", fallback="package.module:callable"). To inject '
            "faults by hand, use llm_faults.",
            pytrace=False,
        )
    from pytest_llmprod.composition.drills import DrillFault

    return DrillFault(drill)


@pytest.fixture
def llm_faults(request: pytest.FixtureRequest) -> "HandFaults":
    """Return what injects faults by hand: `llm_faults.inject("rate-limit", "ok")`."""
    from pytest_llmprod.composition.drills import HandFaults

    return HandFaults(bench_of(request))


@pytest.fixture
def llm_script(request: pytest.FixtureRequest) -> "Script":
    """Return a script of answers for this test: `llm_script.reply("Yes.")`."""
    return bench_of(request).script


@pytest.fixture
def llm_server(request: pytest.FixtureRequest) -> "FaultServer":
    """Return a provider on loopback that serves the script and the faults of this test.

    `llm_server.url` is the base URL; OPENAI_BASE_URL and ANTHROPIC_BASE_URL name it, for processes
    that the test starts too. Time is real.
    """
    server = bench_of(request).server
    assert server is not None, "a test that names llm_server has one"
    return server


@pytest.fixture
def llm_fallback(request: pytest.FixtureRequest) -> "Iterator[Callable[[str], Spy]]":
    """Return a function that watches a callable: `llm_fallback("app.rules:triage_by_rules")`.

    The callable runs as ever; the spy says how often it was called and what it returned.
    """
    bench = bench_of(request)
    with ExitStack() as stack:
        yield lambda path: stack.enter_context(bench.spy(path).watching(bench.root))


@pytest.fixture
def llm_place(request: pytest.FixtureRequest) -> "GuardedPlace":
    """Return the place of this item, in a test marked with `llm_guardrail`.

    `llm_place.check(lambda: reply("Where is my parcel?"))` lets a model answer with the secret at
    this place, and fails where the application shows it.
    """
    from pytest_llmprod.composition.contracts import GuardedPlace

    place = GuardedPlace(bench_of(request), request.param, skip=pytest.skip)
    request.node.stash[PLACE] = place
    return place
