"""Metric scope: which metrics can a test name?

Those with `@metric` in its own module, then in the conftest.py files above it, the nearest first,
then in plugins, then what hooks supply: the order in which pytest finds a fixture. Nothing is
registered anywhere, so each xdist worker finds the same ones where it has loaded them.
"""

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_llmprod.evals.metrics import Metric


def metrics_for(definition: Any) -> "Mapping[str, Metric]":
    """Return the metrics that the test function of `definition`, an item, can name.

    Raises MetricError where two functions of one module have one name.
    """
    from pytest_llmprod.evals.metrics.own import metrics_in  # only runs with evals need it

    known: dict[str, Metric] = {}
    for module in _modules(definition):
        for name, metric in metrics_in(module).items():
            known.setdefault(name, metric)
    for supplied in definition.ihook.pytest_llmprod_metrics():
        for name, metric in supplied.items():
            known.setdefault(name, metric)
    return known


def _modules(definition: Any) -> Iterator[ModuleType]:
    """Yield the test's module, its conftest modules from near to far, and the plugins' modules."""
    yield definition.module
    conftests, others = [], []
    for plugin in definition.config.pluginmanager.get_plugins():
        if not isinstance(plugin, ModuleType):
            continue
        path = Path(getattr(plugin, "__file__", None) or "")
        if path.name != "conftest.py":
            others.append(plugin)
        elif definition.path.is_relative_to(path.parent):
            conftests.append((len(path.parts), plugin))
    yield from (plugin for _, plugin in sorted(conftests, key=lambda each: -each[0]))
    yield from sorted(others, key=lambda plugin: plugin.__name__)
