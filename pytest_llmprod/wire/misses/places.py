"""Places: where a request differs from a recorded one, and to what each place belongs."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Literal

from pytest_llmprod.core.text import printable, shorten
from pytest_llmprod.wire.canonical import (
    VOLATILE_FIELDS,
    may_hold_ids,
    with_ordinals,
    with_whole_floats,
)
from pytest_llmprod.wire.misses.alignment import aligned

Group = Literal["prompt", "order", "tools", "model", "parameters"]

# What each provider calls the prompt; all that is not named here is a parameter.
_GROUPS: Mapping[str, Group] = {
    **dict.fromkeys(("messages", "input", "instructions", "prompt"), "prompt"),  # OpenAI
    **dict.fromkeys(("system",), "prompt"),  # Anthropic, Bedrock
    **dict.fromkeys(("contents", "content", "systemInstruction"), "prompt"),  # Gemini
    **dict.fromkeys(("system_instruction", "inputText"), "prompt"),  # Gemini, Titan
    **dict.fromkeys(("message", "chat_history", "preamble"), "prompt"),  # Cohere
    **dict.fromkeys(("query", "documents", "texts"), "prompt"),  # rerankers, embeddings
    **dict.fromkeys(("tools", "functions", "tool_config", "toolConfig"), "tools"),
    **dict.fromkeys(("model", "modelId"), "model"),
}
_CONVERSATIONS = ("messages", "input", "contents", "prompt")
_RANKS: Sequence[Group] = ("model", "prompt", "order", "tools", "parameters")
_PLAIN_TYPES = frozenset({"function", "input_text", "message", "output_text", "text"})
_TOOL_WRAPPERS = ("function", "toolSpec")


class _Absent(Enum):
    ABSENT = "(absent)"


ABSENT = _Absent.ABSENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One place in which a request differs from a recorded one.

    `name` is where it is (`messages[3].content`), `whose` the role or the type of the message, or
    ''. `old` and `new` are the recorded and the sent JSON value, `ABSENT` where there is none. Of a
    list that holds the same in another order (`is_reordered`) they are listings, a line for each
    item.
    """

    group: Group
    name: str
    whose: str
    old: Any
    new: Any
    is_reordered: bool = False

    @property
    def subject(self) -> str:
        """Return to what this belongs, in a word or two: a text, a list, a tool, a parameter."""
        if self.group == "tools":
            return self.name.removeprefix("tool ").partition(": ")[0]
        return re.split(r"[.\[]", self.name)[0] if self.group == "parameters" else self.name


@dataclass(frozen=True, slots=True)
class _Spot:
    """Where a comparison stands in a document."""

    group: Group
    name: str
    whose: str = ""

    def named(self, name: str) -> "_Spot":
        shown = printable(name)
        if self.name.endswith(": "):
            return self if name in _TOOL_WRAPPERS else replace(self, name=f"{self.name}{shown}")
        return replace(self, name=f"{self.name}.{shown}")

    def at(self, index: int, item: Any) -> "_Spot":
        whose = f"{self.whose} {_whose(item)}".strip() if self.group == "prompt" else ""
        return replace(self, name=f"{self.name}[{index}]", whose=whose)

    def of_tool(self, name: str) -> "_Spot":
        return replace(self, name=f"tool {printable(name)}: ")

    def differs(self, old: Any, new: Any) -> Place:
        name = self.name.removesuffix(": ")
        return Place(group=self.group, name=name, whose=self.whose, old=old, new=new)


def differing_places(recorded: Any, sent: Any) -> list[Place]:
    """Return each place in which two bodies differ: model, prompt, tools, then parameters.

    A body is JSON, or the text of what is none. What makes no difference to a key is left out:
    fields that it does not cover, whether a float parameter is written as 1 or as 1.0, and ids that
    somebody made up, as long as they come in the same order. The id of the answer from which a
    request goes on is told.
    """
    if not (isinstance(recorded, dict) and isinstance(sent, dict)):
        return list(_compare(_Spot("prompt", "the body"), recorded, sent))
    pair = (with_whole_floats(recorded), with_whole_floats(sent))
    places = _differing(*pair)
    if not places or not may_hold_ids(_canonical(sent)):
        return places
    # Where a call came in before others, all ordinals after it differ, and the ids do not.
    return min(places, _differing(*map(_with_ordinals, pair)), key=len)


