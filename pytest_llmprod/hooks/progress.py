"""Progress: what a terminal shows of a task while it runs."""

import os
import sys
from contextlib import AbstractContextManager, nullcontext
from typing import TextIO

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
        self._out: TextIO | None = None
        self._column = 0
        self._columns = 0
        self._is_drawn = False
        self._is_live = False

    def begin(self) -> None:
        """Find the way to the terminal, and show that nothing is done yet.

        pytest captures what a task prints. Later it could not be told apart from what we show.
        """
        if self._reporter is None or self._cases == 1:  # its own test tells all of one case
            return
        writer = self._config.get_terminal_writer()
        self._columns = writer.fullwidth
        self._column = writer.width_of_current_line % writer.fullwidth
        self._is_live = self._reporter.verbosity >= 0 and _can_rewrite(self._reporter.isatty)
        with self._uncaptured():
            self._out = _duplicate(sys.stdout)
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
        self._wipe()
        if self._out is not None:
            self._out.close()
            self._out = None

    def _tell(self, case: str, failure: str) -> None:
        first_line = failure.strip().partition("\n")[0]
        text = f"llmprod: the task failed on case {printable(case)}: {printable(first_line)}"
        self._wipe()
        start = "\n" if self._column else ""
        self._write(f"{start}{shorten(text, self._columns)}\n")
        self._column = 0

    def _draw(self) -> None:
        if not self._is_live:
            return
        errors = f", {counted(self._errors, 'error')}" if self._errors else ""
        text = f"llmprod: {self._test} {self._done}/{self._cases} cases{errors}"
        start = "\r" if self._is_drawn else "\n"
        self._write(f"{start}{shorten(text, self._columns - 1)}{_ERASE_TO_END}")
        self._is_drawn = True

    def _wipe(self) -> None:
        if self._is_drawn:
            forward = f"\x1b[{self._column}C" if self._column else ""
            self._write(f"\r{_ERASE_TO_END}{_UP}{forward}")
            self._is_drawn = False

    def _write(self, text: str) -> None:
        if self._out is not None:
            self._out.write(text)
            self._out.flush()

    def _uncaptured(self) -> AbstractContextManager[None]:
        """Return a block in which `sys.stdout` is that of pytest itself."""
        if self._capture is None:
            return nullcontext()
        block: AbstractContextManager[None] = self._capture.global_and_fixture_disabled()
        return block


def _can_rewrite(is_terminal: bool) -> bool:
    """Say whether the cursor can be moved."""
    return is_terminal and os.environ.get("TERM") != "dumb" and sys.platform != "win32"


def _duplicate(stream: TextIO) -> TextIO | None:
    """Return another way to where `stream` writes now, which outlives a redirection.

    None where it is no file, as in a run of pytest inside of a test.
    """
    try:
        stream.flush()
        descriptor = os.dup(stream.fileno())
    except (AttributeError, OSError, ValueError):
        return None
    return os.fdopen(descriptor, "w", encoding=stream.encoding, errors="backslashreplace")
