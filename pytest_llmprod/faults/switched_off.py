"""Switched off: what the gates file may say, or not say, in a drill."""

from collections.abc import Mapping

from pytest_llmprod.core.fault_names import GATE_NAMES
from pytest_llmprod.faults.fault import Fault

_WHAT: Mapping[str, str] = {
    "gate-closed": "the gate of the feature is closed",
    "gate-file-missing": "there is no gates file",
    "gate-file-broken": "the gates file is cut short",
}

#: What no request meets: the application is not to send one.
SWITCHED_OFF: tuple[Fault, ...] = tuple(
    Fault(
        name=name,
        group="gate",
        what=_WHAT[name],
        build=lambda asked, good: None,
        retryable=True,
        billable=False,
    )
    for name in GATE_NAMES
)
