"""Stash: under which keys the parts of the plugin keep what they share."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_llmprod.settings import Settings

RUN_ID: pytest.StashKey[str] = pytest.StashKey()
#: How many evals were left out for want of --llm-eval, and how many by anything else.
DESELECTED: pytest.StashKey[int] = pytest.StashKey()
NARROWED: pytest.StashKey[int] = pytest.StashKey()
#: The names of the evals that were left out for want of --llm-eval, as their files have them. Also
#: where a command has named a case, of which pytest finds nothing without the option.
UNASKED: pytest.StashKey[set[str]] = pytest.StashKey()
#: The suites of the latter.
LEFT_OUT: pytest.StashKey[set[str]] = pytest.StashKey()
#: Why the request log, or what is to be dropped of it, is not as it should be.
LOG_PROBLEM: pytest.StashKey[str] = pytest.StashKey()
SETTINGS: "pytest.StashKey[Callable[[], Settings]]" = pytest.StashKey()
