"""Outages: why a test of a recording run got no answer from a model, noted on its report."""

from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

from pytest_llmprod.core.exchange import Exchange, calls_of
from pytest_llmprod.fixtures import TRIAL

if TYPE_CHECKING:
    from pytest_llmprod.composition.trial import Trial


class OutageNotes:
    """Notes the reason on the last report of a test; a run that replays does without."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Note why nobody answered, before the Recorder ends the trial."""
        report = yield
        trial = item.stash.get(TRIAL, None)
        if trial is not None and call.when == "teardown":
            reason = outage_of(trial)
            if reason:
                report.llmprod_outage = reason  # type: ignore[attr-defined]  # xdist carries it
        return report


def outage_of(trial: "Trial") -> str:
    """Return why nobody answered a test, or ''.

    A case of an eval may hide that with a fallback. Another test has failed, or it wanted to see
    how the application handles a failure.
    """
    suite, calls, trace = trial.suite, trial.tape.calls, trial.trace
    if trial.tape.spend_stop is not None or trial.tape.refused:  # nobody was asked
        return ""
    unheard = [call.last for call in calls_of(trial.tape.judged) if call.last.is_outage]
    if unheard:  # a judge, which the application does not know
        return reason_of(unheard[0])
    if suite is not None and suite.outputs is not None:
        return ""
    is_error = trace.outcome == "error"
    if not calls:
        return trace.why if suite is not None and is_error else ""
    if not (suite is not None or is_error) or not all(each.last.is_outage for each in calls):
        return ""
    return reason_of(calls[0].last)


def reason_of(exchange: Exchange) -> str:
    """Return in a few words why an exchange is an outage."""
    if exchange.is_model_unknown:
        return f"status {exchange.status}, no model {exchange.model_requested} at this address"
    return exchange.failure or f"status {exchange.status}"
