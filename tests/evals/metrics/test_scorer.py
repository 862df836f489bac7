import sys
from functools import partial
from typing import Any

import pytest
from exchange_samples import asked_for

from pytest_llmprod.core.errors import MetricError, ScoreError
from pytest_llmprod.evals.metrics import (
    Score,
    json_model,
    length,
    make_scorer,
    metric,
    name_of,
    numeric,
    regex,
    similarity,
    tool_calls,
)


def test_what_a_metric_returns_is_checked() -> None:
    scorer = make_scorer("half", lambda output, expected: Score(0.5, why=output))

    assert scorer("why", None, ()).why == "why"
    with pytest.raises(ScoreError, match="metric 'none' must be a number"):
        make_scorer("none", lambda output, expected: None)("", None, ())


def test_a_metric_with_the_parameter_exchanges_gets_them() -> None:
    seen: list[Any] = []

    def spends(output: Any, expected: Any, exchanges: Any) -> bool:
        seen.append(exchanges)
        return True

    scorer = make_scorer("spends", spends)
    scorer("", None, [asked_for()])

    assert scorer.takes_exchanges
    assert seen == [(asked_for(),)]
    assert not make_scorer("numeric", numeric).takes_exchanges
    assert make_scorer("tools", partial(tool_calls, ordered=False)).takes_exchanges


@pytest.mark.parametrize(
    ("function", "what"),
    [
        (json_model, r"missing a required .*'model'.*partial\(json_model, model=\.\.\.\)"),
        (length, "missing a required .*'at_most'"),
        (partial(numeric, 3), "too many positional arguments"),
        (lambda output: 1, "too many positional arguments"),
        (3, "must be a function of .output, expected., not 3"),
    ],
)
def test_a_metric_that_cannot_be_called_is_refused(function: Any, what: str) -> None:
    with pytest.raises(MetricError, match=f"the metric 'm' .*{what}"):
        make_scorer("m", function)


def test_an_async_metric_is_refused() -> None:
    async def ask(output: Any, expected: Any) -> bool:
        return True

    with pytest.raises(MetricError, match="the metric 'ask' is async"):
        make_scorer("ask", ask)


def test_similarity_without_rapidfuzz_is_refused_before_the_first_case(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "rapidfuzz", None)

    with pytest.raises(MetricError, match=r"pip install 'pytest-llmprod\[similarity\]'"):
        make_scorer("similarity", partial(similarity))


class Length:
    __name__ = "length_of_text"

    def __call__(self, output: str, expected: Any) -> bool:
        return bool(output)


@metric("shown name")
def function(output: Any, expected: Any) -> bool:
    return True


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (numeric, "numeric"),
        (function, "shown name"),
        (Length(), "length_of_text"),
        (partial(numeric, rel=0.05), "numeric(rel=0.05)"),
        (partial(partial(numeric, rel=0.05), pick="first"), "numeric(rel=0.05, pick='first')"),
        (partial(json_model, model=Length), "json_model(model=Length)"),
        (
            partial(regex, pattern="a\n" * 100),
            r"regex(pattern='a\na\na\na\na\na\na\na\na\na\na\na\n...)",
        ),
    ],
)
def test_a_function_in_a_threshold_is_named_with_its_options(given: Any, name: str) -> None:
    assert name_of(given) == name


def passed(output: Any, expected: Any) -> bool:
    return True


@pytest.mark.parametrize("given", [lambda output, expected: 1, 7, object(), passed])
def test_what_has_no_name_of_its_own_is_refused(given: Any) -> None:
    with pytest.raises(MetricError, match=r"Write `def name\(|Rename the function"):
        name_of(given)


def test_a_metric_gets_the_input_only_by_its_name() -> None:
    def echoes(output: Any, expected: Any, *, input: Any) -> bool:
        return bool(output == input)

    def asks_first(input: Any, expected: Any) -> bool:
        return bool(input == "the output")

    assert make_scorer("echoes", echoes)("the input", None, (), "the input") == 1
    assert make_scorer("fixed", partial(echoes, input="a"))("a", None, (), "b") == 1
    assert make_scorer("asks_first", asks_first)("the output", None, (), "the input") == 1
