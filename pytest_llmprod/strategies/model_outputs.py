"""Model outputs: answers to one who asked for a pydantic model, sound or broken in one way."""

import copy
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument

from pytest_llmprod.strategies.drawing import below, chosen, pick
from pytest_llmprod.strategies.malformed_json import damaged
from pytest_llmprod.strategies.model_documents import (
    Json,
    Model,
    Place,
    accepts,
    documents,
    is_choice,
    is_number,
    models_in,
    places,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A tool that a model wants to be called; `arguments` is what it wrote, JSON or not."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOutput:
    """An answer, and the one way in which it is broken, "" for none.

    `document` is what was meant, as the pydantic model accepts it. `field` names the field that is
    wrong, "" where it is not one. `accepted` says whether the pydantic model takes `text` as it
    is: it takes some that are broken, with a duplicate key for instance. A call of a tool comes in
    `tool_calls`, with an empty text.
    """

    text: str
    broken: str
    document: Json
    field: str
    accepted: bool
    tool_calls: tuple[ToolCall, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """A sound document that is to be broken, and a number that says where and how."""

    model: type[Model]
    document: Json
    number: int

    def text(self) -> str:
        return json.dumps(self.document, ensure_ascii=False)

    def place(self, fits: Callable[[Place], bool]) -> Place | None:
        fitting = [place for place in places(self.model, self.document) if fits(place)]
        return fitting[self.number % len(fitting)] if fitting else None

    def changed(self, place: Place, change: Callable[[dict[str, Json], str], None]) -> str:
        """Return the text of a copy in which the object that has the field was changed."""
        document = copy.deepcopy(self.document)
        parent = document
        for step in place.parent:
            parent = parent[step]
        change(parent, place.key)
        return json.dumps(document, ensure_ascii=False)

    def with_value(self, place: Place, value: Json) -> str:
        """Return the text of a copy in which the field has another value."""
        return self.changed(place, lambda parent, key: parent.update({key: value}))

    def first_refused(self, place: Place, values: Iterable[Json]) -> str | None:
        """Return the text with the first of `values` in place that the model refuses."""
        texts = (self.with_value(place, value) for value in values)
        return next((text for text in texts if not accepts(self.model, text)), None)


#: The text that is left of a draft, and the field that is wrong; None where this cannot be done.
_Broken = tuple[str, str] | None
_WRONG: tuple[Json, ...] = ([], {}, "x", None, 12_345.5, True)
_REFUSALS = (
    "I'm sorry, but I can't help with that.",
    "I cannot assist with this request.",
    "Es tut mir leid, dabei kann ich nicht helfen.",
)
_AFTER_PROSE = ("", "\n\nLet me know if you need anything else!")
TOOL = "answer"
_UNKNOWN_TOOLS = ("lookup", "answer_v2", "functions.answer", "")


def _whole_text(kind: str) -> Callable[[_Draft], _Broken]:
    """Return a way to break a text without looking at its fields."""

    def broken(draft: _Draft) -> _Broken:
        text = damaged(kind, draft.text(), draft.number)
        return None if text is None else (text, "")

    return broken


def _prose_around(draft: _Draft) -> _Broken:
    text = damaged("prose before", draft.text(), draft.number)
    return f"{text}{_AFTER_PROSE[draft.number % len(_AFTER_PROSE)]}", ""


def _wrong_type(draft: _Draft) -> _Broken:
    place = draft.place(lambda _: True)
    if place is None:
        return None
    start = draft.number % len(_WRONG)
    text = draft.first_refused(place, (*_WRONG[start:], *_WRONG[:start]))
    return None if text is None else (text, place.key)


def _missing_field(draft: _Draft) -> _Broken:
    place = draft.place(lambda each: each.is_required)
    if place is None:
        return None
    return draft.changed(place, lambda parent, key: parent.pop(key)), place.key


def _extra_field(draft: _Draft) -> _Broken:
    document = {**draft.document, "explanation": "as asked"}
    return json.dumps(document, ensure_ascii=False), "explanation"


def _enum_outside(draft: _Draft) -> _Broken:
    place = draft.place(lambda each: is_choice(each.annotation))
    if place is None:
        return None
    text = draft.first_refused(place, ("other", "OTHER", "unknown", -1, 99_999))
    return None if text is None else (text, place.key)


def _nan(draft: _Draft) -> _Broken:
    place = draft.place(lambda each: is_number(each.annotation))
    if place is None:
        return None
    value = (float("nan"), float("inf"), -float("inf"))[draft.number % 3]
    return draft.with_value(place, value), place.key


_BREAKS: Mapping[str, Callable[[_Draft], _Broken]] = {
    "empty": _whole_text("empty"),
    "refusal": lambda draft: (_REFUSALS[draft.number % len(_REFUSALS)], ""),
    "cut short": _whole_text("cut"),
    "fence": _whole_text("fence"),
    "prose around": _prose_around,
    "wrong type": _wrong_type,
    "missing field": _missing_field,
    "extra field": _extra_field,
    "enum outside": _enum_outside,
    "NaN": _nan,
    "duplicate keys": _whole_text("duplicate key"),
    "smart quotes": _whole_text("smart quotes"),
    "hallucinated tool": lambda draft: ("", ""),
    "tool arguments": lambda draft: ("", ""),
}
#: The ways of `model_outputs(..., broken=...)`.
BROKEN_OUTPUTS = tuple(_BREAKS)
_NUMBERS = 1 << 12


def _tool_calls(kind: str, draft: _Draft) -> tuple[ToolCall, ...]:
    if kind == "hallucinated tool":
        name = _UNKNOWN_TOOLS[draft.number % len(_UNKNOWN_TOOLS)]
        return (ToolCall(name=name, arguments=draft.text()),)
    if kind == "tool arguments":
        text = damaged("cut", draft.text(), draft.number)
        return (ToolCall(name=TOOL, arguments=text or ""),)
    return ()


@st.composite
def _model_outputs(draw: st.DrawFn, model: type[Model], kinds: tuple[str, ...]) -> ModelOutput:
    kind = pick(draw, kinds)
    document = draw(documents(model))
    if not kind:
        text = json.dumps(document, ensure_ascii=False)
        return ModelOutput(text=text, broken="", document=document, field="", accepted=True)
    draft = _Draft(model=model, document=document, number=draw(below(_NUMBERS)))
    broken = _BREAKS[kind](draft)
    assume(broken is not None)
    text, field = broken or ("", "")
    return ModelOutput(
        text=text,
        broken=kind,
        document=document,
        field=field,
        accepted=accepts(model, text),
        tool_calls=_tool_calls(kind, draft),
    )


def model_outputs(
    model: type[Model], broken: bool | Iterable[str] | str = False
) -> st.SearchStrategy[ModelOutput]:
    """Return a strategy of what a language model may answer where a pydantic model was asked for.

    `broken` is False for sound answers, True for answers broken in one way, or the names of some of
    BROKEN_OUTPUTS. A way that the fields do not allow, as an enum without an enum, is left out.
    """
    if not hasattr(model, "model_fields"):
        raise InvalidArgument(f"{model!r} is no class of pydantic: it has no model_fields.")
    if broken is False:
        return _model_outputs(model, ("",))
    asked = None if broken is True else broken
    kinds = tuple(each for each in chosen("broken", asked, BROKEN_OUTPUTS) if _can(model, each))
    if not kinds:
        raise InvalidArgument(f"broken={broken!r}: {model.__name__} has no field for that.")
    return _model_outputs(model, kinds)


def _can(model: type[Model], kind: str) -> bool:
    """Say whether the fields of a model, or of a model in it, allow a way to break it."""
    fields = _all_fields(model)
    if kind == "enum outside":
        return any(is_choice(field.annotation) for field in fields)
    if kind == "NaN":
        return any(is_number(field.annotation) for field in fields)
    if kind == "missing field":
        return any(field.is_required() for field in fields)
    return bool(fields) or kind not in ("wrong type", "duplicate keys", "smart quotes")


def _all_fields(model: type[Model]) -> list[Any]:
    found: list[type[Model]] = [model]
    for each in found:  # which grows while it is read
        inner = (part for f in each.model_fields.values() for part in models_in(f.annotation))
        found += [part for part in inner if part not in found]
    return [field for each in found for field in each.model_fields.values()]
