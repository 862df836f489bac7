"""Unasked: evals that are left out for want of --llm-eval, and what is said of them."""

from collections.abc import Iterator

import pytest

from pytest_llmprod.hooks.stash import DESELECTED, UNASKED


def note(item: pytest.Item) -> None:
    """Keep the name of an eval that was collected, but is not to run."""
    item.config.stash[UNASKED].add(_name_in_file(item.nodeid))


def lines(reporter: pytest.TerminalReporter, exitstatus: int) -> Iterator[str]:
    """Yield how many evals were left out, and which option finds a case that the command names."""
    config = reporter.config
    count, names = config.stash[DESELECTED], config.stash[UNASKED]
    if count and reporter.verbosity >= -1:
        tests = "1 eval was" if count == 1 else f"{count} evals were"
        yield f"llmprod: {tests} deselected; run with --llm-eval"
    is_named = any(each.endswith("]") and _name_in_file(each) in names for each in config.args)
    if is_named and exitstatus == pytest.ExitCode.USAGE_ERROR:
        yield "llmprod: the cases of an eval are found with --llm-eval"


def _name_in_file(nodeid: str) -> str:
    """Return the name of a test without its file and its parameters."""
    return nodeid.partition("::")[2].partition("[")[0]
