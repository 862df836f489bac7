"""Fallback only: what `--llm-fallback-only` adds to a run: time that no retry takes."""

from collections.abc import Generator
from contextlib import ExitStack

import pytest

from pytest_llmprod.core.virtual_time import VirtualClock
from pytest_llmprod.fixtures import TRIAL

_TIME = pytest.StashKey[ExitStack]()


class FallbackOnly:
    """Registered only where `--llm-fallback-only` is given, in each process that runs tests."""

    @pytest.hookimpl
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Let clients that try again wait in virtual time, from a task or a fixture on."""
        trial = item.stash.get(TRIAL, None)
        if trial is None or trial.suite is None:
            return
        stack = item.stash[_TIME] = ExitStack()
        stack.enter_context(VirtualClock().running(item.config.rootpath))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, object, object]:
        """Give the time back."""
        try:
            return (yield)
        finally:
            if _TIME in item.stash:
                item.stash[_TIME].close()
                del item.stash[_TIME]
