"""Injection: signs that a text gives orders to a model that should only read it.

These are signs, not a verdict: an honest text may ask to forget something, and an attack may be
worded like any other request. `docs/guardrails.md` has the measured shares of both.
"""

from collections.abc import Iterator

from pytest_llmprod.guardrails.decoding import deciphered, decoded_parts
from pytest_llmprod.guardrails.finding import Finding
from pytest_llmprod.guardrails.hits import Hit, united
from pytest_llmprod.guardrails.invisible import find_invisible
from pytest_llmprod.guardrails.reading import Reading, read
from pytest_llmprod.guardrails.signals import find_signals

_MOST_LAYERS = 2
_LEAST_HIDDEN = 4


def find_injection(text: str) -> list[Finding]:
    """Return the signs of an injected prompt in a text, in order and without overlaps.

    The text is read as a person reads it and as a model may: also in base64, hex, Morse, ROT13,
    leet, reversed, in tags and in zero-width characters, up to two of these in one another. The
    kinds are INJECTION_KINDS; `why` names the encodings. The cost is linear in the length.
    """
    reading = read(text)
    found = [(reading, hit) for hit in _signs(reading)]
    for hidden in find_invisible(text):
        if len(hidden.value) >= _LEAST_HIDDEN:
            kind = next((kind for kind, _ in _said(hidden.value, 1)), "hidden_text")
            why = f"invisible text ({hidden.kind})"
            hit = Hit(kind, hidden.start, hidden.end, hidden.value, why)
            found.append((Reading(text, lambda start, end: (start, end)), hit))
    return united(text, found)


def _signs(reading: Reading) -> Iterator[Hit]:
    lower = small(reading.text)
    yield from find_signals(reading.text, lower)
    for name, other in deciphered(reading, lower):
        for hit in find_signals(other.text, small(other.text)):
            start, end = hit.start, hit.end
            if name == "reversed":
                start, end = len(lower) - end, len(lower) - start
            yield hit._replace(start=start, end=end, why=f"{hit.why}, in {name}")
    for part in decoded_parts(reading.text):
        for kind, encodings in _said(part.said, 1):
            why = f"in {', '.join((part.encoding, *encodings))}"
            yield Hit(kind, part.start, part.end, part.said, why)


def _said(text: str, layer: int) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the kinds of signs in what was decoded, each with the encodings that are left."""
    reading = read(text)
    lower = small(reading.text)
    for hit in find_signals(reading.text, lower):
        yield hit.kind, ()
    for name, other in deciphered(reading, lower):
        for hit in find_signals(other.text, small(other.text)):
            yield hit.kind, (name,)
    if layer < _MOST_LAYERS:
        for part in decoded_parts(reading.text):
            for kind, encodings in _said(part.said, layer + 1):
                yield kind, (part.encoding, *encodings)


def small(text: str) -> str:
    """Return a text in small letters that is as long as before: a few letters become two."""
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join(char.lower() if len(char.lower()) == 1 else char for char in text)
