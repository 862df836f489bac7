"""Collecting: what an application logs while a test runs, and what it must hold.

`llm_records` is a context manager for tests in which a fixture would serve several examples; the
fixture of that name is made of it.
"""

import logging
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from pytest_llmprod.core.exchange import calls_of
from pytest_llmprod.core.running import Running, running_or_none
from pytest_llmprod.records import app_record, contract
from pytest_llmprod.records.app_record import AppRecord
from pytest_llmprod.records.contract import Rules
from pytest_llmprod.records.fields import FIELDS

Keep = Callable[[AppRecord], None]


class Records:
    """What the application told since the test, or the block, began."""

    def __init__(self, test: Running) -> None:
        """Make the records of a test that has told nothing yet."""
        self._test = test
        self._records: list[AppRecord] = []
        self._before = len(test.tape.exchanges)
        #: How many calls to a model `assert_complete` found explained: of none, nothing is shown.
        self.explained = 0

    @property
    def records(self) -> tuple[AppRecord, ...]:
        """Return what was collected so far, in its order."""
        return tuple(self._records)

    def add(self, record: AppRecord) -> None:
        """Take a record."""
        self._records.append(record)

    def add_lines(self, text: str) -> None:
        """Take what was printed in place of logged: a record for each line, best one of JSON."""
        self._records += app_record.of_lines(text)

    def assert_complete(self, fields: Sequence[str] = tuple(FIELDS)) -> None:
        """Raise AssertionError where a call to a model cannot be explained from the records.

        For each call since the test or the block began there must be a record with all of `fields`:
        `input`, `output`, `latency`, `cost`, `model` (the one that answered), `request_id`, or
        whatever the application calls its own. No record may hold a secret, or what is personal.
        """
        __tracebackhide__ = True  # the application failed, not this function
        if isinstance(fields, str):
            raise TypeError(f"fields must be a list of names such as [{fields!r}], not a text")
        calls = calls_of(self._test.tape.exchanges[self._before :])
        failure = contract.failure(
            calls,
            self._records,
            fields,
            case=self._test.case,
            rules=Rules(mask=self._test.masked, find_pii=self._test.find_pii),
        )
        if failure:
            raise AssertionError(failure)
        self.explained = len(calls)


@contextmanager
def llm_records() -> Iterator[Records]:
    """Collect what the application logs in this block: log records, and spans of OpenTelemetry.

    It must be in a test that records and replays; RuntimeError says so elsewhere.
    """
    test = running_or_none()
    if test is None:
        raise RuntimeError(
            "llm_records() works inside of a test that records and replays. Mark the test with "
            "@pytest.mark.llm_cassette."
        )
    records = Records(test)
    with ExitStack() as stack:
        stack.enter_context(_logging(records.add))
        stack.enter_context(_structlog(records.add))
        stack.enter_context(_spans(records.add))
        yield records


@contextmanager
def _logging(keep: Keep) -> Iterator[None]:
    """Keep what any logger of the standard library hands to handlers, also without a handler.

    Where nothing sets a level, only warnings would be logged; from INFO on they are here. Filters
    of handlers have done their work when a record is kept.
    """
    original = logging.Logger.callHandlers
    root = logging.getLogger()
    level = root.level

    def call_and_keep(logger: logging.Logger, record: logging.LogRecord) -> None:
        original(logger, record)
        keep(app_record.of_log_record(record))

    if level > logging.INFO:
        root.setLevel(logging.INFO)
    logging.Logger.callHandlers = call_and_keep  # type: ignore[assignment,method-assign]  # put back below
    try:
        yield
    finally:
        logging.Logger.callHandlers = original  # type: ignore[method-assign]  # as it was
        if level > logging.INFO:
            root.setLevel(level)


@contextmanager
def _structlog(keep: Keep) -> Iterator[None]:
    """Keep what structlog prints by itself, as it is before the last processor makes a text of it.

    What it hands to the standard library is kept there.
    """
    structlog = sys.modules.get("structlog")  # nobody who has not imported it uses it
    if structlog is None:
        yield
        return
    configured = structlog.get_config()
    if isinstance(configured["logger_factory"], structlog.stdlib.LoggerFactory):
        yield
        return

    def tap(logger: Any, method: str, event: Any) -> Any:
        if isinstance(event, Mapping):
            keep(app_record.of_event({"level": method, **event}))
        return event

    processors = configured["processors"]  # the list itself: loggers that are made already have it
    processors.insert(max(0, len(processors) - 1), tap)
    try:
        yield
    finally:
        if tap in processors:
            processors.remove(tap)


@contextmanager
def _spans(keep: Keep) -> Iterator[None]:
    """Keep the spans of OpenTelemetry that end, whichever provider they are of."""
    try:
        from opentelemetry.sdk.trace import Span  # not everybody has it, and it takes time
    except ImportError:
        yield
        return
    original = Span.end

    def end_and_keep(span: Any, end_time: int | None = None) -> None:
        was_recording = span.is_recording()
        original(span, end_time)
        if was_recording:
            keep(app_record.of_span(span))

    Span.end = end_and_keep  # type: ignore[assignment,method-assign]  # put back below
    try:
        yield
    finally:
        Span.end = original  # type: ignore[method-assign]  # as it was
