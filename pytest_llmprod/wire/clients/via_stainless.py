"""Via Stainless: the pauses before a retry in the clients that Stainless generates.

openai's and anthropic's are among them. They send through httpx2; what is their own is the pause,
which they make in `_sleep_for_retry` of their base class. In a replay it is virtual.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from pytest_llmprod.wire.clients.passage import Passage
from pytest_llmprod.wire.clock import wait, wait_async

# Each client has a copy of the module: openai._base_client, anthropic._base_client.
BASE_CLIENT = "._base_client"


def replacements(base_client: Any, passage: Passage) -> Sequence[tuple[Any, str, Any]]:
    """Return what is to be replaced in a module that is called like those of Stainless."""
    found = []
    for kind, wrap in (("SyncAPIClient", _virtual), ("AsyncAPIClient", _virtual_async)):
        owner = getattr(base_client, kind, None)
        original = getattr(owner, "_sleep_for_retry", None)
        if original is not None:
            found.append((owner, "_sleep_for_retry", wrap(original, passage)))
    return found


def _virtual(original: Callable[..., None], passage: Passage) -> Callable[..., None]:
    def _sleep_for_retry(client: Any, **situation: Any) -> None:
        tape = passage.owner()
        if tape is None:
            original(client, **situation)
        elif passage.attempts.is_played:
            seconds = _pause_s(client, **situation)
            wait(seconds * tape.rules.clock_scale)
            passage.attempts.paused(seconds)
        else:
            with passage.attempts.pausing():
                original(client, **situation)

    return _sleep_for_retry


def _virtual_async(
    original: Callable[..., Awaitable[None]], passage: Passage
) -> Callable[..., Awaitable[None]]:
    async def _sleep_for_retry(client: Any, **situation: Any) -> None:
        tape = passage.owner()
        if tape is None:
            await original(client, **situation)
        elif passage.attempts.is_played:
            seconds = _pause_s(client, **situation)
            await wait_async(seconds * tape.rules.clock_scale)
            passage.attempts.paused(seconds)
        else:
            with passage.attempts.pausing():
                await original(client, **situation)

    return _sleep_for_retry


def _pause_s(
    client: Any, *, retries_taken: int, max_retries: int, options: Any, response: Any
) -> float:
    """Return how long the client would pause now, in seconds."""
    headers = response.headers if response is not None else None
    return float(client._calculate_retry_timeout(max_retries - retries_taken, options, headers))
