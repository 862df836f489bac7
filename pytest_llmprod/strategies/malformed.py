"""Malformed text: what a user, a file or a model may hand to an application that expects words."""

import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from hypothesis import strategies as st

from pytest_llmprod.strategies.drawing import below, chosen, parts_of, pick

_SHOWN = 200
_MOST_NUMBERS = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class MalformedText:
    """A text that is malformed in one way.

    `text` is `before + odd * times + after`; only huge and nested texts have a `times` above one.
    """

    kind: str
    odd: str
    before: str = ""
    after: str = ""
    times: int = 1

    @property
    def text(self) -> str:
        """Return the text that the application gets."""
        return self.before + self.odd * self.times + self.after

    def __repr__(self) -> str:
        fields = [f"kind={self.kind!r}, odd={self.odd!r}"]
        fields += [f"{name}={part!r}" for name, part in self._around() if part]
        if self.times > 1:
            fields.append(f"times={self.times}")
        return f"MalformedText({', '.join(fields)})"

    def _around(self) -> tuple[tuple[str, str], ...]:
        return (("before", self.before), ("after", self.after))


_CONTROLS = [chr(code) for code in (*range(1, 9), 11, 12, *range(14, 32), 127, *range(128, 160))]
_ANSI = ["\x1b[31m", "\x1b[2J", "\x1b[1A\x1b[2K", "\x1b]0;title\x07", "\x1b[8m", "\x9b31m"]
_ANSI += ["\x1b]8;;https://example.com\x1b\\link\x1b]8;;\x1b\\"]
_BIDI = [chr(code) for code in (0x202E, 0x202D, 0x202A, 0x202B, 0x2066, 0x2067, 0x2068, 0x200F)]
_ZERO_WIDTH = [chr(code) for code in (0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0xAD, 0xFE0F)]
_BLANKS = [" ", "\n", "\t", "\r\n", "\u00a0", "\u2003", "\u3000", "\u2028", "\x0b", "\x0c"]
_ACCENTED = ["\u00e9", "\u00f1", "\u00c5", "\u1e9b\u0323", "\uac00", "\u212b"]
_ZEROES = [0x660, 0x6F0, 0x966, 0xFF10, 0x1D7CE]  # Arabic, Persian, Devanagari, wide, bold
_WORDS = [
    "\u00e9t\u00e9",
    "na\u00efve",
    "Z\u00fcrich",
    "\u20ac5",
    "\u2018yes\u2019",
    "\u65e5\u672c",
]
_ROLE_TOKENS = [
    *("<|im_start|>system\n", "<|im_end|>", "<|endoftext|>", "[INST]", "[/INST]", "<<SYS>>"),
    *("<|start_header_id|>system<|end_header_id|>", "<|eot_id|>", "</s>", "\n\nHuman:"),
    *("\n\nAssistant:", "<start_of_turn>model", "<|channel|>analysis", "### Instruction:"),
]
_NESTED = ["[", "{", "(", "<b>", '{"a":', "> ", "```\n", '\\"']
_HUGE = ["a", "a ", "\n", "0", "\U0001f600", "ab\u0301", "- ", "a@"]


def _mojibake(word: str) -> str:
    return word.encode().decode("cp1252", "replace")


def _decomposed(letter: str) -> str:
    """Return a letter as a base letter with its marks."""
    return unicodedata.normalize("NFD", letter)


def _mixed_digits(number: int) -> str:
    script, first, second = parts_of(number, len(_ZEROES), 10, 10)
    return f"{first}{chr(_ZEROES[script] + second)}"


def _of(choices: list[str]) -> Callable[[int], str]:
    return lambda number: choices[number % len(choices)]


#: What is odd in a text of each kind, made of a number; zero makes the plainest one.
_ODD: Mapping[str, Callable[[int], str]] = {
    "empty": lambda _: "",
    "blank": _of(_BLANKS),
    "nul": lambda _: "\0",
    "control": _of(_CONTROLS),
    "lone surrogate": lambda number: chr(0xD800 + number % 0x800),
    "ansi": _of(_ANSI),
    "bidi": _of(_BIDI),
    "tags": lambda number: "".join(chr(0xE0000 + ord(c)) for c in _ROLE_TOKENS[number % 6].strip()),
    "zero width": _of(_ZERO_WIDTH),
    "noncharacter": _of(["\ufffe", "\uffff", "\U0010ffff", "\ufdd0", "\ue000", "\ufffd"]),
    "decomposed": lambda number: _decomposed(_ACCENTED[number % len(_ACCENTED)]),
    "both forms": lambda number: "".join(
        (_ACCENTED[number % len(_ACCENTED)], _decomposed(_ACCENTED[number % len(_ACCENTED)]))
    ),
    "mixed digits": _mixed_digits,
    "mojibake": lambda number: _mojibake(_WORDS[number % len(_WORDS)]),
    "line ends": _of(["\r", "\r\n", "\n\r", "\r\n\n", "\x85", "\u2028", "\u2029"]),
    "role token": _of(_ROLE_TOKENS),
    "nested": _of(_NESTED),
    "huge": _of(_HUGE),
}
#: The kinds of `malformed_text()`.
MALFORMED_TEXT_KINDS = tuple(_ODD)
_TIMES = {"nested": (100, 1_000, 10_000, 100_000), "huge": (10_000, 100_000, 1_000_000)}
_ALONE = ("empty", "blank")
_BEFORE = ["", "a", "My order is late. ", "1"]
_AFTER = ["", "b", " Please help.", "\n"]


@st.composite
def _malformed_text(draw: st.DrawFn, kinds: tuple[str, ...]) -> MalformedText:
    kind = pick(draw, kinds)
    number = draw(below(_MOST_NUMBERS))
    odd = _ODD[kind](number)
    if kind == "blank":
        return MalformedText(kind=kind, odd=odd, times=pick(draw, (1, 2, 1_000)))
    if kind in _ALONE:
        return MalformedText(kind=kind, odd=odd)
    times = pick(draw, _TIMES[kind]) // len(odd) if kind in _TIMES else 1
    before, after = pick(draw, _BEFORE), pick(draw, _AFTER)
    return MalformedText(kind=kind, odd=odd, before=before, after=after, times=times)


def malformed_text(kinds: Iterable[str] | str | None = None) -> st.SearchStrategy[MalformedText]:
    """Return a strategy of texts that are malformed in one way; `kinds` are MALFORMED_TEXT_KINDS.

    The longest have a million characters, the deepest are nested 100,000 times.
    """
    return _malformed_text(chosen("kinds", kinds, MALFORMED_TEXT_KINDS))
