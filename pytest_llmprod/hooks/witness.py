"""Witness: says on the reports of tests whether the application's own log was shown to be whole."""

from collections.abc import Generator
from typing import Any

import pytest

_FIXTURE = "llm_records"


def has_records(item: pytest.Item) -> bool:
    """Say whether a test collects the application's own records."""
    return _FIXTURE in getattr(item, "fixturenames", ())


class Witness:
    """The hooks; registered where a test that collects records was collected."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Put on the report that decides whether its records explained what the test has asked.

        A test that never asks what they show, or that calls no model, is no evidence.
        """
        report = yield
        if has_records(item):
            records: Any = (getattr(item, "funcargs", None) or {}).get(_FIXTURE)
            is_shown = report.when == "call" and getattr(records, "explained", 0) > 0
            if report.failed or (is_shown and report.passed):
                report.llmprod_contract = report.passed  # type: ignore[attr-defined]  # xdist
        return report
