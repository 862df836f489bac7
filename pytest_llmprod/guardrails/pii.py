"""Personal data: what in a text belongs to somebody, and where it stands."""

from collections.abc import Iterator
from itertools import chain

from pytest_llmprod.guardrails.by_context import (
    find_days_of_birth,
    find_names,
    find_passports,
    find_postal_addresses,
)
from pytest_llmprod.guardrails.cards import card_at, cards_in_a_row
from pytest_llmprod.guardrails.digit_groups import Run, runs
from pytest_llmprod.guardrails.finding import Finding
from pytest_llmprod.guardrails.hits import Hit, Taken
from pytest_llmprod.guardrails.internet import find_addresses, find_emails, find_told_emails
from pytest_llmprod.guardrails.mixed_words import find_in_mixed_words
from pytest_llmprod.guardrails.national_ids import find_ids_with_signs, national_id_at, words_in
from pytest_llmprod.guardrails.phones import find_phones, international
from pytest_llmprod.guardrails.reading import Reading, joined, read

#: The kinds of findings.
PII_KINDS = (
    *("email", "phone", "card", "iban", "ip", "national_id", "passport"),
    *("address", "name", "date_of_birth"),
)


def find_pii(text: str) -> list[Finding]:
    """Return the personal data in a text, in order and without overlaps; the kinds are PII_KINDS.

    It is read as a person reads it: full-width letters, digits of other scripts, invisible
    characters, letters one by one and numbers told in words make no difference. Cards, IBANs and
    national ids have a right check digit wherever they have one. Keys of APIs are found by
    `find_secrets`. The cost is linear in the length of the text, whatever it holds.
    """
    reading = read(text)
    taken = Taken(text)
    other = joined(reading)
    taken.add(reading, _shaped(reading))
    if other is not None:
        taken.add(other, _shaped(other))
    taken.add(reading, find_told_emails(reading.text))
    taken.add(reading, _by_context(reading))
    if other is not None:
        taken.add(other, _by_context(other))
    return taken.in_order()


def _by_context(reading: Reading) -> Iterator[Hit]:
    """Find what is known by the words before it."""
    lower = reading.text.lower()
    for find in (find_days_of_birth, find_passports, find_postal_addresses, find_names):
        yield from find(reading.text, lower)


def _shaped(reading: Reading) -> Iterator[Hit]:
    """Find what is known by its shape."""
    text = reading.text
    yield from chain(find_emails(text), find_addresses(text))
    yield from chain(find_in_mixed_words(text), find_ids_with_signs(text))
    words: frozenset[str] | None = None
    for run in runs(text):
        words = words_in(text) if words is None else words
        yield from _numbers(run, words)


def _numbers(run: Run, words: frozenset[str]) -> Iterator[Hit]:
    """Find cards, ids and telephone numbers in a run of digits."""
    rest = at = 0
    first = international(run)
    if first is not None:
        yield first[0]
        rest = at = first[1]
    while at < len(run.groups):
        hits, count = _number_at(run, at, words)
        if not hits:
            at += 1
            continue
        yield from find_phones(run, rest, at - rest)
        yield from hits
        at += count
        rest = at
    yield from find_phones(run, rest, at - rest)


def _number_at(run: Run, at: int, words: frozenset[str]) -> tuple[list[Hit], int]:
    """Return the cards or the id that begin with a group, and of how many groups they are."""
    hits, count = cards_in_a_row(run, at)
    if hits:
        return hits, count
    found = card_at(run, at) or national_id_at(run, at, words)
    return ([], 0) if found is None else ([found[0]], found[1])
