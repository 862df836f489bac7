import json
from typing import Any

import pytest
from exchange_samples import asked_for

from pytest_llmprod.core.errors import MetricError
from pytest_llmprod.core.exchange import ToolCall
from pytest_llmprod.evals.metrics import tool_calls

SEARCH = {"name": "search", "arguments": {"q": "tea", "limit": 5}}
BOOK = {"name": "book", "arguments": {"id": 7}}


@pytest.mark.parametrize(
    ("output", "expected", "score"),
    [
        ([SEARCH, BOOK], [SEARCH, BOOK], 1.0),
        ([SEARCH, BOOK], ["search", "book"], 1.0),
        ([BOOK, SEARCH], ["search", "book"], 1 / 2),
        ([SEARCH], [SEARCH, BOOK], 2 / 3),
        ([SEARCH, SEARCH, BOOK], [SEARCH, BOOK], 4 / 5),
        ([{"name": "search", "arguments": {"q": "coffee"}}], [SEARCH], 0.0),
        ([{"name": "search", "arguments": {"limit": 5.0, "q": "tea"}}], [SEARCH], 1.0),
        (["search"], ["search"], 1.0),
        ([], [], 1.0),
        ([SEARCH], [], 0.0),
        ("[]", '["search"]', 0.0),
        ("I searched for tea.", ["search"], 0.0),
        ([{"tool": "search"}], ["search"], 0.0),
        ({"name": "search"}, ["search"], 0.0),
        (None, ["search"], 0.0),
        ([ToolCall(name="search", arguments={"q": "tea", "limit": 5})], [SEARCH], 1.0),
    ],
)
def test_calls_count_in_their_order(output: object, expected: object, score: float) -> None:
    assert tool_calls(output, expected) == pytest.approx(score)


@pytest.mark.parametrize(
    "call",
    [
        {"type": "function", "function": {"name": "book", "arguments": '{"id": 7}'}, "id": "c1"},
        {"type": "tool_use", "name": "book", "input": {"id": 7}},
        {"name": "book", "args": {"id": 7}},
        {"name": "book", "arguments": '{"id": 7.0}'},
    ],
)
def test_calls_may_be_written_as_providers_write_them(call: dict[str, Any]) -> None:
    assert tool_calls([call], [BOOK]) == 1
    assert tool_calls(json.dumps([call]), [BOOK]) == 1


@pytest.mark.parametrize(
    ("output", "expected", "score"),
    [
        ([BOOK, SEARCH], [SEARCH, BOOK], 1.0),
        ([SEARCH, SEARCH], [SEARCH, "search"], 1.0),
        ([SEARCH, SEARCH], ["search", SEARCH], 1.0),
        ([SEARCH, SEARCH], [SEARCH], 2 / 3),
        ([BOOK], ["search"], 0.0),
    ],
)
def test_calls_may_count_in_any_order(output: object, expected: object, score: float) -> None:
    assert tool_calls(output, expected, ordered=False) == pytest.approx(score)


def test_what_the_model_asked_for_comes_before_what_the_application_returned() -> None:
    exchanges = [asked_for(SEARCH), asked_for(), asked_for(BOOK)]

    assert tool_calls("booked", [SEARCH, BOOK], exchanges=exchanges) == 1
    assert tool_calls([SEARCH], [SEARCH], exchanges=[asked_for()]) == 0
    assert tool_calls(None, [], exchanges=[asked_for()]) == 1


def test_arguments_that_are_no_json_are_text() -> None:
    broken = {"name": "book", "arguments": '{"id": 7'}

    assert tool_calls([broken], [BOOK]) == 0
    assert tool_calls([broken], [broken]) == 1
    assert tool_calls([broken], ["book"]) == 1


def test_the_calls_are_named_where_they_differ() -> None:
    found = tool_calls([SEARCH], ["search", BOOK])

    assert found.why == "expected search, book(id=7), called search(q='tea', limit=5)"
    assert tool_calls([], [BOOK]).why == "expected book(id=7), called no tool"


@pytest.mark.parametrize("expected", [None, "search", 7, {"name": "search"}, [7], [{"id": 1}]])
def test_an_expectation_that_lists_no_calls_is_told(expected: object) -> None:
    with pytest.raises(MetricError, match="tool_calls needs a list in `expected` of the row"):
        tool_calls([], expected)
