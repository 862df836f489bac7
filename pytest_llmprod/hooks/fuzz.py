"""Fuzz: what `--llm-fuzz` adds to a run: its profile, and files of what it finds."""

from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import pytest

from pytest_llmprod.core.errors import RegressionError
from pytest_llmprod.core.text import printable
from pytest_llmprod.strategies import found, fuzzing

_WATCH = pytest.StashKey[fuzzing.Watch]()


class Fuzz:
    """Registered only where `--llm-fuzz` is given, in each process that runs tests."""

    def __init__(self, rootpath: Path, examples: int) -> None:
        """Remember what the run was asked for."""
        self._rootpath = rootpath
        self._examples = examples

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        """Load the profile: after those of a conftest.py, and before a test is decorated."""
        fuzzing.load_profile(self._examples, self._rootpath)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """Watch with which arguments a property fails."""
        with fuzzing.watched(getattr(item, "obj", None)) as watch:
            item.stash[_WATCH] = watch
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Write down the simplest example on which the property failed, and say where it is."""
        report = yield
        watch = item.stash.get(_WATCH, None)
        if watch is not None and call.when == "call" and report.failed and call.excinfo:
            for arguments in watch.arguments_of(call.excinfo.value):
                report.sections.append(("llmprod", self._written(item, arguments)))
        return report

    def _written(self, item: pytest.Item, arguments: Mapping[str, Any]) -> str:
        """Write the arguments that were drawn, which no fixture has given, and say where."""
        given = {"self", *getattr(item, "funcargs", {})}
        drawn = {name: value for name, value in arguments.items() if name not in given}
        try:
            path = found.write(item.path, getattr(item, "obj", None), item.nodeid, drawn)
        except RegressionError as error:
            return f"The failing example is not kept. {printable(str(error))}"
        is_below = path.is_relative_to(self._rootpath)
        place = path.relative_to(self._rootpath) if is_below else path
        kept = f"The failing example is kept in {place}\nCommit it"
        if found.is_run_on_files(getattr(item, "obj", None)):
            return f"{kept}: each run tries it first."
        return f"{kept}, and put @llm_st.regressions above the test: each run tries it first then."
