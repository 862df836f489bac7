from functools import partial, wraps
from types import ModuleType
from typing import Any

import pytest

from pytest_llmprod.core.errors import MetricError
from pytest_llmprod.evals.metrics import metric
from pytest_llmprod.evals.metrics.own import metrics_in


def module(**names: Any) -> ModuleType:
    made = ModuleType("conftest")
    vars(made).update(names)
    return made


@metric
def brief(output: str, expected: object) -> bool:
    return len(output) < 10


@metric("first word")
def begins_alike(output: str, expected: str) -> bool:
    return output.split()[:1] == expected.split()[:1]


def test_a_decorated_function_stays_what_it_is() -> None:
    assert brief("short", None) is True
    assert brief.__name__ == "brief"


def test_a_module_has_the_metrics_among_its_names() -> None:
    found = metrics_in(module(a=brief, b=begins_alike, c=len, d=partial(brief), e="brief"))

    assert found == {"brief": brief, "first word": begins_alike}


def test_a_function_under_two_names_of_a_module_is_one_metric() -> None:
    assert metrics_in(module(a=brief, b=brief)) == {"brief": brief}


def test_objects_that_answer_to_every_name_are_no_metrics() -> None:
    class Anything:
        def __getattr__(self, name: str) -> Any:
            raise AssertionError(f"asked for {name}")

    assert metrics_in(module(a=Anything(), b=Anything)) == {}


def test_a_wrapper_takes_the_name_along() -> None:
    @wraps(brief)
    def wrapped(output: str, expected: object) -> bool:
        return not brief(output, expected)

    assert metrics_in(module(a=wrapped)) == {"brief": wrapped}


def test_two_functions_of_one_name_are_told() -> None:
    @metric("brief")
    def other(output: str, expected: object) -> bool:
        return True

    with pytest.raises(
        MetricError, match=r"conftest: brief\(\) and other\(\) are both the metric 'brief'"
    ):
        metrics_in(module(a=brief, b=other))


@pytest.mark.parametrize("name", ["passed", ""])
def test_a_name_that_is_taken_is_refused(name: str) -> None:
    with pytest.raises(MetricError, match=f"a metric cannot be called {name!r}"):
        metric(name)(lambda output, expected: 1)


def test_what_is_no_function_is_refused() -> None:
    with pytest.raises(MetricError, match=r"stands above a function of \(output, expected\), not"):
        metric(partial(brief))
    with pytest.raises(MetricError, match="stands above a function"):
        metric("name")(int)
