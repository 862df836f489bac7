"""Untaped: tests without a tape, whose requests must not hold what is forbidden either."""

from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

from pytest_llmprod.hooks.outcomes import fail

if TYPE_CHECKING:
    from pytest_llmprod.session import Session


class Untaped:
    """Fails a test during which a request was refused that is on no tape."""

    def __init__(self, session: "Session") -> None:
        """Look at all requests from now on."""
        self._session = session
        session.wiring.intercept.install()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Fail the phase in which it was refused: the application may have swallowed the error."""
        report = yield
        untold = self._session.wiring.untold_refusals()
        if untold:
            fail(report, "\n\n".join(untold))
        return report
