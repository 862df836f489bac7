"""Shown: every text that an application gives out, in a value, piece by piece, or in an error."""

import asyncio
import dataclasses
import inspect
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from types import FunctionType, ModuleType
from typing import Any

from pytest_llmprod.core.errors import LlmprodError
from pytest_llmprod.core.leftover import longest_left
from pytest_llmprod.core.text import error_text, squeezed

_MOST_VALUES = 20_000
_MOST_OBJECTS = 4  # one within the other
Texts = Iterator[tuple[str, str]]


class Shown:
    """What one call of an application gave out.

    `pieces` holds the texts of each piece, with where in it they stood; an answer that is not
    streamed is one piece. `error` is the exception that ended the call.
    """

    def __init__(self) -> None:
        """Make what shows nothing yet."""
        self.pieces: list[list[tuple[str, str]]] = []
        self.error: Exception | None = None

    def add(self, value: Any) -> None:
        """Add a piece."""
        self.pieces.append(list(texts_in(value)))

    @property
    def text(self) -> str:
        """Return all texts of all pieces, one after the other."""
        return "".join(text for piece in self.pieces for _, text in piece)

    def texts_with(self, words: str) -> Mapping[str, str]:
        """Return the texts of all pieces by their place in a piece, of places that hold `words`.

        Where none does, it is the whole text.
        """
        joined: dict[str, str] = defaultdict(str)
        for piece in self.pieces:
            for place, text in piece:
                joined[place] += text
        found = {place: text for place, text in joined.items() if words in squeezed(text)}
        return found or {"": self.text}

    def by_place(self) -> Mapping[str, str]:
        """Return what is read at each place, over all pieces, and in the text of the error.

        Whatever was readable at some moment is readable in one of these: in a piece of its own,
        or in pieces that followed one another.
        """
        joined: dict[str, str] = defaultdict(str)
        for number, piece in enumerate(self.pieces, 1):
            for place, text in piece:
                joined[f"the output{place}"] += text
                joined[f"piece {number} of the output{place}"] += text
        joined["the output"] = self.text
        if self.error is not None:
            joined[f"the text of {type(self.error).__name__}"] = "\n".join(error_texts(self.error))
        return joined


class Secret:
    """A text that must be readable nowhere: not in another spelling, and not more than half of it.

    Of an e-mail address only the part before the @ counts.
    """

    def __init__(self, text: str) -> None:
        """Look for `text`."""
        key = squeezed(text)
        self._key = key[: key.index("@") + 1] if "@" in key else key

    def is_in(self, text: str) -> bool:
        """Say whether the secret, or more than half of it, can be read in `text`."""
        return bool(longest_left(self._key, squeezed(text)))

    def place_in(self, texts: Mapping[str, str]) -> str:
        """Return where of `texts` the secret can be read, "" where it cannot."""
        return next((place for place, text in texts.items() if self.is_in(text)), "")


def show(call: Callable[[], Any]) -> Shown:
    """Call an application and take all that it gives: a value, a coroutine, or pieces of a stream.

    Raises what is no `Exception`, and errors of this package.
    """
    shown = Shown()
    try:
        value = call()
        if inspect.isawaitable(value) or hasattr(value, "__aiter__"):
            asyncio.run(_take(value, shown))
        elif hasattr(value, "__next__"):
            for piece in value:
                shown.add(piece)
        else:
            shown.add(value)
    except LlmprodError:
        raise
    except Exception as error:
        shown.error = error
    return shown


async def _take(value: Any, shown: Shown) -> None:
    if inspect.isawaitable(value):
        value = await value
    if hasattr(value, "__aiter__"):
        async for piece in value:
            shown.add(piece)
    elif hasattr(value, "__next__"):
        for piece in value:
            shown.add(piece)
    else:
        shown.add(value)


def texts_in(value: Any, place: str = "") -> Texts:
    """Yield where a text stands in a value, and the text: also in objects and in their fields.

    Of an object that leads on and on, as a client does, only what is near is looked at.
    """
    yield from _Walk().texts_in(value, place, 0)


class _Walk:
    """One way through a value, which looks at nothing twice and comes to an end."""

    def __init__(self) -> None:
        self._seen: dict[int, Any] = {}  # by their ids, which are theirs while they live
        self._left = _MOST_VALUES

    def texts_in(self, value: Any, place: str, objects: int) -> Texts:
        """Yield the texts of a value that stands within so many objects."""
        self._left -= 1
        if value is None or isinstance(value, bool) or self._left < 0:
            return
        if isinstance(value, str):
            yield place, value
        elif isinstance(value, bytes | bytearray):
            yield place, bytes(value).decode("utf-8", "replace")
        elif isinstance(value, int | float):
            yield place, str(value)
        elif id(value) not in self._seen:
            self._seen[id(value)] = value
            yield from self._inside(value, place, objects)

    def _inside(self, value: Any, place: str, objects: int) -> Texts:
        if isinstance(value, BaseException):
            yield place, "\n".join(error_texts(value))
        elif isinstance(value, Mapping):
            for key, each in list(value.items()):
                yield f"{place} (a key)", str(key)
                yield from self.texts_in(each, f"{place}.{key}", objects)
        elif isinstance(value, list | tuple | set | frozenset):
            for number, each in enumerate(value):
                yield from self.texts_in(each, f"{place}[{number}]", objects)
        elif not isinstance(value, type | FunctionType | ModuleType):
            fields = _fields(value) if objects < _MOST_OBJECTS else {}
            if not fields or _says_more(value):
                yield place, str(value)
            yield from self.texts_in(fields, place, objects + 1)


def _says_more(value: Any) -> bool:
    """Say whether an object may print something else than its fields."""
    if dataclasses.is_dataclass(value) or callable(getattr(value, "model_dump", None)):
        return False
    plain: tuple[Any, Any] = (object.__str__, object.__repr__)
    return (type(value).__str__, type(value).__repr__) != plain


def _fields(value: Any) -> Mapping[str, Any]:
    """Return the fields of an object by name, those in slots as well."""
    if callable(getattr(value, "model_dump", None)):  # pydantic's, and those of the SDKs
        dumped: Mapping[str, Any] = value.model_dump()
        return dumped
    if dataclasses.is_dataclass(value):
        return {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
    slots = [getattr(each, "__slots__", ()) for each in type(value).__mro__]
    names = [name for own in slots for name in ([own] if isinstance(own, str) else own)]
    held = {
        name: getattr(value, name)
        for name in names
        if not name.startswith("__") and hasattr(value, name)
    }
    return {**held, **getattr(value, "__dict__", {})}


def error_texts(error: BaseException) -> Iterator[str]:
    """Yield what a traceback prints of an exception: its text, its notes, and those before it."""
    told: BaseException | None = error
    seen: set[int] = set()
    while told is not None and id(told) not in seen:
        seen.add(id(told))
        yield error_text(told)
        yield from getattr(told, "__notes__", ())
        hidden = told.__suppress_context__
        told = told.__cause__ if told.__cause__ is not None or hidden else told.__context__
