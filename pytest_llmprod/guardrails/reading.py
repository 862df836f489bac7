"""Readings: a text as a person reads it, with the way back to where each part of it stands.

What is written in full-width letters, in other digits, with invisible characters in it, letter by
letter or in words is read as the plain text that it is; `span` tells where that stands in the
original. Each reading is made in one pass, so its cost is linear in the length of the text.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate

Span = tuple[int, int]

_MOST_WIDE = 4  # one character may stand for eighteen, and none of these is in a number or name
_MOST_KEPT = 20_000  # folds that are remembered; a text may hold a million different characters
_SIGNS = {
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u02bc\u2032", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"'),
    **dict.fromkeys("\u3002\uff61\u2024\u06d4", "."),
    **dict.fromkeys("\u2212\u30fc\u2043", "-"),
    **dict.fromkeys("\u2028\u2029\u0085", "\n"),
    **dict.fromkeys("\u2044\u2215", "/"),
}
# They show nothing and are no format characters: fillers, joiners, blank Braille.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_NOTHING = frozenset(("Cf", "Mn", "Me"))


def is_invisible(char: str) -> bool:
    """Say whether a character shows nothing: a format character, a variation selector, a filler."""
    code = ord(char)
    if 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF:
        return True
    return char in _BLANK or unicodedata.category(char) == "Cf"


class _Folds(dict[int, str]):
    """What each character is read as, found out when it is first met."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        plain = unicodedata.normalize("NFKC", char)
        folded = "".join(map(_fold, plain)) if len(plain) <= _MOST_WIDE else char
        if char in _SIGNS:
            folded = _SIGNS[char]
        if len(self) < _MOST_KEPT:
            self[code] = folded
        return folded


def _fold(char: str) -> str:
    if char.isascii():
        return char
    if char in _SIGNS:
        return _SIGNS[char]
    category = unicodedata.category(char)
    if category in _NOTHING or char in _BLANK:
        return ""
    if category == "Nd":
        return str(unicodedata.decimal(char))
    return {"Pd": "-", "Zs": " "}.get(category, char)


_FOLDS = _Folds()
# Letters of Greek and Cyrillic that look like Latin ones, as in the confusables of UTS 39.
_LOOKALIKES = str.maketrans(
    "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7"
    "\u03bf\u03bd\u03b1\u03b9\u03c1\u03c5\u03f2"
    "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425\u0423\u0405\u0406\u0408"
    "\u0430\u0435\u043e\u0440\u0441\u0445\u0443\u0455\u0456\u0458\u04bb\u0501\u051b\u051d\u04cf",
    "ABEZHIKMNOPTYXovaipucABEKMHOPCTXYSIJaeopcxysijhdqwl",
)
_MIXABLE = re.compile("[\u0370-\u03ff\u0400-\u052f]")
_WORD = re.compile("[A-Za-z\u0370-\u03ff\u0400-\u052f]++")


def _in_one_script(text: str) -> str:
    """Return `text` with Greek and Cyrillic letters as Latin ones where a word mixes them.

    Where one does, words of lookalikes only are taken for Latin, too.
    """
    if not _MIXABLE.search(text):
        return text
    words = [match.span() for match in _WORD.finditer(text)]
    if not any(_is_mixed(text[start:end]) for start, end in words):
        return text
    return _WORD.sub(lambda match: _as_latin(match[0]), text)


def _is_mixed(word: str) -> bool:
    folded = word.translate(_LOOKALIKES)
    return folded != word and folded.isascii() and any(char.isascii() for char in word)


def _as_latin(word: str) -> str:
    folded = word.translate(_LOOKALIKES)
    return folded if folded.isascii() else word


class Reading:
    """A text as it is read. `span` turns a place in `text` into one in the original text."""

    __slots__ = ("_locate", "text")

    def __init__(self, text: str, locate: Callable[[int, int], Span]) -> None:
        """Take what was read, and what tells where a part of it stands."""
        self.text = text
        self._locate = locate

    def span(self, start: int, end: int) -> Span:
        """Return where `text[start:end]`, which must not be empty, stands in the original."""
        return self._locate(start, end)


def read(text: str) -> Reading:
    """Return `text` in NFKC, with ASCII digits, one script a word and nothing invisible in it."""
    if text.isascii():
        return Reading(text, lambda start, end: (start, end))
    folded = _in_one_script(text.translate(_FOLDS))
    ends: list[int] = []

    def locate(start: int, end: int) -> Span:
        if not ends:
            ends.extend(accumulate(len(_FOLDS[ord(char)]) for char in text))
        return bisect_right(ends, start), bisect_right(ends, end - 1) + 1

    return Reading(folded, locate)


# Seven characters at least, each of which stands alone between two spaces; the last one may end a
# sentence.
_SPACED = re.compile(r"(?<!\S)\S(?: \S(?![^\s.,;:!?)])){6,}+")
_SPACED_HINT = re.compile(r" \S \S ")
_DIGIT_WORDS = dict(
    zip(
        ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
        "0123456789",
        strict=True,
    )
)
_SIGN_WORDS = {"dot": ".", "point": ".", "dash": "-", "plus": "+", "colon": ":", "at": "@"}
_SPELLED = {**_DIGIT_WORDS, "oh": "0", **_SIGN_WORDS}
_SPELLED_WORD = rf"(?:{'|'.join(_SPELLED)})(?![^\W_])"
_SPELLED_RUN = re.compile(rf"(?i)(?<![^\W_]){_SPELLED_WORD}(?:[ ,-]{{1,2}}+{_SPELLED_WORD}){{5,}}+")
_LETTERS = re.compile(r"[A-Za-z]++")


def joined(reading: Reading) -> Reading | None:
    """Return a reading with what is written letter by letter joined, and told numbers as digits.

    It is None where there is nothing of either.
    """
    lower = reading.text.lower()
    found: list[tuple[Span, str]] = []
    if _SPACED_HINT.search(reading.text):
        found += [(match.span(), match[0][::2]) for match in _SPACED.finditer(reading.text)]
    if any(word in lower for word in _DIGIT_WORDS):
        found += [(match.span(), _said(match[0])) for match in _SPELLED_RUN.finditer(reading.text)]
    return replaced(reading, sorted(found)) if found else None


def _said(told: str) -> str:
    return "".join(_SPELLED[word.lower()] for word in _LETTERS.findall(told))


def replaced(reading: Reading, found: Sequence[tuple[Span, str]]) -> Reading:
    """Return a reading in which stretches are replaced; a part of one stands where all of it does.

    `found` is in the order of the text. What is as long as every second character stands at these.
    """
    parts: list[str] = []
    starts: list[int] = []  # of each part, in the new text
    places: list[Span] = []  # of each part, in the text of `reading`
    length = end = 0
    for (start, last), said in found:
        if start < end:
            continue
        for part, place in ((reading.text[end:start], (end, start)), (said, (start, last))):
            parts.append(part)
            starts.append(length)
            places.append(place)
            length += len(part)
        end = last
    parts.append(reading.text[end:])
    starts.append(length)
    places.append((end, len(reading.text)))

    def place_of(at: int) -> Span:
        number = bisect_right(starts, at) - 1
        start, last = places[number]
        behind, size = at - starts[number], len(parts[number])
        if last - start == size:
            return start + behind, start + behind + 1
        if last - start == 2 * size - 1:
            return start + 2 * behind, start + 2 * behind + 1
        return start, last

    def locate(start: int, last: int) -> Span:
        return reading.span(place_of(start)[0], place_of(last - 1)[1])

    return Reading("".join(parts), locate)
