"""Model documents: JSON that fits a pydantic model, made from the fields of the model.

pydantic itself is not imported: a model is what has `model_fields`, and says what it accepts.
"""

import json
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache, reduce
from operator import or_
from typing import Annotated, Any, Literal, Protocol, Union, get_args, get_origin

from hypothesis import assume
from hypothesis import strategies as st

_MOST_ITEMS = 3
Json = Any


class Model(Protocol):
    """A class of pydantic, as far as it is used here."""

    model_fields: Mapping[str, Any]

    @classmethod
    def model_validate(cls, obj: Any) -> Any:
        """Return an instance; raise ValueError for a wrong document."""

    @classmethod
    def model_validate_json(cls, json_data: str) -> Any:
        """Return an instance; raise ValueError for a wrong text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A field of a model in a document: `parent` is the way to the object that has it as `key`."""

    parent: tuple[str | int, ...]
    key: str
    annotation: Any
    is_required: bool


def accepts(model: type[Model], text: str) -> bool:
    """Say whether the model takes a text as it is."""
    try:
        model.model_validate_json(text)
    except (ValueError, RecursionError):
        return False
    return True


@st.composite
def documents(draw: st.DrawFn, model: type[Model]) -> Json:
    """Return a strategy of documents that the model accepts, as it would write them."""
    drawn = draw(_fields(model))
    try:
        instance = model.model_validate(drawn)
        document = json.loads(instance.model_dump_json(by_alias=True))
    except ValueError:  # a validator of the model wants what its fields do not tell
        assume(False)
    assume(accepts(model, json.dumps(document)))
    return document


def places(model: type[Model], document: Json) -> Iterator[Place]:
    """Yield each field of the model that stands in a document, the outer ones first."""
    waiting: list[tuple[type[Model], tuple[str | int, ...], Json]] = [(model, (), document)]
    for each, way, value in waiting:  # which grows while it is read
        if not isinstance(value, dict):
            continue
        for name, field in each.model_fields.items():
            key = _key(name, field)
            if key not in value:
                continue
            required = field.is_required()
            yield Place(parent=way, key=key, annotation=field.annotation, is_required=required)
            for inner in models_in(field.annotation):
                items = value[key] if isinstance(value[key], list) else None
                if items is None:
                    waiting.append((inner, (*way, key), value[key]))
                else:
                    waiting += [(inner, (*way, key, at), item) for at, item in enumerate(items)]


def parts_of_type(annotation: Any) -> Iterator[Any]:
    """Yield an annotation and all that it is made of: of `list[int | None]` four types."""
    yield annotation
    if get_origin(annotation) is not Literal:
        for part in get_args(annotation):
            yield from parts_of_type(part)


def models_in(annotation: Any) -> list[type[Model]]:
    """Return the models that an annotation names."""
    return [part for part in parts_of_type(annotation) if hasattr(part, "model_fields")]


def is_choice(annotation: Any) -> bool:
    """Say whether an annotation is a Literal or an Enum, or may be None instead."""
    return any(
        get_origin(part) is Literal or (isinstance(part, type) and issubclass(part, Enum))
        for part in parts_of_type(annotation)
    ) and not _is_container(annotation)


def is_number(annotation: Any) -> bool:
    """Say whether an annotation is a number, or may be None instead."""
    parts = list(parts_of_type(annotation))
    return (int in parts or float in parts) and not _is_container(annotation)


def _is_container(annotation: Any) -> bool:
    origins = {get_origin(part) for part in parts_of_type(annotation)}
    return bool(origins & {list, dict, tuple, set, frozenset})


def _key(name: str, field: Any) -> str:
    """Return by what name a document has a field."""
    aliases = (field.validation_alias, field.alias)
    return next((alias for alias in aliases if isinstance(alias, str)), name)


@cache
def _fields(model: type[Model]) -> st.SearchStrategy[Json]:
    strategies = {
        _key(name, field): _values(field.annotation, tuple(field.metadata))
        for name, field in model.model_fields.items()
    }
    return st.fixed_dictionaries(strategies)


def _values(annotation: Any, metadata: tuple[Any, ...] = ()) -> st.SearchStrategy[Any]:
    """Return a strategy of the values of a field."""
    if hasattr(annotation, "model_fields"):
        return st.deferred(lambda: _fields(annotation))  # a model may hold itself
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _values(inner[0], (*inner[1:], *metadata))
    if origin in (Union, types.UnionType):
        # None first: it is the simplest, and ends models that hold themselves
        ordered = sorted(inner, key=lambda part: part is not type(None))
        return st.one_of([_values(part, metadata) for part in ordered])
    if origin is Literal:
        return st.sampled_from(inner)
    if origin in (list, set, frozenset, tuple, dict):
        return _containers(origin, inner, metadata)
    return _plain(annotation, metadata)


def _containers(
    origin: Any, inner: tuple[Any, ...], metadata: tuple[Any, ...]
) -> st.SearchStrategy[Any]:
    least = max([0, *(each.min_length for each in metadata if hasattr(each, "min_length"))])
    upper = [each.max_length for each in metadata if hasattr(each, "max_length")]
    most = min([max(_MOST_ITEMS, least + 1), *(each for each in upper if each is not None)])
    if origin is dict:
        values = [_values(part) for part in inner]
        return st.dictionaries(values[0], values[1], min_size=least, max_size=most)
    if origin is tuple and not (len(inner) == 2 and inner[1] is Ellipsis):
        return st.tuples(*map(_values, inner))
    items = st.lists(_values(inner[0]), min_size=least, max_size=most)
    return items if origin in (list, tuple) else items.map(lambda found: _distinct(found))


def _distinct(items: list[Any]) -> list[Any]:
    return [item for at, item in enumerate(items) if item not in items[:at]]


def _plain(annotation: Any, metadata: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    """Return a strategy of a type that holds no others, within the bounds of the field."""
    patterns = [each.pattern for each in metadata if getattr(each, "pattern", None)]
    if patterns:
        return reduce(or_, (st.from_regex(pattern, fullmatch=True) for pattern in patterns))
    bounds = tuple(each for each in metadata if type(each).__module__ == "annotated_types")
    if annotation is Any:
        return st.none() | st.booleans() | st.integers() | st.text(max_size=5)
    wanted: Any = Annotated[(annotation, *bounds)] if bounds else annotation
    values: st.SearchStrategy[Any] = st.from_type(wanted)
    return values.filter(_is_json_number) if annotation is float else values


def _is_json_number(value: float) -> bool:
    return value - value == 0
