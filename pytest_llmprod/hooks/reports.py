"""Reports: what a run leaves behind for people and for scripts, with the audit where it is wanted.

What it imports at the top is light, for the Collector is part of every pytest run.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from pytest_llmprod.core.errors import LlmprodError
from pytest_llmprod.hooks.stash import SETTINGS

if TYPE_CHECKING:
    from pytest_llmprod.core.checklist import Audit
    from pytest_llmprod.core.results import RunResult
    from pytest_llmprod.settings import Settings

_STEP_SUMMARY = "GITHUB_STEP_SUMMARY"


class Reports:
    """The files of one run, and the audit that stands in them and closes the summary.

    A project is audited once in a run, so that all of these say the same.
    """

    def __init__(self, config: pytest.Config) -> None:
        """Make the reports of a run that has written none."""
        self._config = config
        self._audit: Audit | None = None
        self._problem = ""

    def are_wanted(self) -> bool:
        """Say whether a file is to be written, also one that is for an audit alone."""
        option = self._config.option
        return option.llm_json is not None or (option.llm_audit and self._has_page())

    def _has_page(self) -> bool:
        """Say whether a report for people is asked for, or GitHub shows one."""
        option = self._config.option
        is_asked = option.llm_html is not None or option.llm_markdown is not None
        return is_asked or bool(os.environ.get(_STEP_SUMMARY))

    def write(
        self,
        session: pytest.Session,
        result: "RunResult",
        notes: "Callable[[RunResult], Sequence[str]]",
    ) -> None:
        """Write the files that are asked for; one that cannot be written fails the run.

        `notes` are called only for a report that has them.
        """
        settings = self._config.stash[SETTINGS]()
        has_page = self._has_page()
        if not (has_page or settings.json_path is not None):
            return
        # Only a run with a report needs these.
        from pytest_llmprod.composition import report_files
        from pytest_llmprod.hooks import emitted

        told = notes(result) if has_page else ()
        if self._config.option.llm_audit:
            result, told = self._audited(result, told, settings)
        for nodeid, failure in report_files.write(result, told, settings, os.environ):
            emitted.report(session, nodeid, failure)

    def _audited(
        self, result: "RunResult", notes: Sequence[str], settings: "Settings"
    ) -> "tuple[RunResult, Sequence[str]]":
        """Return the run and its notes with what the audit says.

        The audit looks at the page, too: it is written first, and again with the audit in it.
        """
        from pytest_llmprod.composition import report_files  # only who asks for an audit

        # Why it cannot be written is told at the end.
        list(report_files.write_page(result, notes, settings))
        self._look()
        if self._audit is None:
            return result, [*notes, f"no audit: {self._problem}"]
        return replace(result, audit=self._audit), notes

    def _look(self) -> None:
        """Audit the project, where this was not done before."""
        if self._audit is not None or self._problem:
            return
        from pytest_llmprod.composition.auditing import audit_project  # only who asks for it

        try:
            self._audit = audit_project(self._config.rootpath, datetime.now(UTC))
        except LlmprodError as error:
            self._problem = str(error)

    def close(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Close the summary with the audit, where it is asked for."""
        if not self._config.option.llm_audit:
            return
        self._look()
        if self._audit is None:
            terminalreporter.write_line(f"llmprod: {self._problem}", red=True)
            return
        from pytest_llmprod.report import audit as report  # only who asks for it

        if terminalreporter.verbosity < 0:
            lines = report.render_quiet(self._audit)
            lines[0] = f"llmprod: {lines[0]}"
        else:
            terminalreporter.ensure_newline()
            terminalreporter.section("llmprod audit")
            lines = report.render(self._audit, colour=terminalreporter.hasmarkup)
        for line in lines:
            terminalreporter.write_line(line)
