"""Attempts: which try of which call a request is, and how long its client paused before it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

from pytest_llmprod.wire.key import WireRequest
from pytest_llmprod.wire.tape import Tape


class Attempt(NamedTuple):
    """Which try of which logical call a request is, and how long the client paused before it.

    Both are counted from 1: `call` within the test, `number` within the call.
    """

    call: int = 1
    number: int = 1
    backoff_s: float = 0.0


class Attempts:
    """Groups the tries of one call, and takes note of the pauses between them.

    All is kept in context variables: the next try is made in the same thread or task.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        """Note no try yet; real pauses are measured by `monotonic`, in seconds."""
        self._monotonic = monotonic
        self._paused_s: ContextVar[float] = ContextVar("llmprod_paused_s", default=0.0)
        self._before: ContextVar[tuple[str, int, int] | None] = ContextVar(
            "llmprod_before", default=None
        )
        self._is_played: ContextVar[bool] = ContextVar("llmprod_is_played", default=False)

    @property
    def is_played(self) -> bool:
        """Say whether the last answer, which the client may be about to retry, was replayed."""
        return self._is_played.get()

    def answered(self, *, from_recording: bool) -> None:
        """Note where the answer came from that the client may be about to retry."""
        self._is_played.set(from_recording)

    def paused(self, seconds: float) -> None:
        """Note that the client paused before its next try."""
        self._paused_s.set(self._paused_s.get() + seconds)

    @contextmanager
    def pausing(self) -> Iterator[None]:
        """Measure how long the client pauses in this block, and note it."""
        start = self._monotonic()
        yield
        self.paused(self._monotonic() - start)

    def next(self, tape: Tape, request: WireRequest, retries: int) -> Attempt:
        """Return which try this is of a request that the client says it sent `retries` times."""
        before = self._before.get()
        call = 0
        if retries and before is not None and before[:2] == (request.key, retries):
            call = before[2]
        attempt = Attempt(
            call=call or tape.next_call(), number=retries + 1, backoff_s=self._paused_s.get()
        )
        self._before.set((request.key, attempt.number, attempt.call))
        self._paused_s.set(0.0)
        return attempt
