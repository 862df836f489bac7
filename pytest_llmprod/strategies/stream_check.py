"""Stream check: does a guardrail of streams hold, wherever the stream is cut?"""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from typing import Any

from pytest_llmprod.core.planted import Document
from pytest_llmprod.strategies.streams import Stream


def check_stream(
    guardrail: Callable[[Any], Any],
    stream: Stream,
    whole: Callable[[str], str] | None = None,
) -> None:
    """Fail where a guardrail of streams shows planted data, or shows other text for other cuts.

    `guardrail` takes an iterator of texts and gives one; an asynchronous generator takes an
    asynchronous iterator. What it has emitted at any moment must hold no planted data, of which a
    stream of `pii_documents()` knows. With `whole`, which is given the text as one, all that was
    emitted must be what `whole` returns. Raises ValueError where neither can be looked at.
    """
    __tracebackhide__ = True
    if stream.document is None and whole is None:
        raise ValueError(
            "check_stream knows neither what is planted in this stream nor what it should become. "
            "Give it a stream of llm_st.pii_documents(), or whole=."
        )
    emitted = _emitted(guardrail, stream.pieces)
    if stream.document is not None:
        leaks, count = _first_leak(stream.document, emitted)
        assert not leaks, f"{leaks} can be read after {count} of {len(emitted)} emitted pieces"
    if whole is not None:
        shown, wanted = "".join(emitted), whole(stream.text)
        assert shown == wanted, f"{shown!r} was emitted, and {wanted!r} of the whole text"


def _emitted(guardrail: Callable[[Any], Any], pieces: Sequence[str]) -> list[str]:
    if inspect.isasyncgenfunction(guardrail):
        return asyncio.run(_emitted_async(guardrail, pieces))
    taken: Iterable[str] = guardrail(iter(pieces))
    return list(taken)


async def _emitted_async(guardrail: Callable[[Any], Any], pieces: Sequence[str]) -> list[str]:
    async def given() -> AsyncIterator[str]:
        for piece in pieces:
            yield piece

    return [piece async for piece in guardrail(given())]


def _first_leak(document: Document, emitted: Sequence[str]) -> tuple[list[str], int]:
    """Return what leaks and after how many pieces; ([], 0) where nothing does."""
    if not document.leaks_in("".join(emitted)):
        return [], 0  # what is readable once stays readable: the whole is enough
    for count, text in enumerate(_beginnings(emitted), 1):
        leaks = document.leaks_in(text)
        if leaks:
            return leaks, count
    return document.leaks_in("".join(emitted)), len(emitted)


def _beginnings(emitted: Sequence[str]) -> Iterator[str]:
    text = ""
    for piece in emitted:
        text += piece
        yield text
