"""Log watch: what an application logs while a fault is on, and whether that names the fault."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pytest_llmprod.faults.fault import Fault

_CLIENTS = (
    *("openai", "anthropic", "httpx", "httpx2", "httpcore", "httpcore2", "urllib3", "aiohttp"),
    *("requests", "asyncio", "botocore", "pytest_llmprod"),
)


@dataclass(frozen=True, slots=True)
class Logged:
    """One record of the application, at WARNING or above, as text; with a traceback or without."""

    text: str
    has_traceback: bool

    def names(self, fault: Fault) -> bool:
        """Say whether a reader learns which fault it was: its class, status, code or traceback.

        Of a fault that raises nothing, the application has to find the words itself.
        """
        if self.has_traceback or fault.silent:
            return True
        text = self.text.lower()
        return any(word.lower() in text for word in (fault.raises, *fault.words))


class LogWatch:
    """The warnings and errors that an application logs, whatever becomes of them."""

    def __init__(self) -> None:
        """Make a watch that has seen nothing."""
        self.records: list[Logged] = []

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Note every record of this block, also of a logger that hands nothing on to the root."""
        original = logging.Logger.callHandlers
        watch = self

        def call_handlers(logger: logging.Logger, record: logging.LogRecord) -> None:
            watch._note(record)
            original(logger, record)

        setattr(logging.Logger, "callHandlers", call_handlers)  # noqa: B010  # mypy forbids =
        try:
            yield
        finally:
            setattr(logging.Logger, "callHandlers", original)  # noqa: B010  # same

    def _note(self, record: logging.LogRecord) -> None:
        if record.levelno < logging.WARNING or record.name.partition(".")[0] in _CLIENTS:
            return
        try:
            text = record.getMessage()
        except Exception as error:  # a format string that does not fit its arguments
            text = f"{record.msg} ({error})"
        self.records.append(Logged(text, record.exc_info is not None))
