"""Loose: values out of JSON whose shape nobody promises, without an error."""

from collections.abc import Mapping
from typing import Any

from pytest_llmprod.wire.bodies import parse_json

Json = Any
_LISTS = (list, tuple)


def text(value: Json) -> str:
    """Return a string as it is, and anything else as the empty string."""
    return value if isinstance(value, str) else ""


def whole(value: Json) -> int | None:
    """Return a count, and anything else, true and negative numbers included, as None."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    return None


def count(values: Json, name: str) -> int:
    """Return the count of this name, 0 where there is none."""
    if not values or not isinstance(values, dict):  # most usages tell few of all counts
        return 0
    return whole(values.get(name)) or 0


def mapping(value: Json) -> Mapping[str, Json]:
    """Return an object as it is, and anything else as an empty one."""
    return value if isinstance(value, dict) else {}


def mappings(value: Json) -> list[Mapping[str, Json]]:
    """Return the objects of a list; anything else holds none."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, _LISTS) else []


def decoded(value: Json) -> Json:
    """Return the JSON that a text holds, or the value as it is where it is no such text."""
    if not isinstance(value, str):
        return value
    try:
        return parse_json(value)
    except ValueError:
        return value