def _with_ordinals(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a body with ordinals for ids, but for that of the answer from which it goes on.

    A replay hands out the recorded ids, and so tells conversations apart.
    """
    changed: Mapping[str, Any] = with_ordinals(body)
    going_on = {name: body[name] for name in ("previous_response_id",) if name in body}
    return {**changed, **going_on}


def _differing(recorded: Mapping[str, Any], sent: Mapping[str, Any]) -> list[Place]:
    old, new = _by_part(recorded), _by_part(sent)
    names = [name for name in {**new, **old} if name not in VOLATILE_FIELDS]
    found = [
        place
        for name in names
        for place in _compare(
            _Spot(_GROUPS.get(name, "parameters"), printable(name)),
            old.get(name, ABSENT),
            new.get(name, ABSENT),
        )
    ]
    return sorted(found, key=lambda place: _RANKS.index(place.group))


def prompt_texts(document: Any) -> list[str]:
    """Return every text of the prompt, in the order of the body."""
    if not isinstance(document, dict):
        return [document] if isinstance(document, str) and document else []
    parts = (value for name, value in document.items() if _GROUPS.get(name) == "prompt")
    return [text for part in parts for text in _texts(part) if text]


def gist(document: Any, columns: int) -> str:
    """Return the last thing that a request says, quoted and cut to `columns`, or `no text`.

    That is the last text of the conversation: instructions come after it in some bodies.
    """
    texts = prompt_texts(document)
    if isinstance(document, dict):
        conversation = next(filter(None, map(document.get, _CONVERSATIONS)), None)
        texts = [text for text in _texts(conversation) if text] or texts
    return f'"{shorten(printable(texts[-1]), columns - 2)}"' if texts else "no text"


def _texts(value: Any, name: str = "") -> Iterator[str]:
    if isinstance(value, str):
        if name not in ("role", "type", "id", "call_id", "tool_call_id", "tool_use_id"):
            yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item, key)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, name)


def _by_part(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the parts of a form by their names, and every other document as it is."""
    parts = document.get("multipart")
    if len(document) != 1 or not isinstance(parts, list):
        return document
    found: dict[str, Any] = {}
    for part in parts:
        name = part.get("name") if isinstance(part, dict) else None
        if not isinstance(name, str) or name in found:
            return document
        found[name] = {key: value for key, value in part.items() if key != "name"}
    return found


def _compare(spot: _Spot, old: Any, new: Any) -> Iterator[Place]:
    if _canonical(old) == _canonical(new):
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for name in {**new, **old}:
            yield from _compare(spot.named(name), old.get(name, ABSENT), new.get(name, ABSENT))
    elif isinstance(old, list) and isinstance(new, list):
        yield from _compare_lists(spot, old, new)
    else:
        yield spot.differs(old, new)


def _compare_lists(spot: _Spot, old: Sequence[Any], new: Sequence[Any]) -> Iterator[Place]:
    before, after = list(map(_canonical, old)), list(map(_canonical, new))
    if sorted(before) == sorted(after):
        group: Group = "order" if spot.group == "prompt" else spot.group
        old_listing, new_listing = (_listing(items, spot.group) for items in (old, new))
        place = replace(spot, group=group).differs(old_listing, new_listing)
        yield replace(place, is_reordered=True)
        return
    by_name, others = _tools(old), _tools(new)
    if spot.group == "tools" and by_name is not None and others is not None:
        for name in {**others, **by_name}:
            tool = spot.of_tool(name)
            yield from _compare(tool, by_name.get(name, ABSENT), others.get(name, ABSENT))
        return
    for i, j in aligned(before, after):
        if j is None:
            yield spot.at(i or 0, old[i or 0]).differs(old[i or 0], ABSENT)
        elif i is None:
            yield spot.at(j, new[j]).differs(ABSENT, new[j])
        else:
            yield from _compare(spot.at(j, new[j]), old[i], new[j])


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=repr)


def _tools(items: Sequence[Any]) -> dict[str, Any] | None:
    """Return definitions of tools by their names, None where not all have one of their own."""
    found: dict[str, Any] = {}
    for item in items:
        name = _tool_name(item)
        if not name or name in found:
            return None
        found[name] = item
    return found


def _tool_name(item: Any) -> str:
    """Return how a tool is called; one that the provider runs itself has only a type."""
    if not isinstance(item, dict):
        return ""
    inner = next((item[each] for each in _TOOL_WRAPPERS if isinstance(item.get(each), dict)), item)
    name = inner.get("name") or item.get("type")
    return name if isinstance(name, str) else ""


def _whose(item: Any) -> str:
    """Return the role of a message, or the type of a part where it is not plain text."""
    if not isinstance(item, dict):
        return ""
    role, kind = item.get("role"), item.get("type")
    if isinstance(role, str):
        return printable(role)
    return printable(kind) if isinstance(kind, str) and kind not in _PLAIN_TYPES else ""


def _listing(items: Sequence[Any], group: Group) -> str:
    """Return a line for each item of a list: its position, whose it is, and what it says."""
    lines = []
    for index, item in enumerate(items):
        name = _tool_name(item) if group == "tools" else ""
        gist = name or next(reversed(list(_texts(item))), "") or _canonical(item)
        whose = f"{_whose(item)}: " if _whose(item) else ""
        lines.append(f"[{index}] {whose}{printable(gist)}")
    return "\n".join(lines)
