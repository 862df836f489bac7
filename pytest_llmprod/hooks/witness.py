"""Witness: lets the reports of tests say of what they are evidence, in the process they run in."""

from collections.abc import Generator
from typing import Any

import pytest

_CONTRACT = "llm_records"


def is_evidence(item: pytest.Item) -> bool:
    """Say whether a test is one of a guardrail, or of the application's own log."""
    is_guard = item.get_closest_marker("llm_guardrail") is not None
    return is_guard or _CONTRACT in getattr(item, "fixturenames", ())


class Witness:
    """The hooks; registered where a collected test is evidence of something."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Put on each report of a test of what it is evidence."""
        report = yield
        if is_evidence(item):
            report.llmprod_evidence = _told(item)  # type: ignore[attr-defined]  # xdist carries it
        return report


def _told(item: pytest.Item) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    # A test that never asks what the records show, or that calls no model, is no evidence.
    if getattr(_fixture(item, _CONTRACT), "explained", 0):
        rows.append({"kind": "contract"})
    for marker in item.iter_markers("llm_guardrail"):
        feature, guard = marker.kwargs.get("feature"), marker.kwargs.get("kind")
        if isinstance(feature, str) and isinstance(guard, str):
            rows.append({"kind": "guardrail", "feature": feature, "guard": guard})
    return rows


def _fixture(item: pytest.Item, name: str) -> Any:
    """Return the value of a fixture of a test, None where it has none yet."""
    return (getattr(item, "funcargs", None) or {}).get(name)
