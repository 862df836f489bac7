"""Hooks: what other plugins may supply.

Implement them in a conftest.py or a plugin, like any hook of pytest. What is built in comes in
through the same hooks. `docs/hooks.md` shows an example of each that runs.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_llmprod.budgets.prices import PriceList
    from pytest_llmprod.core.exchange import Exchange
    from pytest_llmprod.core.results import RunResult, SuiteResult
    from pytest_llmprod.core.verdict import Verdict
    from pytest_llmprod.evals.metrics import Metric
    from pytest_llmprod.wire.dialects import Dialect
    from pytest_llmprod.wire.masking import Scanner


@pytest.hookspec
def pytest_llmprod_dialects() -> "Sequence[Dialect]":
    """Return dialects that read further providers; they are asked before the built-in ones."""
    return ()


@pytest.hookspec
def pytest_llmprod_metrics() -> "Mapping[str, Metric]":
    """Return metrics by name: functions of (output, expected) that return a score in 0..1.

    A conftest.py supplies them to the tests at and below its folder, like its fixtures.
    """
    return {}


@pytest.hookspec
def pytest_llmprod_scanners() -> "Sequence[Scanner]":
    """Return functions that find what must not be stored; findings are masked in every file."""
    return ()


@pytest.hookspec
def pytest_llmprod_prices(folder: Path, rootpath: Path) -> "PriceList | None":
    """Return the prices for the tests in `folder`; the first list that knows a model wins.

    It is asked once for each folder with tests that ask a model, in each process that runs some.
    """
    return None


@pytest.hookspec
def pytest_llmprod_exchange(exchange: "Exchange") -> None:
    """See an exchange that has just come to its end, in the process that made it."""


@pytest.hookspec(firstresult=True)
def pytest_llmprod_verdict(result: "SuiteResult") -> "Verdict | None":
    """Return a verdict in place of `result.verdict`, or None to leave it."""
    return None


@pytest.hookspec
def pytest_llmprod_summary(result: "RunResult") -> "Sequence[str]":
    """Return further lines for the terminal summary, each at most 80 columns."""
    return ()
