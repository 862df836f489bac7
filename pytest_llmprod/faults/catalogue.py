"""Catalogue: every way in which a provider fails, by name and by group."""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from pytest_llmprod.core.errors import FaultError
from pytest_llmprod.faults.declined import DECLINED
from pytest_llmprod.faults.fault import GROUPS, Fault
from pytest_llmprod.faults.garbled import GARBLED
from pytest_llmprod.faults.refused import REFUSED
from pytest_llmprod.faults.streams import STREAMS
from pytest_llmprod.faults.unreachable import UNREACHABLE

CATALOGUE: Mapping[str, Fault] = {
    fault.name: fault for fault in (*UNREACHABLE, *REFUSED, *GARBLED, *DECLINED, *STREAMS)
}


def select(wanted: Any) -> tuple[Fault, ...]:
    """Return the faults that "all", a group, a name, or a list of these names.

    Each comes once, in the order in which it is named. Raises FaultError for what is none of them.
    """
    found: dict[str, Fault] = {}
    for name in [wanted] if isinstance(wanted, str) else wanted:
        for fault in _named(name):
            found[fault.name] = fault
    if not found:
        raise FaultError(f'faults= names no fault. Write faults="all" or {GROUPS}.')
    return tuple(found.values())


def _named(name: Any) -> Sequence[Fault]:
    if isinstance(name, Fault):
        return [name]
    if name == "all":
        return list(CATALOGUE.values())
    if name in GROUPS:
        return [fault for fault in CATALOGUE.values() if fault.group == name]
    if name in CATALOGUE:
        return [CATALOGUE[name]]
    known = ["all", *GROUPS, *CATALOGUE]
    close = difflib.get_close_matches(str(name), known, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    raise FaultError(
        f"there is no fault {name!r}.{hint} Known are 'all', the groups {', '.join(GROUPS)}, and "
        f"the names in docs/faults.md."
    )
