"""Fuzz: what `--llm-fuzz` adds to a run: its profile, and files of what it finds."""

from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import pytest

from pytest_llmprod.core.errors import RegressionError
from pytest_llmprod.core.text import printable
from pytest_llmprod.strategies import found, fuzzing

_WATCH = pytest.StashKey[fuzzing.Watch]()
_PROPERTIES = "llmprod_properties"  # of what a worker sends at its end
_WHOLE = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)


class Fuzz:
    """Registered only where `--llm-fuzz` is given, in each process that runs tests."""

    def __init__(self, rootpath: Path, examples: int) -> None:
        """Remember what the run was asked for."""
        self._rootpath = rootpath
        self._examples = examples
        self._properties = 0

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        """Load the profile: after those of a conftest.py, and before a test is decorated."""
        fuzzing.load_profile(self._examples, self._rootpath)

    @pytest.hookimpl
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Count the tests to which the option says something."""
        tests = (getattr(item, "obj", None) for item in session.items)
        self._properties = sum(fuzzing.is_property(test) for test in tests)

    @pytest.hookimpl
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Tell the controller how many there were: it collects nothing."""
        if hasattr(session.config, "workeroutput"):
            session.config.workeroutput[_PROPERTIES] = self._properties

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take from a worker how many there were; one that crashed may have had some."""
        self._properties += getattr(node, "workeroutput", {}).get(_PROPERTIES, 1)

    @pytest.hookimpl
    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter, exitstatus: pytest.ExitCode
    ) -> None:
        """Say that there was none; of a run that was broken off nobody knows."""
        if self._properties == 0 and exitstatus in _WHOLE:
            terminalreporter.write_line(
                "llmprod: --llm-fuzz had no test with @given to try; see docs/strategies.md"
            )

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
