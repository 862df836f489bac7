"""What several scanners find in one text."""

import re
from collections.abc import Iterator

from pytest_llmprod.core.scanning import Finding, Scanner, findings, replacement


def finds(kind: str, pattern: str) -> Scanner:
    def scan(text: str) -> Iterator[Finding]:
        for match in re.finditer(pattern, text):
            yield Finding(kind, match.start(), match.end())

    return scan


def test_findings_are_in_the_order_of_the_text() -> None:
    scanners = [finds("digits", "[0-9]+"), finds("word", "key")]

    assert findings("1 key 22", scanners) == [
        Finding("digits", 0, 1),
        Finding("word", 2, 5),
        Finding("digits", 6, 8),
    ]


def test_findings_that_overlap_are_one_of_the_first_kind() -> None:
    scanners = [finds("late", "cdef"), finds("early", "abcd")]

    assert findings("abcdefg", scanners) == [Finding("early", 0, 6)]


def test_a_finding_within_another_does_not_shorten_it() -> None:
    scanners = [finds("long", "abcdef"), finds("short", "bc")]

    assert findings("xabcdefx", scanners) == [Finding("long", 1, 7)]


def test_findings_side_by_side_are_two() -> None:
    scanners = [finds("left", "ab"), finds("right", "cd")]

    assert findings("abcd", scanners) == [Finding("left", 0, 2), Finding("right", 2, 4)]


def test_what_lies_between_findings_is_searched_again() -> None:
    scanners = [finds("mark", "#"), finds("alone", r"\A[a-z]+\Z")]

    assert findings("ab#cd#ef", scanners) == [
        Finding("alone", 0, 2),
        Finding("mark", 2, 3),
        Finding("alone", 3, 5),
        Finding("mark", 5, 6),
        Finding("alone", 6, 8),
    ]


def test_a_finding_ends_with_its_text_and_an_empty_one_is_none() -> None:
    def beyond(text: str) -> Iterator[Finding]:
        yield Finding("beyond", 1, len(text) + 5)
        yield Finding("empty", 0, 0)
        yield Finding("outside", len(text), len(text) + 1)

    assert findings("abc", [beyond]) == [Finding("beyond", 1, 3)]


def test_without_scanners_and_without_text_nothing_is_found() -> None:
    assert findings("key", []) == []
    assert findings("", [finds("any", ".")]) == []


def test_a_replacement_names_the_kind() -> None:
    assert replacement(Finding("api key", 3, 9)) == "[masked api key]"
