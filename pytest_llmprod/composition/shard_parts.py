"""Shard parts: what a run keeps of itself and its reports, to be joined with others."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest_llmprod
from pytest_llmprod.core.files import path_from
from pytest_llmprod.records.head import head_commit
from pytest_llmprod.settings import Settings

#: What reports of tests carry beside the row of a case: name in a stored run -> attribute.
_ATTRIBUTES = {
    "calls": "llmprod_calls",
    "wire": "llmprod_wire",
    "misses": "llmprod_misses",
    "outage": "llmprod_outage",
    "stop": "llmprod_stop",
    "drill": "llmprod_drill",
    "undrilled": "llmprod_undrilled",
    "modes": "llmprod_modes",
    "contract": "llmprod_contract",
    "scorecards": "llmprod_scorecards",
}
#: A report of this run itself that a merge does not make anew.
_KEPT = "cassettes::"


class Carried:
    """Gathers what reports carry, by the node ids of their tests."""

    def __init__(self) -> None:
        """Make one that has seen nothing."""
        self._tests: dict[str, dict[str, Any]] = {}

    @property
    def tests(self) -> Mapping[str, Mapping[str, Any]]:
        """Return node id -> what is to be kept of its reports, in the order of node ids."""
        return dict(sorted(self._tests.items()))

    def take(self, report: Any) -> None:
        """Take what a report carries, and whether it failed.

        Its text is not kept: nobody has masked what it may hold.
        """
        found = {
            name: value
            for name, attribute in _ATTRIBUTES.items()
            if (value := getattr(report, attribute, None)) is not None
        }
        is_ours = hasattr(report, "llmprod_silent") and not report.nodeid.startswith(_KEPT)
        if report.failed and not is_ours:
            found["failed"] = report.when or "call"
        if found:
            self._tests.setdefault(report.nodeid, {}).update(found)


def reports(tests: Mapping[str, Mapping[str, Any]]) -> Iterator[SimpleNamespace]:
    """Yield for each test of a stored run a report that carries what its own did."""
    for nodeid, found in tests.items():
        values = {_ATTRIBUTES[name]: value for name, value in found.items() if name in _ATTRIBUTES}
        phase = found.get("failed", "")
        yield SimpleNamespace(nodeid=nodeid, failed=bool(phase), when=phase, **values)


def settings_of(settings: Settings, inipath: Path | None) -> dict[str, Any]:
    """Return what all shards of a run have in common, as plain JSON.

    `inipath` is the configuration file of pytest.
    """
    ini = "" if inipath is None else path_from(inipath, settings.rootpath)
    return {
        "version": pytest_llmprod.__version__,
        "commit": head_commit(settings.rootpath),
        "ini": ini,
        "record": settings.record,
        "strict": settings.is_strict,
        "options": list(settings.options),
        "table_sha256": settings.table_sha256,
    }
