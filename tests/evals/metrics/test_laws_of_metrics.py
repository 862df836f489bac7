"""Laws: whatever a model wrote, a metric returns a score in 0..1, and the same one again."""

import json
import math
from collections.abc import Callable
from functools import partial
from time import process_time
from typing import Any

import pytest
from exchange_samples import asked_for
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel

from pytest_llmprod.evals.metrics import (
    Score,
    contains,
    exact,
    json_model,
    json_similarity,
    json_valid,
    length,
    list_f1,
    normalised,
    not_contains,
    numeric,
    refusal,
    regex,
    set_f1,
    similarity,
    tool_calls,
)


class Ticket(BaseModel):
    label: str


Checked = Callable[[Any, Any], Score]
#: Every built-in metric, with an expectation that it can read.
METRICS: dict[str, tuple[Checked, Any]] = {
    "exact": (exact, "refund"),
    "normalised": (normalised, {"label": "refund"}),
    "contains": (contains, ["refund", "post"]),
    "not_contains": (not_contains, ["refund", "post"]),
    "regex": (regex, r"re\w+"),
    "length": (partial(length, at_most=20, unit="words"), None),
    "similarity": (similarity, "a refund"),
    "numeric": (numeric, 42),
    "json_valid": (json_valid, None),
    "json_model": (partial(json_model, model=Ticket), None),
    "json_similarity": (json_similarity, {"label": "refund", "to": ["a", 1, True]}),
    "unordered": (partial(json_similarity, ordered=False), {"to": ["a", 1, True, [1, 1]]}),
    "set_f1": (set_f1, ["refund", "post"]),
    "list_f1": (list_f1, ["refund", "post"]),
    "tool_calls": (tool_calls, ["search", {"name": "book", "arguments": {"id": 7}}]),
    "tools in any order": (partial(tool_calls, ordered=False), ["search"]),
    "refusal": (refusal, "refuse"),
}
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.text(st.characters(categories=["Cs", "Mn", "Lu", "Nd"]), max_size=5)
    | st.binary(max_size=5)
    | st.sampled_from(["refund", "post", "search", "42", "```json\n{}\n```", "NaN", "1e999"])
)
KEYS = st.text(max_size=5) | st.sampled_from(["label", "name", "arguments", "refusal", "function"])
OUTPUTS = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(KEYS, inner, max_size=4)
        | st.dictionaries(st.integers() | st.none() | st.tuples(), inner, max_size=2)
        | st.tuples(inner, inner)
    ),
    max_leaves=12,
) | st.sets(st.integers() | st.text(max_size=3))
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=10,
)
CONTAINERS = st.lists(JSON, max_size=4) | st.dictionaries(st.text(max_size=3), JSON, max_size=4)
LABELS = st.lists(st.text(min_size=1, max_size=3) | st.integers(0, 3), max_size=6)


@pytest.mark.parametrize("name", METRICS)
@given(output=OUTPUTS)
def test_any_output_gets_a_score_and_the_same_one_again(name: str, output: Any) -> None:
    metric, expected = METRICS[name]

    score = metric(output, expected)
    again = metric(output, expected)

    assert 0 <= score <= 1
    assert (again, again.why) == (score, score.why)
    assert score == 1 or score.why


@pytest.mark.parametrize(
    "output",
    [
        "[" * 500_000 + "]" * 500_000,
        '{"a":' * 200_000,
        '{"name":' * 400 + "1" + "}" * 400,
        json.dumps(["refund"] * 100_000),
        json.dumps([{"id": number} for number in range(50_000)]),
        "9" * 1_000_000,
        "1," * 500_000,
        "1,111" * 200_000,
        "a" + "\u0301\u0327" * 300_000,
        " " * 1_000_000,
        "\n" * 1_000_000,
        "`" * 1_000_000,
        "```json\n" * 100_000,
        "i'm sorry, " * 100_000,
        "\ud800" * 1_000_000,
        float("nan"),
        float("-inf"),
        10**5000,
        ["\x00", b"\xff", {"a": {1, 2}}, object],
    ],
    ids=lambda output: (
        f"{str(type(output))[8:-2]} {output[:8]!r}" if isinstance(output, str) else ""
    ),
)
@pytest.mark.parametrize("name", METRICS)
def test_a_megabyte_of_hostile_output_takes_no_long_time(name: str, output: Any) -> None:
    metric, expected = METRICS[name]
    before_s = process_time()

    score = metric(output, expected)

    assert 0 <= score <= 1
    assert len(score.why) < 50_000
    assert process_time() - before_s < 5


@given(JSON)
@example([1, 1, {"a": []}])
def test_an_output_that_is_what_was_expected_scores_1(value: Any) -> None:
    text = json.dumps(value)

    assert exact(value, value) == 1
    assert normalised(value, value) == normalised(text, text) == 1
    assert similarity(text, text) == 1
    assert contains(text, text) == 1
    assert list_f1([value], [value]) == set_f1([value], [value]) == 1
    assert json_similarity(text, text) == 1
    assert json_similarity(text, text, ordered=False) == 1


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**15), 10**15))
def test_a_number_is_found_as_it_was_written(number: float) -> None:
    assert numeric(number, number) == 1
    assert numeric(f"It is {number!r}.", number) == 1
    assert numeric(f"{number:,}", number) == 1


@given(st.lists(st.builds(dict, name=st.text(max_size=3), arguments=JSON), max_size=5))
def test_the_calls_that_were_expected_score_1(calls: list[Any]) -> None:
    calls = [
        {**call, "arguments": {}} if isinstance(call["arguments"], str) else call for call in calls
    ]

    assert tool_calls(calls, calls) == 1
    assert tool_calls(list(reversed(calls)), calls, ordered=False) == 1
    assert tool_calls(None, calls, exchanges=[asked_for(*calls)]) == 1


@given(LABELS, LABELS)
def test_f1_is_symmetric(first: list[Any], second: list[Any]) -> None:
    assert set_f1(first, second) == set_f1(second, first)
    assert list_f1(first, second) == list_f1(second, first)
    assert similarity(str(first), str(second)) == similarity(str(second), str(first))


@given(LABELS, LABELS)
def test_order_can_only_cost(first: list[Any], second: list[Any]) -> None:
    distinct = [list(dict.fromkeys(map(str, items))) for items in (first, second)]

    assert list_f1(*distinct) <= set_f1(*distinct) + 1e-12


@given(CONTAINERS, CONTAINERS)
def test_documents_that_differ_score_less_than_1(wanted: Any, found: Any) -> None:
    are_equal = exact_json(wanted) == exact_json(found)

    score = json_similarity(found, wanted)

    assert (score == 1) == are_equal


def exact_json(value: Any) -> str:
    """A text that is the same for values which JSON holds equal."""
    if isinstance(value, list):
        return f"[{','.join(map(exact_json, value))}]"
    if isinstance(value, dict):
        parts = sorted(f"{json.dumps(name)}:{exact_json(part)}" for name, part in value.items())
        return f"{{{','.join(parts)}}}"
    if isinstance(value, float) and value.is_integer() and math.fabs(value) < 2**53:
        return str(int(value))
    return json.dumps(value)
