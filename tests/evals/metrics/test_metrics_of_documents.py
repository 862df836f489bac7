import json
import math
from typing import Any, Literal

import pytest
from pydantic import BaseModel

from pytest_llmprod.core.errors import MetricError
from pytest_llmprod.evals.metrics import json_model, json_similarity, json_valid


class Ticket(BaseModel):
    label: Literal["refund", "other"]
    urgency: int


FENCED = '```json\n{"label": "refund", "urgency": 2}\n```'
DEEP = "[" * 500_000 + "]" * 500_000


@pytest.mark.parametrize(
    ("output", "score", "why"),
    [
        ('{"a": 1}', 1.0, ""),
        (" [1, 2]\n", 1.0, ""),
        ('{"a": 1', 0.0, "no JSON (Expecting ',' delimiter at line 1, column 8): '{\"a\": 1'"),
        ('{"a": NaN}', 0.0, "no JSON (NaN is no number of JSON): '{\"a\": NaN}'"),
        ("{'a': 1}", 0.0, "no JSON (Expecting property name"),
        ("", 0.0, "no JSON (Expecting value at line 1, column 1): ''"),
        (FENCED, 0.0, "stands in a code fence (allow it with fenced=True)"),
        (DEEP, 0.0, "no JSON (nested too deeply): '[[["),
        (None, 0.0, "there is no output"),
        ({"a": [1, None]}, 1.0, ""),
        (Ticket(label="other", urgency=1), 1.0, ""),
        ({"a": math.nan}, 0.0, "no JSON (NaN is no number of JSON): '{\"a\": NaN}'"),
        ({(1, 2): 3}, 0.0, "no JSON: keys must be str"),
        (b'{"a": 1}', 1.0, ""),
        (b"\xff", 0.0, "no JSON (Expecting value"),
    ],
)
def test_json_valid_reads_json_by_the_letter(output: object, score: float, why: str) -> None:
    found = json_valid(output, None)

    assert found == score
    assert found.why.startswith(why)
    assert bool(found.why) == bool(why)


def test_a_code_fence_may_be_allowed() -> None:
    assert json_valid(FENCED, None, fenced=True) == 1
    assert json_model(FENCED, None, model=Ticket, fenced=True) == 1
    assert json_similarity(FENCED, {"label": "refund", "urgency": 2}, fenced=True) == 1


@pytest.mark.parametrize(
    ("output", "why"),
    [
        ('{"label": "refund", "urgency": 2}', ""),
        ({"label": "refund", "urgency": 2}, ""),
        (Ticket(label="other", urgency=1), ""),
        ('{"label": "spam"}', "label: Input should be 'refund' or 'other' (and 1 more)"),
        ('{"label": "refund", "urgency": NaN}', "no JSON (NaN is no number of JSON): '{"),
        ("[]", "Input should be an object"),
        ("", "no JSON (Expecting value"),
        (FENCED, "stands in a code fence"),
        (DEEP, "no JSON (nested too deeply): '[[["),
        (None, "there is no output"),
    ],
)
def test_json_model_checks_with_pydantic(output: object, why: str) -> None:
    found = json_model(output, None, model=Ticket)

    assert found == (not why)
    assert found.why.startswith(why)
    assert bool(found.why) == bool(why)


def test_json_model_takes_any_type_of_pydantics() -> None:
    assert json_model("[1, 2]", None, model=list[int]) == 1
    assert json_model('["a"]', None, model=list[int]).why.startswith("0: Input should be a valid")


@pytest.mark.parametrize(
    ("output", "expected", "score"),
    [
        ({"a": 1}, {"a": 1}, 1.0),
        ('{"b": 2, "a": 1.0}', {"a": 1, "b": 2}, 1.0),
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, 1 / 2),
        ({"a": True}, {"a": 1}, 0.0),
        ([True], [1], 0.0),
        ({"a": 1}, {"b": 1}, 0.0),
        ({"label": "refund"}, {"label": "other"}, 0.0),
        ({"a": 1.0, "b": 2}, {"a": 1, "b": 3}, 1 / 2),
        ({"a": 1, "b": 2, "c": 3}, {"a": 1}, 2 / 4),
        ({"a": 1, "b": 2, "c": 3, "d": 4, "e": 5}, {"a": 1}, 2 / 6),
        ({"a": {"x": 1, "y": 2}}, {"a": [1]}, 0.0),
        ([2, 3], [1, 2, 3], 4 / 5),
        ([1, 2, 3], [3, 2, 1], 2 / 6),
        ({"a": []}, {"a": []}, 1.0),
        ({"a": [], "b": 1}, {"a": {}, "b": 1}, 1 / 2),
        ({"_x": 1, "__y": 2}, {"_x": 1, "__y": 3}, 1 / 2),
        ("[]", "[1]", 0.0),
        ("null", None, 1.0),
        (Ticket(label="other", urgency=1), {"label": "other", "urgency": 2}, 1 / 2),
        ("nothing", {"a": 1}, 0.0),
        (None, {"a": 1}, 0.0),
        (DEEP, {"a": 1}, 0.0),
        ({"a": math.inf}, {"a": 1}, 0.0),
    ],
)
def test_json_similarity_is_the_f1_of_the_values_at_their_places(
    output: object, expected: object, score: float
) -> None:
    assert json_similarity(output, expected) == pytest.approx(score)


@pytest.mark.parametrize(
    ("output", "expected", "score"),
    [
        ([1, 2, 3], [3, 2, 1], 1.0),
        ([1, 1, 2], [1, 2], 4 / 5),
        ([1], [1, 1, 1], 2 / 4),
        (
            [{"a": 1, "b": 1, "c": 1}, {"a": 2, "b": 2, "c": 2}],
            [{"a": 2, "b": 2, "c": 9}, {"a": 1, "b": 1, "c": 1}],
            5 / 6,
        ),
    ],
)
def test_json_similarity_may_leave_the_order_of_lists_aside(
    output: object, expected: object, score: float
) -> None:
    assert json_similarity(output, expected, ordered=False) == pytest.approx(score)


def test_json_similarity_names_where_documents_differ() -> None:
    wanted = {"a": 1, "b": {"c": [1, 2]}, "d": 4, "e": 5}

    why = json_similarity({"a": 2, "b": {"c": [1, 3]}, "d": 0}, wanted).why

    assert why == "differs at .a, .b.c[1], .d and 1 more"
    assert json_similarity("1", {"a": 1}).why == "differs at the top"


def test_an_output_without_end_is_not_compared() -> None:
    found = json_similarity(json.dumps([0] * 200_000), {"a": 1})

    assert (found, found.why) == (0.0, "200,000 values, expected 1")


def nested(depth: int, core: Any) -> Any:
    for _ in range(depth):
        core = [core]
    return core


def test_an_output_that_is_nested_deeply_is_told_as_such() -> None:
    assert json_similarity(nested(300, 1), nested(300, 2)).why == "nested too deeply to compare"
    assert json_similarity(nested(100_000, 1), [1]).why.startswith("no JSON: maximum recursion")
    assert json_valid(nested(100_000, 1), None).why.startswith("no JSON: maximum recursion")


def test_an_expectation_that_is_no_json_is_told() -> None:
    with pytest.raises(MetricError, match=r"needs JSON in `expected` of the row, not 'refund' \("):
        json_similarity("{}", "refund")
