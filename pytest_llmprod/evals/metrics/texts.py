"""Texts: any output of an application as text that can be compared and shown."""

import dataclasses
import json
import unicodedata
from collections.abc import Iterable, Iterator
from enum import Enum
from itertools import groupby
from typing import Any

# What is shown is masked and shortened before it is printed. A longer text is cut here already,
# far enough behind what is printed that no half of a secret is left over.
_LONGEST_SHOWN = 10_000
_LONGEST_EXPECTATION = 60
# Putting marks in order takes quadratic time: UAX #15, section 13, has at most 30 in a row.
_MOST_MARKS = 30
_JOINER = "\N{COMBINING GRAPHEME JOINER}"


def as_text(value: Any) -> str:
    """Return a text as it is, and any other value as JSON with sorted keys."""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes | bytearray):
        return bytes(value).decode("utf-8", "replace")
    try:
        return json.dumps(value, sort_keys=True, ensure_ascii=False, default=plain)
    except (TypeError, ValueError, RecursionError):  # keys without an order, a circle, depth
        return shown(value)


def plain(value: Any) -> Any:
    """Return an object of the application as JSON values: a dataclass, a pydantic model, a set."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if not isinstance(value, type) and callable(getattr(value, "model_dump", None)):
        return value.model_dump(mode="json")
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, set | frozenset):
        return sorted(value, key=shown)
    return str(value)


def canonical(value: Any) -> str:
    """Return a value as JSON that is the same for values which JSON holds equal: 1 and 1.0."""
    try:
        text = json.dumps(value, default=plain)
        read = json.loads(text, parse_float=_plain_number) if "." in text or "e" in text else value
        return json.dumps(read, sort_keys=True, ensure_ascii=False, default=plain)
    except (TypeError, ValueError, RecursionError):  # keys without an order, a circle, depth
        return shown(value)


def _plain_number(text: str) -> float:
    number = float(text)
    return int(number) if number.is_integer() else number


def normal_form(value: Any) -> str:
    """Return the text of a value in Unicode form NFKC, with case and white space folded."""
    text = as_text(value)
    if not text.isascii():
        text = unicodedata.normalize("NFKC", "".join(_with_few_marks(text)))
    return " ".join(text.casefold().split())


def _with_few_marks(text: str) -> Iterator[str]:
    for are_marks, characters in groupby(text, lambda char: unicodedata.combining(char) != 0):
        run = "".join(characters)
        if are_marks and len(run) > _MOST_MARKS:
            run = _JOINER.join(
                run[start : start + _MOST_MARKS] for start in range(0, len(run), _MOST_MARKS)
            )
        yield run


def shown(value: Any) -> str:
    """Return a value for a reader, whatever its `__repr__` does."""
    try:
        return repr(value)[:_LONGEST_SHOWN]
    except Exception as problem:
        return f"({type(value).__name__} whose repr cannot be had: {type(problem).__name__})"


def brief(value: Any) -> str:
    """Return what a data set expects, short enough to stand before what was there instead."""
    text = shown(value)
    return text if len(text) <= _LONGEST_EXPECTATION else f"{text[: _LONGEST_EXPECTATION - 3]}..."


def listed(texts: Iterable[str]) -> str:
    """Return the first three of `texts`, and how many more there are."""
    first = list(texts)
    rest = f" and {len(first) - 3:,} more" if len(first) > 3 else ""
    return f"{', '.join(first[:3])}{rest}"


def instead(expected: Any, output: Any) -> str:
    """Return the words for an output that is not what was expected."""
    return f"expected {brief(expected)}, got {shown(output)}"
