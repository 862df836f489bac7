"""Wording: what the texts in a case say, brought to one form in which they can be compared."""

import json
import re
import unicodedata
from collections.abc import Iterator
from typing import Any

# Chinese, Japanese and Korean have no spaces that part words: each character counts as one.
_CJK = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_WORD = re.compile(
    r"\d+(?:[.,]\d+)+"  # a number such as 1.5 is no two words
    rf"|[^\W_{_CJK}]+"
    r"|[^\s.,;:!?'\"`\u2012-\u2015\u2018-\u201f\u2026\u00ab\u00bb()\[\]{}]"  # 1+1 is not 1/1
)


def normal_form(text: str) -> str:
    """Return the words of a text with one space between them, in Unicode form NFKC, case folded.

    Marks of punctuation are left out, other signs are words of their own. A text without any word
    stays as it is.

    >>> normal_form("Where's my  Parcel?!")
    'where s my parcel'
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(_WORD.findall(folded)) or folded.strip()


def contains(text: str, part: str) -> bool:
    """Say whether the words of `part` stand side by side in `text`, both in normal form."""
    return bool(part) and f" {part} " in f" {text} "


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each value in a JSON value that is no object and no list, with its path.

    Positions in lists are not told apart.

    >>> list(leaves({"turns": ["a", {"n": 1}]}))
    [('.turns[]', 'a'), ('.turns[].n', 1)]
    """
    if isinstance(value, dict):
        for name, item in value.items():
            yield from leaves(item, f"{path}.{name}")
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item, f"{path}[]")
    else:
        yield path, value


def leaf_text(value: Any) -> str:
    """Return a text as it is, and any other value as JSON writes it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def all_words(value: Any) -> str:
    """Return the normal form of all leaves of a JSON value, one after the other."""
    return " ".join(filter(None, (normal_form(leaf_text(leaf)) for _, leaf in leaves(value))))
