"""Clock: how long a replay takes, and the pauses that a client makes between two tries.

A replay waits as long as the recording did times a scale: not at all with 0, the default, and as
long as the provider took with 1. What is reported are the recorded times, whatever the scale.
"""

import sys
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from pytest_llmprod.wire.key import WireRequest
from pytest_llmprod.wire.router import Router
from pytest_llmprod.wire.tape import Attempt, Tape

_BASE_CLIENT = "._base_client"


def wait(seconds: float) -> None:
    """Wait in a replay."""
    if seconds > 0:
        time.sleep(seconds)


async def wait_async(seconds: float) -> None:
    """Wait in a replay; other tasks get their turn even where there is nothing to wait for."""
    import anyio  # comes with httpx2, which has imported it by now

    await anyio.sleep(max(0.0, seconds))


class Clock:
    """Takes note of the pauses between the tries of one call.

    They are kept in context variables: the next try is made in the same thread or task.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        """Make a clock that measures real pauses by `monotonic`, in seconds."""
        self._monotonic = monotonic
        self._paused_s: ContextVar[float] = ContextVar("llmprod_paused_s", default=0.0)
        self._before: ContextVar[tuple[str, int, int] | None] = ContextVar(
            "llmprod_before", default=None
        )
        self._is_played: ContextVar[bool] = ContextVar("llmprod_is_played", default=False)

    def answered(self, *, from_recording: bool) -> None:
        """Note where the answer came from that the client may be about to retry."""
        self._is_played.set(from_recording)

    def paused(self, seconds: float) -> None:
        """Note that the client paused before its next try."""
        self._paused_s.set(self._paused_s.get() + seconds)

    def attempt(self, tape: Tape, request: WireRequest, retries: int) -> Attempt:
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

    def retry(
        self, client: Any, original: Callable[..., None], scale: float, **situation: Any
    ) -> None:
        """Pause before a retry: `scale` times as long after a replayed answer, else for real."""
        if self._is_played.get():
            seconds = _pause_s(client, **situation)
            wait(seconds * scale)
        else:
            start = self._monotonic()
            original(client, **situation)
            seconds = self._monotonic() - start
        self.paused(seconds)

    async def retry_async(
        self, client: Any, original: Callable[..., Any], scale: float, **situation: Any
    ) -> None:
        """Do as `retry` in a task."""
        if self._is_played.get():
            seconds = _pause_s(client, **situation)
            await wait_async(seconds * scale)
        else:
            start = self._monotonic()
            await original(client, **situation)
            seconds = self._monotonic() - start
        self.paused(seconds)


def _pause_s(
    client: Any, *, retries_taken: int, max_retries: int, options: Any, response: Any
) -> float:
    """Return how long a client that Stainless generated would pause now, in seconds."""
    headers = response.headers if response is not None else None
    return float(client._calculate_retry_timeout(max_retries - retries_taken, options, headers))


class RetryPatches:
    """Puts the retries of clients that Stainless generated, openai's among them, on our clock.

    Such a client pauses in `_sleep_for_retry` of its base class. It may be imported at any moment,
    so each request looks whether there are new modules.
    """

    def __init__(self, router: Router, clock: Clock) -> None:
        """Make the patches without installing them."""
        self._router = router
        self._clock = clock
        self._modules_seen = 0
        self._patched: dict[Any, Any] = {}

    def install(self) -> None:
        """Patch the clients that have been imported since the last call."""
        if len(sys.modules) == self._modules_seen:
            return
        self._modules_seen = len(sys.modules)
        for name in [name for name in sys.modules if name.endswith(_BASE_CLIENT)]:
            for wrap, kind in ((self._sync, "SyncAPIClient"), (self._async, "AsyncAPIClient")):
                owner = getattr(sys.modules[name], kind, None)
                original = getattr(owner, "_sleep_for_retry", None)
                if owner is not None and original is not None and owner not in self._patched:
                    self._patched[owner] = original
                    owner._sleep_for_retry = wrap(original)

    def uninstall(self) -> None:
        """Put the originals back."""
        while self._patched:
            owner, original = self._patched.popitem()
            owner._sleep_for_retry = original
        self._modules_seen = 0

    def _sync(self, original: Callable[..., None]) -> Callable[..., None]:
        def _sleep_for_retry(client: Any, **situation: Any) -> None:
            tape = self._router.owner()
            if tape is None:
                original(client, **situation)
            else:
                self._clock.retry(client, original, tape.rules.clock_scale, **situation)

        return _sleep_for_retry

    def _async(self, original: Callable[..., Any]) -> Callable[..., Any]:
        async def _sleep_for_retry(client: Any, **situation: Any) -> None:
            tape = self._router.owner()
            if tape is None:
                await original(client, **situation)
            else:
                await self._clock.retry_async(client, original, tape.rules.clock_scale, **situation)

        return _sleep_for_retry
