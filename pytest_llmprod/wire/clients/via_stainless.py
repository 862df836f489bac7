"""Via Stainless: the pauses that the clients make which Stainless generates.

openai's and anthropic's are among them. They send through httpx2; what is their own are the pauses
before a retry, in `_sleep_for_retry` of their base class, and those between two looks at a job, in
`_sleep` of their resources. In a replay both are virtual.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from pytest_llmprod.wire.clients.passage import Passage

# Each client has a copy of these modules: openai._base_client, anthropic._base_client.
MODULES = ("._base_client", "._resource")


def replacements(module: Any, passage: Passage) -> Sequence[tuple[Any, str, Any]]:
    """Return what is to be replaced in a module that is called like those of Stainless."""
    pauses = (
        ("SyncAPIClient", "_sleep_for_retry", _virtual),
        ("AsyncAPIClient", "_sleep_for_retry", _virtual_async),
        ("SyncAPIResource", "_sleep", _scaled),
        ("AsyncAPIResource", "_sleep", _scaled_async),
    )
    found = []
    for kind, name, wrap in pauses:
        owner = getattr(module, kind, None)
        original = getattr(owner, name, None)
        if original is not None:
            found.append((owner, name, wrap(original, passage)))
    return found


def _scaled(original: Callable[..., None], passage: Passage) -> Callable[..., None]:
    def _sleep(resource: Any, seconds: float) -> None:
        tape = passage.owner()
        if tape is not None and passage.attempts.is_played:
            tape.pause(seconds)
        else:
            original(resource, seconds)

    return _sleep


def _scaled_async(
    original: Callable[..., Awaitable[None]], passage: Passage
) -> Callable[..., Awaitable[None]]:
    async def _sleep(resource: Any, seconds: float) -> None:
        tape = passage.owner()
        if tape is not None and passage.attempts.is_played:
            await tape.pause_async(seconds)
        else:
            await original(resource, seconds)

    return _sleep


def _virtual(original: Callable[..., None], passage: Passage) -> Callable[..., None]:
    def _sleep_for_retry(client: Any, **situation: Any) -> None:
        tape = passage.owner()
        if tape is None:
            original(client, **situation)
        elif passage.attempts.is_played:
            seconds = _pause_s(client, **situation)
            tape.pause(seconds)
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
            await tape.pause_async(seconds)
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
