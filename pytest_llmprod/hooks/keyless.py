"""Keyless: a test file that cannot be imported without a key, and how a run does without one."""

import os

import pytest

from pytest_llmprod.wire.placeholder import PLACEHOLDER_KEY, named_keys


def explain(report: pytest.CollectReport, collector: pytest.Collector) -> None:
    """Add to the error of a test file how a run does without the key that its import wants.

    A file in which `llm_` stands nowhere has neither evals nor drills, and its error is left alone.
    """
    wanted = [name for name in named_keys(report.longreprtext) if not os.environ.get(name)]
    if not wanted or not isinstance(collector, pytest.File):
        return
    if b"llm_" not in collector.path.read_bytes():
        return
    lines = [
        f"A client that is built on import wants {wanted[0]}. Evals do without it:",
        "  pytest --llm-eval",
        "In other runs conftest.py can lend a key, with which nothing is recorded:",
        f'  os.environ.setdefault("{wanted[0]}", "{PLACEHOLDER_KEY}")',
    ]
    report.sections.append(("llmprod", "\n".join(lines)))
