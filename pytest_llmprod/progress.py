"""Progress: what a terminal shows of a task while it runs."""

from contextlib import AbstractContextManager, nullcontext

import pytest

from pytest_llmprod.core.text import counted, printable, shorten

_ERASE_TO_END = "\x1b[K"
_UP = "\x1b[A"
_REDRAWS = 100


class Progress:
    """Counts the cases of a task that are done, and tells its first failure at once.

    The count stands in the line below that of the running test, is rewritten in place and leaves
    nothing behind. Only a terminal shows it, and not with -q. A worker of xdist shows nothing.
    """

    def __init__(self, config: pytest.Config, test: str, cases: int) -> None:
        """Make the progress of the task that `test` runs on so many cases."""
        self._capture = config.pluginmanager.get_plugin("capturemanager")
        self._reporter = config.pluginmanager.get_plugin("terminalreporter")
        self._config = config
        self._test = printable(test)
        self._cases = cases
        self._done = 0
        self._errors = 0
        self._is_drawn = False

    def begin(self) -> None:
        """Show that nothing is done yet."""
        self._draw()

    def done(self, case: str, failure: str) -> None:
        """Count a case, with the text of its error, or '' where it has none."""
        self._done += 1
        if failure:
            self._errors += 1
            if self._errors == 1:
                self._tell(case, failure)
        if self._done % max(1, self._cases // _REDRAWS) == 0:
            self._draw()

    def end(self) -> None:
        """Wipe the count, so that the line of the test goes on where it was."""
        if self._is_drawn:
            with self._uncaptured():
                self._wipe()

    def _tell(self, case: str, failure: str) -> None:
        if self._reporter is None or self._cases == 1:  # its test tells it next
            return
        writer = self._config.get_terminal_writer()
        first_line = failure.strip().partition("\n")[0]
        text = f"llmprod: the task failed on case {printable(case)}: {printable(first_line)}"
        with self._uncaptured():
            self._wipe()
            if writer.width_of_current_line:
                writer.line()
            writer.line(shorten(text, writer.fullwidth))
            writer.flush()

    def _draw(self) -> None:
        if not self._is_shown():
            return
        writer = self._config.get_terminal_writer()
        errors = f", {counted(self._errors, 'error')}" if self._errors else ""
        text = f"llmprod: {self._test} {self._done}/{self._cases} cases{errors}"
        start = "\r" if self._is_drawn else "\n"
        with self._uncaptured():
            # Written so, it is no part of what pytest knows to stand in its line.
            writer.write_raw(
                start + shorten(text, writer.fullwidth - 1) + _ERASE_TO_END, flush=True
            )
        self._is_drawn = True

    def _wipe(self) -> None:
        if not self._is_drawn:
            return
        writer = self._config.get_terminal_writer()
        column = writer.width_of_current_line % writer.fullwidth
        forward = f"\x1b[{column}C" if column else ""
        writer.write_raw(f"\r{_ERASE_TO_END}{_UP}{forward}", flush=True)
        self._is_drawn = False

    def _is_shown(self) -> bool:
        reporter = self._reporter
        if reporter is None or self._cases == 1 or reporter.verbosity < 0:
            return False
        return bool(reporter.isatty and reporter.hasmarkup)

    def _uncaptured(self) -> AbstractContextManager[None]:
        """Return a block in which what is written reaches the terminal."""
        if self._capture is None:
            return nullcontext()
        block: AbstractContextManager[None] = self._capture.global_and_fixture_disabled()
        return block
