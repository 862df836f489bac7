import sys

import pytest

from pytest_llmprod.core.errors import MetricError
from pytest_llmprod.evals.metrics import (
    contains,
    exact,
    length,
    normalised,
    not_contains,
    regex,
    similarity,
)


@pytest.mark.parametrize(
    ("output", "expected", "score"),
    [
        ("a", "a", 1.0),
        ("a", "A", 0.0),
        ("a", "a ", 0.0),
        ({"x": [1]}, {"x": [1]}, 1.0),
        (1, 1.0, 0.0),
        (1, True, 0.0),
        ("1", 1, 0.0),
        (None, None, 1.0),
        (None, "", 0.0),
    ],
)
def test_exact_asks_for_the_same_value_of_the_same_type(
    output: object, expected: object, score: float
) -> None:
    assert exact(output, expected) == score


def test_exact_says_what_came_instead() -> None:
    assert exact("refunds", "refund").why == "expected 'refund', got 'refunds'"


@pytest.mark.parametrize(
    ("output", "expected", "score"),
    [
        ("  Refund\n", "refund", 1.0),
        ("two  words", "Two Words", 1.0),
        ("\uff32efund", "Refund", 1.0),
        ("STRASSE", "straße", 1.0),
        ("refunds", "refund", 0.0),
        ({"b": 1, "a": 2}, {"a": 2, "b": 1}, 1.0),
        ({"name": "Zoë"}, '{"name": "zoë"}', 1.0),
        (1, "1", 1.0),
        ("", "refund", 0.0),
        (b"refund", "refund", 1.0),
    ],
)
def test_normalised_ignores_case_spaces_and_unicode_form(
    output: object, expected: object, score: float
) -> None:
    assert normalised(output, expected) == score


@pytest.mark.parametrize(
    ("output", "expected", "score"),
    [
        ("The label is REFUND.", "refund", 1.0),
        ("refund", "The label is refund", 0.0),
        ("", "refund", 0.0),
        ("a refund, by post", ["refund", "post", "Monday", "free"], 0.5),
        ("anything", [], 1.0),
        ({"label": "Café"}, "café", 1.0),
        (None, "null", 0.0),
    ],
)
def test_contains_is_the_share_of_the_expected_texts(
    output: object, expected: object, score: float
) -> None:
    assert contains(output, expected) == score


def test_contains_names_what_is_absent() -> None:
    why = contains("a refund", ["refund", "post", "Monday"]).why

    assert why == "no 'post', 'Monday' in 'a refund'"


@pytest.mark.parametrize(
    ("output", "expected", "score"),
    [
        ("The label is refund.", "REFUND", 0.0),
        ("The label is refund.", ["free", "gift"], 1.0),
        ("a free refund", ["gift", "free"], 0.0),
        ("anything", [], 1.0),
        ("", "refund", 1.0),
        (None, "refund", 0.0),
    ],
)
def test_not_contains_is_1_where_no_forbidden_text_occurs(
    output: object, expected: object, score: float
) -> None:
    assert not_contains(output, expected) == score


def test_not_contains_names_what_it_found() -> None:
    assert not_contains("a free refund", ["gift", "free"]).why == "'free' in 'a free refund'"


@pytest.mark.parametrize("metric", [contains, not_contains])
@pytest.mark.parametrize("expected", ["", "  ", None, ["refund", ""]])
def test_an_expectation_that_every_output_meets_is_refused(
    metric: object, expected: object
) -> None:
    assert callable(metric)
    with pytest.raises(MetricError, match="needs a text, or a list of texts, and none of them"):
        metric("refund", expected)


@pytest.mark.parametrize(
    ("output", "expected", "pattern", "score"),
    [
        ("T-123 is open", r"T-\d+", None, 1.0),
        ("T-123 is open", r"^T-\d+$", None, 0.0),
        ("t-1", r"(?i)^T-\d$", None, 1.0),
        ("T-123", {"label": "x"}, r"^T-\d+$", 1.0),
        ({"id": "T-1"}, '"T-1"', None, 1.0),
        (None, ".*", None, 0.0),
    ],
)
def test_regex_searches_for_the_pattern_of_the_row_or_the_one_that_was_given(
    output: object, expected: object, pattern: str | None, score: float
) -> None:
    assert regex(output, expected, pattern=pattern) == score


def test_a_pattern_that_is_none_is_told() -> None:
    with pytest.raises(MetricError, match=r"'\(' is no regular expression \(missing \)"):
        regex("output", "(")
    with pytest.raises(MetricError, match=r"a pattern as text, not None\. .*partial\(regex"):
        regex("output", None)


@pytest.mark.parametrize(
    ("output", "at_least", "at_most", "unit", "score"),
    [
        ("four", 0, 4, "characters", 1.0),
        ("fives", 0, 4, "characters", 0.0),
        ("two words", 2, 2, "words", 1.0),
        ("", 1, 5, "words", 0.0),
        ("a\nb\n\n \n", 2, 2, "lines", 1.0),
        ("a\n\n\nb", 0, 3, "lines", 0.0),
        (None, 0, 9, "words", 0.0),
    ],
)
def test_length_counts_in_the_unit(
    output: object, at_least: int, at_most: int, unit: str, score: float
) -> None:
    found = length(output, None, at_least=at_least, at_most=at_most, unit=unit)  # type: ignore[arg-type]  # a case for each unit

    assert found == score


def test_length_says_how_long_it_was() -> None:
    assert length("one two three", None, at_most=2, unit="words").why == "3 words, expected 0 to 2"
    with pytest.raises(MetricError, match="no unit 'pages'"):
        length("text", None, at_most=2, unit="pages")  # type: ignore[arg-type]  # what is refused


@pytest.mark.parametrize(
    ("output", "expected", "score"),
    [
        ("  Refund ", "refund", 1.0),
        ("abc", "xyz", 0.0),
        ("abcd", "abef", 0.5),
        ("lewenstein", "levenshtein", 6 / 7),  # rapidfuzz's own docs: 0.8571...
        ("\ud800a", "\ud800b", 0.5),
        (None, "refund", 0.0),
    ],
)
def test_similarity_is_that_of_insertions_and_deletions(
    output: object, expected: object, score: float
) -> None:
    assert similarity(output, expected) == pytest.approx(score)


def test_without_rapidfuzz_similarity_tells_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rapidfuzz", None)

    with pytest.raises(MetricError, match=r"pip install 'pytest-llmprod\[similarity\]'"):
        similarity("a", "b")
