import math

import pytest

from pytest_llmprod.core.errors import LlmprodError, ScoreError
from pytest_llmprod.evals.metrics import (
    BUILT_IN,
    checked_score,
    contains,
    exact,
    normalised,
    unknown_metric,
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


@pytest.mark.parametrize(
    ("output", "expected", "score"),
    [
        ("  Refund\n", "refund", 1.0),
        ("two  words", "Two Words", 1.0),
        ("\uff32efund", "Refund", 1.0),
        ("STRASSE", "straße", 1.0),
        ("refunds", "refund", 0.0),
        ({"b": 1, "a": 2}, {"a": 2, "b": 1}, 1.0),
        (1, "1", 1.0),
        ("", "refund", 0.0),
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
    ],
)
def test_contains_looks_for_the_expectation_in_the_output(
    output: object, expected: object, score: float
) -> None:
    assert contains(output, expected) == score


def test_the_built_in_metrics_keep_their_names() -> None:
    assert dict(BUILT_IN) == {"exact": exact, "normalised": normalised, "contains": contains}


@pytest.mark.parametrize(("value", "score"), [(0, 0.0), (1, 1.0), (0.25, 0.25), (True, 1.0)])
def test_a_number_from_0_to_1_is_a_score(value: object, score: float) -> None:
    found = checked_score("f1", value)

    assert found == score
    assert type(found) is float


@pytest.mark.parametrize(
    "value", [-0.01, 1.01, math.nan, math.inf, None, "1", [1], 90, {"score": 1}]
)
def test_anything_else_is_no_score(value: object) -> None:
    with pytest.raises(ScoreError, match=r"metric 'f1' must be a number in 0\.\.1, not"):
        checked_score("f1", value)


def test_a_wrong_score_is_an_error_of_ours_and_a_value_error() -> None:
    assert issubclass(ScoreError, LlmprodError)
    assert issubclass(ScoreError, ValueError)


def test_an_unknown_metric_is_answered_with_the_nearest_name_and_the_cure() -> None:
    message = str(unknown_metric("normalized", BUILT_IN))

    assert "names the metric 'normalized', which is not known" in message
    assert "Did you mean 'normalised'?" in message
    assert "passed, contains, exact, normalised" in message
    assert "llm_score('normalized', value)" in message


def test_a_metric_like_no_other_gets_no_guess() -> None:
    assert "Did you mean" not in str(unknown_metric("zzz", BUILT_IN))
