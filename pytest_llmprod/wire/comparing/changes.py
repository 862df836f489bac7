"""Changes: in what do two texts or two JSON values differ, and would a program notice?"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pytest_llmprod.core.text import width
from pytest_llmprod.wire.bodies import parse_json

Aspect = Literal[
    "failure", "status", "tool calls", "form", "structure", "value", "finish", "refusal", "text"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing in which two answers differ.

    `place` says where inside of the aspect, `.label` for instance, and is empty for the whole.
    `old` and `new` are as the model wrote them, and values of a document in JSON. `is_behaviour`
    is false for mere words.
    """

    aspect: Aspect
    place: str
    old: str
    new: str
    is_behaviour: bool = True

    def to_json(self) -> dict[str, Any]:
        """Return the change for a script."""
        return {
            "aspect": self.aspect,
            "place": self.place,
            "old": self.old,
            "new": self.new,
            "is_behaviour": self.is_behaviour,
        }


def compare_texts(old: str, new: str) -> Iterator[Change]:
    """Compare two texts, which may be JSON; the layout of JSON does not count."""
    if old == new:
        return
    (old_form, before), (new_form, after) = _read(old), _read(new)
    if old_form != new_form:
        yield Change(aspect="form", place="", old=old_form, new=new_form)
    if before is not None and after is not None:
        yield from compare_documents(before, after)
    elif old_form == new_form:
        yield _change_of_text("", old, new)


_FENCED = re.compile(r"```\w*\n(.*)\n```", re.DOTALL)


def _read(text: str) -> tuple[str, Any]:
    """Return the form of a text, and the JSON object or array that it holds, or None."""
    stripped = text.strip()
    if not stripped:
        return "nothing", None
    fenced = _FENCED.fullmatch(stripped)
    document = _parse(fenced[1] if fenced else stripped)
    if document is not None:
        return "JSON in a code fence" if fenced else "JSON", document
    return "one word" if _is_word(stripped) else "text", None


def _parse(text: str) -> Any:
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return parse_json(text)
    except ValueError:
        return None


def _is_word(text: str) -> bool:
    """Say whether `text` is a label or a token, on which a program may branch, and no prose.

    Chinese and Japanese put no space between words; a long text without one is prose there.
    """
    return len(text.split()) <= 1 and (text.isascii() or width(text) <= 24)


def compare_documents(old: Any, new: Any) -> Iterator[Change]:
    """Compare two JSON values: first their structure, then what stands in it.

    A text of several words is prose. Every other value is one on which a program may branch.
    """
    if _shown(old) == _shown(new):
        return
    # Only answers that differ need deepdiff, which takes longer to import than all the rest.
    from deepdiff import DeepDiff

    tree = DeepDiff(
        _marked(old),
        _marked(new),
        view="tree",
        ignore_private_variables=False,
        threshold_to_diff_deeper=0,
    )
    parts = (
        (_place(part.path(output_format="list")), _unmarked(part.t1), _unmarked(part.t2))
        for kind in sorted(tree)
        for part in tree[kind]
    )
    changes = [
        _change_of_part(place, before, after)
        for place, before, after in parts
        if not _is_equal(before, after)
    ]
    yield from sorted(changes, key=lambda change: (change.aspect != "structure", change.place))


# In lists deepdiff takes false for 0 and true for 1, as Python does: these stand in for them.
_MARKS = {True: "\ue000true", False: "\ue000false"}
_MARKED = {mark: value for value, mark in _MARKS.items()}


def _marked(value: Any) -> Any:
    if isinstance(value, bool):
        return _MARKS[value]
    return _mapped(_marked, value)


def _unmarked(value: Any) -> Any:
    if isinstance(value, str):
        return _MARKED.get(value, value)
    return _mapped(_unmarked, value)


def _mapped(change: Callable[[Any], Any], value: Any) -> Any:
    if isinstance(value, list):
        return [change(part) for part in value]
    if isinstance(value, dict):
        return {name: change(part) for name, part in value.items()}
    return value


def _is_equal(old: Any, new: Any) -> bool:
    """Say whether two values are equal as JSON has it: 1 is 1.0, and not true."""
    return _kind(old) == _kind(new) and (old == new or _shown(old) == _shown(new))


def _place(path: Sequence[str | int]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)


def _change_of_part(place: str, old: Any, new: Any) -> Change:
    if isinstance(old, str) and isinstance(new, str):
        return _change_of_text(place, old, new)
    # A list that is longer or shorter has the same structure; an object with other keys has not.
    is_item = place.endswith("]") and "absent" in (_kind(old), _kind(new))
    is_value = is_item or _kind(old) == _kind(new)
    aspect: Aspect = "value" if is_value else "structure"
    return Change(aspect=aspect, place=place, old=_shown(old), new=_shown(new))


def _change_of_text(place: str, old: str, new: str) -> Change:
    if _is_word(old) or _is_word(new):
        return Change(aspect="value", place=place, old=_shown(old), new=_shown(new))
    return Change(aspect="text", place=place, old=old, new=new, is_behaviour=False)


_KINDS = {str: "text", int: "number", float: "number", list: "array", dict: "object"}


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "truth value"
    if value is None:
        return "null"
    return _KINDS.get(type(value), "absent")  # deepdiff's mark for what one side does not have


def _shown(value: Any) -> str:
    if _kind(value) == "absent":
        return "absent"
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def compare_bodies(old: Any, new: Any) -> Iterator[Change]:
    """Compare two bodies in which nobody knows what an application acts on.

    Such a body may hold ids, times and vectors, so that only its structure tells of behaviour.
    """
    if _shown(old) == _shown(new):
        return
    changes = list(compare_documents(_shape(old), _shape(new)))
    for change in changes:
        before, after = change.old.strip('"'), change.new.strip('"')
        yield Change(aspect="structure", place=change.place, old=before, new=after)
    if not changes:
        before, after = (each if isinstance(each, str) else _shown(each) for each in (old, new))
        yield Change(aspect="text", place="", old=before, new=after, is_behaviour=False)


def _shape(value: Any) -> Any:
    """Return a JSON value with the kind of each part in its place; a vector is one part."""
    if isinstance(value, dict):
        return {name: _shape(part) for name, part in value.items()}
    if isinstance(value, list):
        if value and all(_kind(part) == "number" for part in value):
            return f"{len(value)} numbers"
        return [_shape(part) for part in value]
    return _kind(value)
