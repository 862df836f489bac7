"""Invisible text: characters that a reader does not see and a model reads, and what they say.

Joiners inside of an emoji or a word of a script that needs them, the flag of a country, and marks
of direction in a text that runs from right to left are ordinary writing and are not found.
"""

import re
from collections.abc import Iterator

from pytest_llmprod.guardrails.finding import Finding

#: The kinds of findings.
INVISIBLE_KINDS = ("tags", "zero_width", "bidi", "variation_selectors", "filler", "control")

_CLASSES = {
    "tags": "\U000e0000-\U000e007f",
    "variation_selectors": "\ufe00-\ufe0f\U000e0100-\U000e01ef\u180b-\u180d",
    "bidi": "\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c",
    "zero_width": "\u00ad\u034f\u180e\u200b-\u200d\u2060-\u2065\ufeff\U0001d173-\U0001d17a",
    "filler": "\u115f\u1160\u17b4\u17b5\u3164\uffa0\u206a-\u206f\ufff9-\ufffb",
    "control": "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f",
}
_RUN = re.compile(
    "|".join(f"(?P<{kind}>[{chars}]++)" for kind, chars in _CLASSES.items() if kind != "control")
    + rf"|(?P<control>\x1b\[[0-?]{{0,32}}[ -/]{{0,8}}[@-~]|[{_CLASSES['control']}]++)"
)
_FLAG = "\U0001f3f4"
_END_OF_FLAG = "\U000e007f"
_MARKS = "\u200e\u200f\u061c"
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
# Scripts in which joiners belong to words: Arabic, Syriac, those of India, Khmer, Mongolian.
_JOINING = re.compile("[\u0600-\u08ff\u0900-\u0dff\u0f00-\u109f\u1780-\u18af\ua840-\ua87f]")
_EMOJI = re.compile("[\u00a9\u00ae\u203c-\u3299\U0001f000-\U0001faff]")
_KEYCAPS = frozenset("0123456789#*")
_LEAST_BITS = 8


def find_invisible(text: str) -> list[Finding]:
    """Return what in a text is invisible, a finding for each run of a kind, in order.

    `value` is what a run says: tags as the ASCII that they stand for, two zero-width characters as
    bits, variation selectors as bytes; it is "" where that gives no text. The kinds are
    INVISIBLE_KINDS. The cost is linear in the length of the text.
    """
    return list(_found(text))


def _found(text: str) -> Iterator[Finding]:
    runs_from_right = _RIGHT_TO_LEFT.search(text) is not None
    for match in _RUN.finditer(text):
        kind = str(match.lastgroup)
        start, end = match.span()
        run = match[0]
        if kind == "control" or not _is_ordinary(text, start, end, kind, runs_from_right):
            said = _DECODERS[kind](run) if kind in _DECODERS else ""
            why = "shows nothing, and says a text" if said else "shows nothing"
            yield Finding(kind, start, end, run, said, why)


def _is_ordinary(text: str, start: int, end: int, kind: str, runs_from_right: bool) -> bool:
    before, after = text[max(0, start - 2) : start], text[end : end + 1]
    if kind == "tags":
        return before.endswith(_FLAG) and text[end - 1] == _END_OF_FLAG and end - start <= 7
    if end - start > 1:
        return False
    char = text[start]
    if kind == "variation_selectors":
        return bool(_EMOJI.match(before[-1:])) or before[-1:] in _KEYCAPS or before[-1:] > "\u2fff"
    if kind == "bidi":
        return runs_from_right and char in _MARKS
    if kind == "filler":
        return "\u1100" <= before[-1:] <= "\u11ff" or "\u1100" <= after <= "\u11ff"
    if char == "\ufeff":
        return start == 0
    if char in "\u200c\u200d":
        joins = _JOINING.match(before[-1:]) and (not after or not after.isascii())
        is_emoji = char == "\u200d" and _is_emoji(before) and _EMOJI.match(after)
        return bool(joins or is_emoji)
    return False


def _is_emoji(before: str) -> bool:
    return any(_EMOJI.match(char) for char in before)


def _of_tags(run: str) -> str:
    codes = (ord(char) - 0xE0000 for char in run)
    return "".join(chr(code) for code in codes if 0x20 <= code < 0x7F)


def _of_zero_width(run: str) -> str:
    """Return what two characters say as bits, whichever of them is the one."""
    signs = sorted(set(run))
    if len(signs) != 2 or len(run) < _LEAST_BITS or len(run) % 8:
        return ""
    for ones in (signs[1], signs[0]):
        bits = "".join("1" if char == ones else "0" for char in run)
        said = _as_text(bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8)))
        if said:
            return said
    return ""


def _of_selectors(run: str) -> str:
    codes = map(ord, run)
    values = [code - 0xFE00 if code < 0xFFFF else code - 0xE0100 + 16 for code in codes]
    return _as_text(bytes(value for value in values if 0 <= value < 256))


def _as_text(content: bytes) -> str:
    try:
        said = content.decode()
    except UnicodeDecodeError:
        return ""
    return said if said.replace("\n", " ").isprintable() else ""


_DECODERS = {
    "tags": _of_tags,
    "zero_width": _of_zero_width,
    "variation_selectors": _of_selectors,
}
