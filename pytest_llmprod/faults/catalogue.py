"""Catalogue: every way in which a provider fails, by name and by group."""

from collections.abc import Mapping
from typing import Any

from pytest_llmprod.core.fault_names import expanded
from pytest_llmprod.faults.declined import DECLINED
from pytest_llmprod.faults.fault import Fault
from pytest_llmprod.faults.garbled import GARBLED
from pytest_llmprod.faults.refused import REFUSED
from pytest_llmprod.faults.streams import STREAMS
from pytest_llmprod.faults.switched_off import SWITCHED_OFF
from pytest_llmprod.faults.unreachable import UNREACHABLE

CATALOGUE: Mapping[str, Fault] = {
    fault.name: fault for fault in (*UNREACHABLE, *REFUSED, *GARBLED, *DECLINED, *STREAMS)
}


#: What a drill may be about: all of these, and what the gates file says.
DRILLED: Mapping[str, Fault] = {**CATALOGUE, **{fault.name: fault for fault in SWITCHED_OFF}}


def select(wanted: Any) -> tuple[Fault, ...]:
    """Return the faults of drills that "all", a group, a name, or a list of these names.

    Each comes once, in the order in which it is named. Raises FaultError for what is none of them.
    """
    return tuple(DRILLED[name] for name in expanded(wanted, gate=True))
