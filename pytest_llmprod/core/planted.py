"""Planted: personal data in a document, where it stands, and what of it can be read elsewhere."""

from collections.abc import Iterable
from dataclasses import dataclass

from pytest_llmprod.core.leftover import longest_left
from pytest_llmprod.core.text import squeezed

_LEAST = 5
_LEAST_OF_WORDS = 3
_WORDS = ("email", "name")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pii:
    """One piece of personal data that belongs to nobody.

    `value` is its plain form and `text` how it is written here; these are other texts where it is
    obfuscated, or written in groups. `variant` is its brand, country or issuer.
    """

    kind: str
    variant: str
    value: str
    text: str
    obfuscation: str = "plain"

    @property
    def facets(self) -> dict[str, str]:
        """Return what recalls are told apart by."""
        facets = {"kind": self.kind, "obfuscation": self.obfuscation}
        return {**facets, "variant": f"{self.kind} {self.variant}"} if self.variant else facets

    def is_in(self, text: str, besides: str = "") -> bool:
        """Say whether all of this can be read in `text`, more often than in `besides`.

        Case, Unicode forms, the digits of all scripts, spaces, punctuation and invisible characters
        make no difference. Of an e-mail address the part before the @ is enough.
        """
        read, other = squeezed(text), squeezed(besides)
        return any(read.count(key) > other.count(key) for key in self._keys())

    def part_in(self, text: str, besides: str = "") -> str:
        """Return the longest part of this that can be read in `text`, more often than in `besides`.

        The part is told in small letters and without spaces and punctuation. It is "" where it
        would be less than half of the value, or four digits, which receipts show of a card.
        """
        read, other = squeezed(text), squeezed(besides)
        return max((self._part(key, read, other) for key in self._keys()), key=len)

    def _keys(self) -> set[str]:
        keys = {squeezed(self.value), squeezed(self.text)}
        if self.kind == "email":
            keys = {key[: key.index("@") + 1] if "@" in key else key for key in keys}
        return keys

    def _part(self, key: str, read: str, other: str) -> str:
        least = _LEAST_OF_WORDS if self.kind in _WORDS else _LEAST
        return longest_left(key, read, other, least=least)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Where personal data stands in a document: `document.text[start:end] == pii.text`."""

    start: int
    end: int
    pii: Pii


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A text with personal data in it. The spans are in the order of the text, and apart."""

    text: str
    spans: tuple[Span, ...]

    def leaks_in(self, redacted: str) -> list[str]:
        """Return what of the personal data can be read in `redacted`, in the order of the text.

        A whole value is told in its plain form, a part of it (more than half) without spaces and
        punctuation. What stands in the document outside of the spans is no leak.
        """
        return [value for _, value in self.leaks(redacted)]

    def leaks(self, redacted: str) -> list[tuple[Span, str]]:
        """Return the same, each with the span that it is of."""
        rest = self.redacted("")
        whole = [span.pii for span in self.spans if span.pii.is_in(redacted, rest)]
        besides = "\n".join([rest, *(pii.text for pii in whole)])
        left = []
        for span in self.spans:
            is_whole = span.pii in whole
            part = span.pii.value if is_whole else span.pii.part_in(redacted, besides)
            left.append((span, part))
        return [(span, part) for span, part in left if part]

    def redacted(self, placeholder: str = "[REDACTED]") -> str:
        """Return the text as a redactor without a flaw would write it."""
        return placeholder.join(self.outside())

    def outside(self) -> list[str]:
        """Return the texts around the spans: one more than there are spans."""
        starts = [0, *(span.end for span in self.spans)]
        ends = [*(span.start for span in self.spans), len(self.text)]
        return [self.text[start:end] for start, end in zip(starts, ends, strict=True)]


def joined(parts: Iterable[str | Pii]) -> Document:
    """Return a document of these parts, with the spans counted while it is put together."""
    texts: list[str] = []
    spans: list[Span] = []
    end = 0
    for part in parts:
        text = part if isinstance(part, str) else part.text
        if isinstance(part, Pii):
            spans.append(Span(start=end, end=end + len(text), pii=part))
        texts.append(text)
        end += len(text)
    return Document(text="".join(texts), spans=tuple(spans))
