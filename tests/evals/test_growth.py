"""Growth: input tokens and calls of each case, against the accepted run."""

from typing import Any

import pytest

from pytest_llmprod.evals import growth
from pytest_llmprod.evals.stored_run import StoredCase, StoredSuite

Figures = tuple[float | None, float | None]  # input tokens, calls


def suite(*cases: Figures, test: str = "t.py::test_a", metric: str = "passed") -> StoredSuite:
    return StoredSuite(
        feature="triage",
        test=test,
        metric=metric,
        model="m",
        threshold=0.9,
        confidence=0.95,
        not_judged="",
        cases={f"c-{n}": _case(f"c-{n}", *figures) for n, figures in enumerate(cases)},
    )


def _case(name: str, tokens: float | None, calls: float | None) -> StoredCase:
    values: dict[str, Any] = {"outcome": "hit", "scores": {}, "output": None, "cost_usd": None}
    return StoredCase(id=name, latency_s=None, tags=(), input_tokens=tokens, calls=calls, **values)


def compared(old: StoredSuite, new: StoredSuite) -> growth.Growth:
    (found,) = growth.compare([old], [new])
    return found


def test_equal_runs_have_not_moved() -> None:
    found = compared(suite((100, 1), (200, 2)), suite((100, 1), (200, 2)))

    assert (found.input_tokens.share, found.input_tokens.changed, found.calls.changed) == (0, 0, 0)
    assert not found.is_too_much


@pytest.mark.parametrize(("now", "is_too_much"), [(110, False), (111, True), (90, False)])
def test_a_tenth_more_input_tokens_is_allowed_and_not_more(now: int, is_too_much: bool) -> None:
    found = compared(suite((100, 1)), suite((now, 1)))

    assert found.is_too_much is is_too_much
    assert found.input_tokens.share == pytest.approx(now / 100 - 1)


def test_one_more_call_in_each_case_is_too_much_and_in_one_of_twenty_is_not() -> None:
    each = compared(suite(*[(100, 1)] * 20), suite(*[(100, 2)] * 20))
    one = compared(suite(*[(100, 1)] * 20), suite((100, 2), *[(100, 1)] * 19))

    assert each.is_too_much
    assert not one.is_too_much
    assert (one.calls.changed, one.calls.now - one.calls.before) == (1, 1)


def test_calls_where_none_was_asked_before_are_too_much() -> None:
    assert compared(suite((0, 0)), suite((0, 1))).is_too_much


def test_cases_that_only_one_run_has_or_knows_are_left_out() -> None:
    found = compared(suite((100, 1), (None, 1), (50, 1)), suite((100, 1), (100, 1)))

    assert (found.input_tokens.cases, found.calls.cases) == (1, 2)
    assert not found.is_too_much


def test_an_accepted_run_of_an_older_version_says_nothing() -> None:
    assert list(growth.compare([suite((None, None))], [suite((100, 1))])) == []


def test_a_suite_is_compared_once_however_many_metrics_it_has() -> None:
    old, new = suite((100, 1)), suite((200, 1))
    others = [suite((100, 1), metric="f1"), suite((200, 1), metric="f1")]
    found = list(growth.compare([old, others[0]], [new, others[1]]))

    assert [each.nodeid for each in found] == ["t.py::test_a::growth"]


def test_the_report_of_a_suite_with_parameters_names_them() -> None:
    name = "t.py::test_a[en]"

    assert compared(suite((1, 1), test=name), suite((1, 1), test=name)).nodeid == (
        "t.py::test_a::growth[en]"
    )
