import json
import math
import pickle
from fractions import Fraction

import numpy as np
import pytest

from pytest_llmprod.core.errors import LlmprodError, ScoreError
from pytest_llmprod.evals.metrics import (
    BUILT_IN,
    Score,
    checked_score,
    contains,
    unknown_metric,
)


@pytest.mark.parametrize(
    ("value", "score"),
    [(0, 0.0), (1, 1.0), (0.25, 0.25), (True, 1.0), (Fraction(1, 4), 0.25), (np.float32(0.5), 0.5)],
)
def test_a_number_from_0_to_1_is_a_score(value: object, score: float) -> None:
    found = checked_score("f1", value)

    assert found == score
    assert found.why == ""


def test_a_score_keeps_why_it_is_low() -> None:
    assert checked_score("f1", Score(0.5, why="no 'refund'")).why == "no 'refund'"


@pytest.mark.parametrize(
    "value",
    [-0.01, 1.01, math.nan, math.inf, None, "1", [1], 90, 10**400, {"score": 1}, Score(2, why="x")],
)
def test_anything_else_is_no_score(value: object) -> None:
    with pytest.raises(ScoreError, match=r"metric 'f1' must be a number in 0\.\.1, not"):
        checked_score("f1", value)


def test_a_wrong_score_is_told_briefly_with_the_cure() -> None:
    with pytest.raises(ScoreError) as raised:
        checked_score("f1", "x" * 1_000_000)

    message = str(raised.value)
    assert len(message) < 250
    assert message.endswith("Return a number, True or False, or Score(0.5, why='...').")


def test_a_wrong_score_is_an_error_of_ours_and_a_value_error() -> None:
    assert issubclass(ScoreError, LlmprodError)
    assert issubclass(ScoreError, ValueError)


def test_a_score_can_be_used_as_the_number_that_it_is() -> None:
    half = contains("a", ["a", "b"])

    assert not contains("a", "b")
    assert 0.5 * half + 0.25 == 0.5
    assert json.dumps({"score": half}) == '{"score": 0.5}'
    assert repr(half) == """Score(0.5, why="no 'b' in 'a'")"""


def test_a_score_survives_pickling() -> None:
    copied = pickle.loads(pickle.dumps(Score(0.5, why="half")))

    assert (copied, copied.why) == (0.5, "half")


def test_the_built_in_metrics_keep_their_names() -> None:
    assert sorted(BUILT_IN) == [
        "contains",
        "exact",
        "json_model",
        "json_similarity",
        "json_valid",
        "length",
        "list_f1",
        "normalised",
        "not_contains",
        "numeric",
        "refusal",
        "regex",
        "set_f1",
        "similarity",
        "tool_calls",
    ]


def test_an_unknown_metric_is_answered_with_the_nearest_name_and_the_cures() -> None:
    message = str(unknown_metric("normalized", BUILT_IN))

    assert "names the metric 'normalized', which is not known" in message
    assert "Did you mean 'normalised'?" in message
    assert "passed, contains, exact, json_model" in message
    assert "with @metric above it into this file or a conftest.py" in message
    assert "llm_score('normalized', value)" in message


def test_a_metric_like_no_other_gets_no_guess() -> None:
    assert "Did you mean" not in str(unknown_metric("zzz", BUILT_IN))
