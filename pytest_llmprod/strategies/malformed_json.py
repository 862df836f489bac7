"""Malformed JSON: a known value, written as a model or a careless program writes it."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument

from pytest_llmprod.strategies.drawing import below, chosen, one_of, pick

Json = Any


@dataclass(frozen=True, slots=True, kw_only=True)
class MalformedJson:
    """A JSON document that was damaged in one way.

    `value` is what it said before, `written` how that was written, `text` what is left of it.
    `is_json` says whether a strict reader (RFC 8259) may still take it, as it may duplicate keys.
    """

    kind: str
    text: str
    written: str
    value: Json
    is_json: bool


#: How a text is damaged: a function of the JSON text and a number, None where it cannot be.
Damage = Callable[[str, int], str | None]

_DEEP = (100, 1_000, 10_000, 100_000)
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_PROSE = ["Here is the JSON:\n", "Sure! ", "Result = ", "<think>short</think>\n"]
_PROSE_AFTER = ["\nHope this helps!", "\n\nLet me know if you need more.", " (done)"]
_COMMENTS = ["// as asked\n", "# note\n", "/* 1 */ "]


def _outside_texts(text: str, change: Callable[[str], str]) -> str:
    """Change what stands outside of quoted texts."""
    parts, end = [], 0
    for found in _QUOTED.finditer(text):
        parts += [change(text[end : found.start()]), found[0]]
        end = found.end()
    return "".join([*parts, change(text[end:])])


def _different(text: str, damaged: str) -> str | None:
    return damaged if damaged != text else None


def _cut(text: str, number: int) -> str | None:
    """Cut where no JSON is left before the cut: half a number is a number still."""
    first = number % max(len(text) - 1, 1)
    places = (*range(1 + first, len(text)), *range(1, 1 + first))
    return next((text[:at] for at in places if not _is_json(text[:at])), None)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _trailing_comma(text: str, _: int) -> str | None:
    return f"{text[:-1]},{text[-1]}" if text[-1] in "]}" and len(text) > 2 else None


def _single_quotes(text: str, _: int) -> str | None:
    return _different(text, _QUOTED.sub(lambda found: f"'{found[0][1:-1]}'", text))


def _smart_quotes(text: str, _: int) -> str | None:
    return _different(text, _QUOTED.sub(lambda found: f"\u201c{found[0][1:-1]}\u201d", text))


def _python_literals(text: str, _: int) -> str | None:
    names = {"true": "True", "false": "False", "null": "None"}

    def as_python(part: str) -> str:
        return re.sub("true|false|null", lambda found: names[found[0]], part)

    return _different(text, _outside_texts(text, as_python))


def _unquoted_key(text: str, _: int) -> str | None:
    return _different(text, re.sub(r'"([a-zA-Z_]+)":', r"\1:", text, count=1))


def _real_newline(text: str, _: int) -> str | None:
    return _different(text, text.replace("\\n", "\n"))


def _instead_of_a_number(name: str) -> Damage:
    def damage(text: str, _: int) -> str | None:
        damaged = _outside_texts(text, lambda part: _NUMBER.sub(name, part, count=1))
        return _different(text, damaged)

    return damage


def _doubled_member(text: str, _: int) -> str | None:
    value = json.loads(text)
    if not (isinstance(value, dict) and value):
        return None
    first = next(iter(value))
    return f"{text[:-1]}, {json.dumps(first)}: null}}"


def _surrogate(text: str, number: int) -> str | None:
    found = _QUOTED.search(text)
    if found is None or f"{found[0]}:" in text:
        return None  # a key stays as it is
    half = f"\\ud{0x800 + number % 0x800:03x}"
    return f"{text[: found.end() - 1]}{half}{text[found.end() - 1 :]}"


def _nested(text: str, number: int) -> str:
    depth = _DEEP[number % len(_DEEP)]
    return f"{'[' * depth}{text}{']' * depth}"


#: The kinds, each with how it damages a text. After those of `_STAY_JSON` it is JSON still.
_DAMAGES: Mapping[str, Damage] = {
    "cut": _cut,
    "empty": lambda _text, _number: "",
    "fence": lambda text, number: f"```{('', 'json')[number % 2]}\n{text}\n```",
    "open fence": lambda text, _: f"```json\n{text}",
    "prose before": lambda text, number: _PROSE[number % len(_PROSE)] + text,
    "prose after": lambda text, number: text + _PROSE_AFTER[number % len(_PROSE_AFTER)],
    "comment": lambda text, number: _COMMENTS[number % len(_COMMENTS)] + text,
    "byte order mark": lambda text, _: f"\ufeff{text}",
    "two documents": lambda text, _: f"{text}\n{text}",
    "trailing comma": _trailing_comma,
    "single quotes": _single_quotes,
    "smart quotes": _smart_quotes,
    "unquoted key": _unquoted_key,
    "Python literals": _python_literals,
    "real newline": _real_newline,
    "NaN": _instead_of_a_number("NaN"),
    "Infinity": _instead_of_a_number("-Infinity"),
    "leading zero": lambda text, _: _different(
        text, _outside_texts(text, lambda part: re.sub(r"(?<![\d.eE+-])(\d)", r"0\1", part))
    ),
    "huge number": _instead_of_a_number("1e999"),
    "duplicate key": _doubled_member,
    "lone surrogate": _surrogate,
    "nested": _nested,
}
_STAY_JSON = ("huge number", "duplicate key", "lone surrogate", "nested")
#: The kinds of `malformed_json()`.
MALFORMED_JSON_KINDS = tuple(_DAMAGES)


def damaged(kind: str, text: str, number: int) -> str | None:
    """Return a JSON text damaged in the way of `kind`, None where it cannot be."""
    return _DAMAGES[kind](text, number)


#: Values that every kind can damage: an object with a text, a number, a truth value and a list.
_EXAMPLES: tuple[Json, ...] = (
    {"a": 0},
    {"label": "refund", "sure": True},
    {"text": "one\ntwo", "n": 1.5},
    {"items": [{"id": 1, "name": "Z\u00fcrich"}, {"id": 2, "name": None}]},
    ["a", "b"],
    [],
    "yes",
    7,
)


@st.composite
def _malformed_json(
    draw: st.DrawFn, values: st.SearchStrategy[Json], kinds: tuple[str, ...]
) -> MalformedJson:
    kind = pick(draw, kinds)
    value = draw(values.filter(lambda each: _can(kind, each)))
    written = json.dumps(value, ensure_ascii=draw(below(2)) == 0)
    damaged = _DAMAGES[kind](written, draw(below(1 << 16)))
    assume(damaged is not None)
    return MalformedJson(
        kind=kind, text=damaged or "", written=written, value=value, is_json=kind in _STAY_JSON
    )


def _can(kind: str, value: Json) -> bool:
    return _DAMAGES[kind](json.dumps(value), 0) is not None


def malformed_json(
    value: Json | st.SearchStrategy[Json] = None, kinds: Iterable[str] | str | None = None
) -> st.SearchStrategy[MalformedJson]:
    """Return a strategy of damaged JSON documents; `kinds` are MALFORMED_JSON_KINDS.

    `value` is the document, or a strategy of documents; without one, a few typical ones are taken.
    A kind that cannot damage the value, as a trailing comma in a number, is left out.
    """
    wanted = chosen("kinds", kinds, MALFORMED_JSON_KINDS)
    if isinstance(value, st.SearchStrategy):
        return _malformed_json(value, wanted)
    if value is None:
        return _malformed_json(one_of(_EXAMPLES), wanted)
    possible = tuple(kind for kind in wanted if _can(kind, value))
    if not possible:
        raise InvalidArgument(f"kinds={kinds!r}: none of them can damage {json.dumps(value)}.")
    return _malformed_json(st.just(value), possible)
