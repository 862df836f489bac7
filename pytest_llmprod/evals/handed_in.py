"""Handed in: what somebody found, a failing example, a complaint or a line of the request log, and
the row of a data set that it becomes.
"""

import difflib
import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import Any

from pytest_llmprod.core.errors import DatasetError
from pytest_llmprod.evals.dataset import FIELDS, Case, as_case
from pytest_llmprod.evals.digests import canonical

PLACE = Path("standard input")
_ASKED = "gen_ai.input.messages"
_ANSWERED = "gen_ai.output.messages"
_WHAT_TO_GIVE = (
    'Give one JSON object: {"input": ..., "expected": ...}, or a line of the request log with the '
    f"key {_ASKED}."
)
_ID_LENGTH = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedIn:
    """A row without an id of ours yet, and what the model had answered, where that is known."""

    row: Mapping[str, Any]
    answered: str = ""


def read(content: bytes, known: Sequence[Case]) -> HandedIn:
    """Return what stands on standard input as a row in the shape of the `known` cases.

    Raises DatasetError, which says what to give.
    """
    document = _parse(content)
    if not isinstance(document, dict):
        raise DatasetError(
            f"{PLACE}: holds {_kind(document)} and no object. {_WHAT_TO_GIVE} Several go in one "
            f"after the other."
        )
    if "input" in document or "expected" in document:
        return HandedIn(row=document)
    attributes = document.get("attributes")
    log = {**attributes, **document} if isinstance(attributes, dict) else document
    if any(name.startswith("gen_ai.") for name in log):
        return _from_log(log, known)
    found = ", ".join(repr(name) for name in document) or "nothing"
    close = [name for name in document if difflib.get_close_matches(name, FIELDS[1:3], cutoff=0.8)]
    hint = f" {close[0]!r} is close, but not it." if close else ""
    raise DatasetError(
        f"{PLACE}: has neither input nor expected, only {found}.{hint} {_WHAT_TO_GIVE}"
    )


def completed(
    row: Mapping[str, Any], known: Sequence[Case], *, expected: Any, tags: Sequence[str]
) -> dict[str, Any]:
    """Return a row with what the caller knows, its tags, and an id of its own, checked.

    The id is made of the input, so that the same example gets the same id in each branch. Raises
    DatasetError where the id or the input is that of a known case, or where a part has a wrong
    type.
    """
    _refuse_known({**row, "expected": row.get("expected", expected)}, known)
    return identified(row, {case.id for case in known}, expected=expected, tags=tags)


def identified(
    row: Mapping[str, Any], used: Collection[str], *, expected: Any, tags: Sequence[str]
) -> dict[str, Any]:
    """Return what `completed` does where nobody asks the same yet, and the ids in `used` are."""
    merged = {name: row[name] for name in ("id", "input") if name in row}
    merged["expected"] = row.get("expected", expected)
    all_tags = (*as_case(PLACE, 1, {"id": "-", **row}).tags, *tags)
    if all_tags:
        merged["tags"] = list(dict.fromkeys(all_tags))
    merged |= {name: value for name, value in row.items() if name not in merged}
    if "id" not in row:
        merged = {"id": _new_id(merged, used), **merged}
    if as_case(PLACE, 1, merged).id in used:
        raise DatasetError(
            f"{PLACE}: the id {merged['id']!r} is that of another row. Leave it out, and the row "
            f"gets one of its own."
        )
    return merged


def _parse(content: bytes) -> Any:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DatasetError(
            f"{PLACE}: byte {content[error.start]:#04x} is not UTF-8. {_WHAT_TO_GIVE}"
        ) from error
    if not text.strip():
        raise DatasetError(f"{PLACE}: is empty. {_WHAT_TO_GIVE}")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        is_more = reason == "Extra data"
        raise DatasetError(
            f"{PLACE}: is not valid JSON ({reason}). {_WHAT_TO_GIVE}"
            + (" Several go in one after the other." if is_more else "")
        ) from error


def _kind(value: Any) -> str:
    kinds = {list: "a list", str: "a text", bool: "a truth value", type(None): "null"}
    return kinds.get(type(value), "a number")


def _from_log(log: Mapping[str, Any], known: Sequence[Case]) -> HandedIn:
    messages = _messages(log.get(_ASKED))
    texts = [text for role, text in messages if role == "user" and text]
    if not texts:
        raise DatasetError(
            f"{PLACE}: this line of a request log holds no text of a user under {_ASKED}. Give "
            f'the input yourself: {{"input": ..., "expected": ...}}.'
        )
    answers = [text for _, text in _messages(log.get(_ANSWERED)) if text]
    return HandedIn(
        row={"input": _in_the_shape_of(known, texts[-1], messages)},
        answered=answers[-1] if answers else "",
    )


def _messages(value: Any) -> list[tuple[str, str]]:
    """Return (role, text) of messages as OpenTelemetry writes them, or as they were sent."""
    if isinstance(value, str):  # attributes of a span are texts
        try:
            value = json.loads(value)
        except ValueError:
            return []
    found = [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
    return [(str(each.get("role", "")), _text(each)) for each in found]


def _text(message: Mapping[str, Any]) -> str:
    parts = message.get("parts", message.get("content"))
    if isinstance(parts, str):
        return parts
    texts = []
    for part in parts if isinstance(parts, list) else ():
        if isinstance(part, dict) and part.get("type") in ("text", "input_text", "output_text"):
            text = part.get("content", part.get("text"))
            texts += [text] if isinstance(text, str) else []
    return "\n".join(texts)


def _in_the_shape_of(known: Sequence[Case], text: str, messages: Sequence[tuple[str, str]]) -> Any:
    """Return the last text of the user as other inputs are: a text, an object with one, a list."""
    inputs = [case.input for case in known]
    if all(isinstance(each, str) for each in inputs):
        return text
    if all(isinstance(each, list) for each in inputs):
        return [{"role": role, "content": said} for role, said in messages]
    names = {tuple(each) if isinstance(each, dict) else () for each in inputs}
    if len(names) == 1 and len(name := names.pop()) == 1:
        return {name[0]: text}
    example = next(each for each in inputs if not isinstance(each, str))
    shown = "..."
    if isinstance(example, dict):
        shown = "{" + ", ".join(f"{json.dumps(str(each))}: ..." for each in example) + "}"
    raise DatasetError(
        f"{PLACE}: a line of a request log gives one text, and the inputs of this data set have "
        f'another shape. Give the input yourself: {{"input": {shown}, "expected": ...}}.'
    )


def _refuse_known(row: Mapping[str, Any], known: Sequence[Case]) -> None:
    if row.get("input") is None:
        return
    wanted = canonical(row["input"])
    for case in known:
        if canonical(case.input) == wanted:
            is_other = row["expected"] is not None and row["expected"] != case.expected
            raise DatasetError(
                f"{PLACE}: the row {case.id!r} has this input already"
                f"{', with another expectation' if is_other else ''}. Nothing was added; change "
                f"that row where it is wrong."
            )


def _new_id(row: Mapping[str, Any], used: Collection[str]) -> str:
    what = row["expected"] if row.get("input") is None else row["input"]
    name = f"add-{hashlib.sha256(canonical(what).encode()).hexdigest()[:_ID_LENGTH]}"
    names = chain([name], (f"{name}-{number}" for number in count(2)))
    return next(each for each in names if each not in used)
