"""Telemetry: sends a run to an OpenTelemetry collector when it has ended (`--llm-otel`).

Exists in the process that sees every report only, where no test runs and nothing is patched any
more: so the collector can be reached from here, and from no test that replays.
"""

import os
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import TYPE_CHECKING

import pytest

from pytest_llmprod.core.text import error_text, printable

if TYPE_CHECKING:
    from pytest_llmprod.records.otlp import Delivery


class Telemetry:
    """The hooks of a run with `--llm-otel`."""

    def __init__(self, config: pytest.Config, run_id: str) -> None:
        """Make the part that sends the log of the run `run_id`."""
        self._config = config
        self._run_id = run_id
        self._lines: list[str] = []
        self._is_complete = True

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Send the run, when everything that writes its log has ended."""
        option = self._config.option
        if option.collectonly or option.llm_plan:
            return
        try:
            deliveries = self._deliver()
        except Exception as error:  # of a log, or of OpenTelemetry: a limit that is no number
            self._is_complete = False
            what = f"{type(error).__name__}: {error_text(error)}"
            self._lines = [f"llmprod: nothing was sent to OpenTelemetry: {what}"]
            return
        self._is_complete = all(each.is_taken for each in deliveries)
        self._lines = self._lines or list(lines_of(deliveries, os.environ))

    def _deliver(self) -> "Sequence[Delivery]":
        if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
            self._lines = ["llmprod: OTEL_SDK_DISABLED keeps --llm-otel from sending anything"]
            return ()
        from pytest_llmprod.records import reading  # this and OpenTelemetry: only such a run
        from pytest_llmprod.records.log import FOLDER

        entries = reading.read(self._config.rootpath / FOLDER / self._run_id).entries
        if not entries:
            self._lines = ["llmprod: --llm-otel sent nothing, for this run made no request"]
            return ()
        from pytest_llmprod.records import otlp
        from pytest_llmprod.records.otel import RunSignals, resource_of

        signals = RunSignals(entries, resource_of(self._run_id), os.environ)
        return otlp.deliver(signals, os.environ, monotonic, otlp.PATIENCE_S)

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what was sent, and what could not be."""
        for line in self._lines:
            if not self._is_complete:
                terminalreporter.write_line(printable(line), yellow=True)
            elif terminalreporter.verbosity >= 0:
                terminalreporter.write_line(printable(line))


def lines_of(deliveries: "Sequence[Delivery]", environ: Mapping[str, str]) -> list[str]:
    """Return a line for what each collector took, and one for what it did not take."""
    taken: dict[str, list[str]] = {}
    left: dict[str, list[str]] = {}
    for each in deliveries:
        if each.is_taken:
            taken.setdefault(each.place, []).append(each.what)
        else:
            status = f"HTTP {each.status}" if each.status else "no answer within 2 s"
            why = each.error or status
            left.setdefault(f"{each.place} ({why})", []).append(each.what)
    sent = [f"llmprod: sent {_listed(what)} to {place}" for place, what in taken.items()]
    lost = [f"llmprod: could not send {_listed(what)} to {place}" for place, what in left.items()]
    if lost and "grpc" in environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", ""):
        lost[-1] += "; it speaks http/protobuf only: name that port of your collector, often 4318"
    return [*sent, *lost]


def _listed(words: Sequence[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
