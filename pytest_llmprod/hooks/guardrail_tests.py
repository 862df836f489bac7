"""Guardrail tests: which way to fail each covers, and what came of it, on its report."""

from collections.abc import Generator

import pytest

from pytest_llmprod.core.mode_test import KINDS, ModeTest

_MARK = "llm_guardrail"


def is_one(item: pytest.Item) -> bool:
    """Say whether a test is marked as one of a guardrail."""
    return item.get_closest_marker(_MARK) is not None


class GuardrailTests:
    """Registered only where a test of a guardrail was collected, in each process that runs tests.

    `examples` is how many inputs each property tries, 0 where that is left to Hypothesis.
    """

    def __init__(self, items: list[pytest.Item], examples: int) -> None:
        """Read the markers; raise UsageError where one names no feature, or no known kind."""
        self._examples = examples
        for item in items:
            for marker in item.iter_markers(_MARK):
                _feature_and_kind(item, marker)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Put what a test covers on the report that decides whether it passed."""
        report = yield
        is_decisive = report.when == "call" or report.failed
        if is_decisive and not report.skipped and is_one(item):
            report.llmprod_modes = [  # type: ignore[attr-defined]  # xdist carries it
                self._mode(item, marker, passed=report.passed).to_json()
                for marker in item.iter_markers(_MARK)
            ]
        return report

    def _mode(self, item: pytest.Item, marker: pytest.Mark, *, passed: bool) -> ModeTest:
        feature, kind = _feature_and_kind(item, marker)
        is_property = hasattr(getattr(item, "obj", None), "hypothesis")
        return ModeTest(
            feature=feature,
            mode=KINDS[kind],
            test=item.nodeid,
            passed=passed,
            kind=kind,
            examples=self._examples if is_property else 0,
        )


def _feature_and_kind(item: pytest.Item, marker: pytest.Mark) -> tuple[str, str]:
    feature, kind = marker.kwargs.get("feature"), marker.kwargs.get("kind", "")
    if not isinstance(feature, str) or not feature.strip():
        raise pytest.UsageError(
            f"{item.nodeid}: @pytest.mark.{_MARK}: feature must be a name, not {feature!r}."
        )
    if kind not in KINDS:
        known = ", ".join(filter(None, KINDS))
        raise pytest.UsageError(
            f"{item.nodeid}: @pytest.mark.{_MARK}: there is no kind {kind!r}. Known are {known}."
        )
    return feature, kind
