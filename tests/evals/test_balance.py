from typing import Any

from pytest_llmprod.evals.balance import Classes, find_classes
from pytest_llmprod.evals.dataset import Case


def cases(*expected: Any) -> list[Case]:
    return [Case(id=str(n), input=n, expected=each) for n, each in enumerate(expected)]


def test_the_most_frequent_class_comes_first_and_equal_ones_in_order() -> None:
    (found,) = find_classes(cases("b", "c", "a", "a", "c", "b", "c"))

    assert found.field == "expected"
    assert list(found.counts.items()) == [("c", 3), ("a", 2), ("b", 2)]
    assert found.largest == ("c", 3 / 7)
    assert found.rarer_than(3) == ["a", "b"]


def test_each_field_with_classes_has_its_own() -> None:
    expected = [
        {"label": "x", "urgent": bool(n % 2), "answer": f"text {n}", "list": ["a"], "none": None}
        for n in range(6)
    ]

    found = {each.field: each.counts for each in find_classes(cases(*expected))}

    assert found == {"expected.label": {"x": 6}, "expected.urgent": {"false": 3, "true": 3}}


def test_answers_in_free_words_are_no_classes() -> None:
    assert list(find_classes(cases("a", "b", "c"))) == []
    assert list(find_classes(cases(*map(str, [*range(21), *range(21)])))) == []


def test_without_expectations_there_are_no_classes() -> None:
    assert list(find_classes(cases(None, None))) == []
    assert list(find_classes([])) == []


def test_the_number_of_cases_is_that_of_those_with_the_field() -> None:
    assert Classes(field="x", counts={"a": 3, "b": 1}).cases == 4
