"""Scoring: a redactor or a detector on many texts of which is known what is in them."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, TypeVar

from pytest_llmprod.core.planted import Document, Span
from pytest_llmprod.guardrails.scorecard import (
    Facets,
    Observation,
    Scorecard,
    digest_of,
    pairs_of,
)

_Each = TypeVar("_Each")


class Labelled(Protocol):
    """A text, and what it is an example of: `Injection`, `Benign` and `Lookalike` are such."""

    @property
    def text(self) -> str:
        """Return the text."""

    @property
    def facets(self) -> Facets:
        """Return what rates are told apart by: `{"technique": "override"}`."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A text of one's own, with what it is an example of: `Sample(text, {"carrier": "chat"})`."""

    text: str
    facets: Facets = field(default_factory=dict)


def score_redactor(
    redact: Callable[[str], str],
    documents: Iterable[Document],
    benign: Iterable[Labelled | str] = (),
    *,
    name: str = "",
) -> Scorecard:
    """Return how a redactor does on documents of which is known where personal data stands.

    - `recall`: of the planted values, those of which nothing can be read in what is left. Forms,
      spaces and invisible characters make no difference, and half of a value is a leak.
    - `over-redaction`: the documents in which words go that are nobody's data.
    - `idempotence`: the documents that are redacted twice as they are once.
    - `stability`: the documents that leak no more when they come in two parts, cut at a space.
    - `false positives`: of the `benign` texts, those that are changed.

    What `redact` raises is raised, with a note of which document it was.
    """
    observed: list[Observation] = []
    for number, document in _each(documents, "documents"):
        with_number = partial(_redacted, redact, number)
        observed += _of_document(with_number, number, document)
    for number, text, facets in _texts(benign, "benign"):
        is_changed = _redacted(redact, number, text) != text
        observed.append(_seen("false positives", is_changed, number, text, facets))
    return _card(redact, name, observed)


def score_detector(
    detect: Callable[[str], Any],
    attacks: Iterable[Labelled | str],
    benign: Iterable[Labelled | str] = (),
    *,
    name: str = "",
) -> Scorecard:
    """Return how a detector does: `recall` of the attacks, `false positives` of the benign texts.

    `detect` returns True or False, or findings; a text with one finding or more is flagged.
    """
    observed = [
        _seen(rate, _flagged(detect, number, text), number, text, facets)
        for rate, texts, said in (
            ("recall", attacks, "attacks"),
            ("false positives", benign, "benign"),
        )
        for number, text, facets in _texts(texts, said)
    ]
    return _card(detect, name, observed)


def _card(guardrail: Callable[..., Any], name: str, observed: list[Observation]) -> Scorecard:
    if not observed:
        raise ValueError("there is no text to score the guardrail on: all lists are empty")
    return Scorecard(name=name or _name_of(guardrail), observations=tuple(observed))


def _name_of(guardrail: Any) -> str:
    if isinstance(guardrail, partial):
        return _name_of(guardrail.func)
    return str(getattr(guardrail, "__name__", type(guardrail).__name__))


def _each(values: Iterable[_Each], said: str) -> Iterator[tuple[int, _Each]]:
    try:
        numbered = enumerate(values)
    except TypeError as error:
        raise TypeError(
            f"{said} must be a list of texts, not {type(values).__name__}. Of a strategy, "
            f"llm_st.sample(strategy, 300) makes one."
        ) from error
    return iter(numbered)


def _texts(
    values: Iterable[Labelled | str], said: str
) -> Iterator[tuple[int, str, tuple[tuple[str, str], ...]]]:
    for number, value in _each(values, said):
        if isinstance(value, str):
            yield number, value, ()
        else:
            yield number, value.text, pairs_of(value.facets)


def _seen(
    rate: str,
    is_hit: bool,
    number: int,
    text: str,
    facets: tuple[tuple[str, str], ...] = (),
    left: str = "",
) -> Observation:
    return Observation(
        rate=rate,
        is_hit=is_hit,
        number=number,
        digest=digest_of(text),
        facets=facets,
        left=left,
    )


def _redacted(redact: Callable[[str], str], number: int, text: str) -> str:
    redacted = _called(redact, number, text)
    if not isinstance(redacted, str):
        kind = type(redacted).__name__
        raise TypeError(f"a redactor returns a text, and this one returned {kind!r}")
    return redacted


def _flagged(detect: Callable[[str], Any], number: int, text: str) -> bool:
    found = _called(detect, number, text)
    if isinstance(found, bool):
        return found
    if isinstance(found, Iterable) and not isinstance(found, str | bytes | Mapping):
        return any(True for _ in found)
    kind = type(found).__name__
    raise TypeError(f"a detector returns True, False or findings, and this one returned {kind!r}")


def _called(guardrail: Callable[[str], Any], number: int, text: str) -> Any:
    try:
        return guardrail(text)
    except Exception as error:
        # Its text may be somebody's: the number tells it to who has the list.
        error.add_note(f"The guardrail raised this on text {number} of its list, from 0.")
        raise


def _of_document(
    redact: Callable[[str], str], number: int, document: Document
) -> Iterator[Observation]:
    text = document.text
    redacted = redact(text)
    left = dict(_left(document, redacted))
    for place, span in enumerate(document.spans):
        facets = pairs_of(span.pii.facets)
        yield _seen("recall", place not in left, number, text, facets, left.get(place, ""))
    yield _seen("over-redaction", _loses_words(document, redacted), number, text)
    yield _seen("idempotence", redact(redacted) == redacted, number, text)
    at = _cut(document, number)
    if at is not None:
        leaks = dict(_left(document, redact(text[:at]) + redact(text[at:])))
        yield _seen("stability", set(leaks) <= set(left), number, text)


def _left(document: Document, redacted: str) -> Iterator[tuple[int, str]]:
    """Yield the places of the spans of which something is left, and what, without telling it."""
    places = {id(span): place for place, span in enumerate(document.spans)}
    for span, part in document.leaks(redacted):
        yield places[id(span)], _told(span, part)


def _told(span: Span, part: str) -> str:
    pii = span.pii
    how = "" if pii.obfuscation == "plain" else f", {pii.obfuscation}"
    what = "all of it" if part == pii.value else f"{len(part)} characters of it"
    return f"{pii.kind}{how}: {what}"


_WORD = re.compile(r"\w+")


def _loses_words(document: Document, redacted: str) -> bool:
    """Say whether words that are outside of all spans are not in the redacted text any more."""
    outside = Counter(word for part in document.outside() for word in _WORD.findall(part))
    return bool(outside - Counter(_WORD.findall(redacted)))


def _cut(document: Document, number: int) -> int | None:
    """Return where to cut a document: behind a space outside of all spans, of each another one."""
    starts = [0, *(span.end for span in document.spans)]
    places = [
        start + place + 1
        for start, part in zip(starts, document.outside(), strict=True)
        for place, char in enumerate(part)
        if char.isspace()
    ]
    return places[number % len(places)] if places else None
