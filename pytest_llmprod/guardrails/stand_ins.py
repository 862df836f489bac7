"""Stand-ins: what runs in place of a guardrail, a tool or a fallback while a contract is tested.

Each of the functions here makes one of the original, which may be a plain function, a generator, a
coroutine function or an asynchronous generator.
"""

import asyncio
import inspect
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Literal

from pytest_llmprod.core.virtual_time import FOREVER_S
from pytest_llmprod.guardrails.shown import texts_in

#: How a guardrail fails: it raises, it does not come back for a day, it returns None.
Failure = Literal["raises", "hangs", "nonsense"]
#: What each call was given: the texts at each place, joined over the pieces of a stream.
Calls = list[dict[str, str]]


class GuardrailDown(Exception):
    """A guardrail fails, because a test wants to see what becomes of that."""


def noting(original: Callable[..., Any], calls: Calls) -> Callable[..., Any]:
    """Return what does as `original`, and adds to `calls` the texts that each call was given.

    The pieces of a stream are noted as they are taken.
    """

    def noted(values: tuple[Any, ...], named: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        texts: dict[str, str] = {}
        calls.append(texts)
        given = [_noted(each, texts, str(number)) for number, each in enumerate(values)]
        return given, {name: _noted(each, texts, name) for name, each in named.items()}

    if inspect.iscoroutinefunction(original):

        async def noting_async(*values: Any, **named: Any) -> Any:
            given, by_name = noted(values, named)
            return await original(*given, **by_name)

        return noting_async

    def noting_it(*values: Any, **named: Any) -> Any:
        given, by_name = noted(values, named)
        return original(*given, **by_name)

    return noting_it


def _noted(value: Any, texts: dict[str, str], name: str) -> Any:
    """Return a value whose texts are noted below `name`, now or when they are taken."""
    if hasattr(value, "__next__") or hasattr(value, "__anext__"):
        return _NotedPieces(value, texts, name)
    for place, text in texts_in(value, name):
        texts[place] = texts.get(place, "") + text
    return value


class _NotedPieces:
    """A stream whose pieces are noted; all else that is asked of it, it is."""

    def __init__(self, pieces: Any, texts: dict[str, str], name: str) -> None:
        self._pieces = pieces
        self._texts = texts
        self._name = name

    def _note(self, piece: Any) -> Any:
        return _noted(piece, self._texts, self._name)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        return self._note(next(self._pieces))

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        return self._note(await anext(self._pieces))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pieces, name)


def failing(original: Callable[..., Any], how: Failure, calls: Calls) -> Callable[..., Any]:
    """Return what fails in place of `original`, at its first step, and notes its calls."""

    def fails() -> None:
        calls.append({})
        if how == "raises":
            raise GuardrailDown("the guardrail is down")
        if how == "hangs":
            time.sleep(FOREVER_S)

    async def fails_async() -> None:
        calls.append({})
        if how == "raises":
            raise GuardrailDown("the guardrail is down")
        if how == "hangs":
            await asyncio.sleep(FOREVER_S)

    if inspect.iscoroutinefunction(original):

        async def failing_async(*values: Any, **named: Any) -> Any:
            await fails_async()
            return None if how == "nonsense" else await original(*values, **named)

        return failing_async
    if inspect.isasyncgenfunction(original):

        async def failing_pieces_async(*values: Any, **named: Any) -> Any:
            await fails_async()
            if how == "nonsense":
                yield None
                return
            async for piece in original(*values, **named):
                yield piece

        return failing_pieces_async
    if inspect.isgeneratorfunction(original):

        def failing_pieces(*values: Any, **named: Any) -> Any:
            fails()
            if how == "nonsense":
                yield None
                return
            yield from original(*values, **named)

        return failing_pieces

    def failing_it(*values: Any, **named: Any) -> Any:
        fails()
        return None if how == "nonsense" else original(*values, **named)

    return failing_it


def planting(original: Callable[..., Any], text: str, planted: list[bool]) -> Callable[..., Any]:
    """Return what does as `original`, with `text` in place of the first text that it returns.

    Texts in dicts and lists count. `planted` gets whether there was one, for each call.
    """

    def with_text(value: Any) -> Any:
        changed, found = _replaced(value, text)
        planted.append(found)
        return changed

    if inspect.iscoroutinefunction(original):

        async def planting_async(*values: Any, **named: Any) -> Any:
            return with_text(await original(*values, **named))

        return planting_async
    return lambda *values, **named: with_text(original(*values, **named))


def _replaced(value: Any, text: str) -> tuple[Any, bool]:
    """Return a value with `text` in place of its first text, and whether it has one."""
    if isinstance(value, str):
        return text, True
    if isinstance(value, dict | list):
        pairs = list(value.items() if isinstance(value, dict) else enumerate(value))
        for key, each in pairs:
            changed, found = _replaced(each, text)
            if found:
                copy: Any = value.copy()
                copy[key] = changed
                return copy, True
    return value, False
