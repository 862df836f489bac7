from typing import Any

from pytest_llmprod.core.growth import Growth, Moved
from pytest_llmprod.report import growth


def grown(tokens: tuple[float, float, int], calls: tuple[float, float, int]) -> Growth:
    def moved(figures: tuple[float, float, int]) -> Moved:
        before, now, changed = figures
        return Moved(before=before, now=now, cases=220, changed=changed)

    return Growth(
        feature="triage",
        test="t.py::test_a",
        nodeid="t.py::test_a::growth",
        input_tokens=moved(tokens),
        calls=moved(calls),
        is_too_much=tokens[1] > 1.1 * tokens[0],
    )


def test_what_has_moved_is_told_in_percent_and_in_calls() -> None:
    found = grown((1000, 1123, 180), (220, 260, 40))

    assert growth.text(found) == (
        "+12.3% input tokens in 180 of 220 cases, +40 calls in 40 of 220 cases"
    )
    assert growth.failure_text(found, 0.1) == (
        "+12.3% input tokens in 180 of 220 cases, +40 calls in 40 of 220 cases; input tokens and "
        "calls may grow by 10% each"
    )


def test_nothing_is_told_where_nothing_has_moved() -> None:
    found = grown((1000, 1000, 0), (220, 220, 0))

    assert (growth.text(found), growth.failure_text(found, 0.1)) == ("", "")


def test_less_is_told_and_fails_nothing() -> None:
    found = grown((1000, 900, 3), (220, 219, 1))

    assert growth.text(found) == "-10.0% input tokens in 3 of 220 cases, -1 call in 1 of 220 cases"
    assert growth.failure_text(found, 0.1) == ""


def test_what_was_nothing_before_has_no_percent() -> None:
    found = grown((0, 900, 3), (0, 3, 3))
    document: dict[str, Any] = growth.to_json(found)

    assert growth.text(found) == "new input tokens in 3 of 220 cases, +3 calls in 3 of 220 cases"
    assert document["input_tokens"] == {
        "before": 0,
        "now": 900,
        "share": None,
        "cases": 220,
        "changed": 3,
    }
    assert document["too_much"]
