"""Budget marks: what the markers llm_budget of a test say, checked."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from pytest_llmprod.budgets.expression import Expression, parse
from pytest_llmprod.composition.feature_settings import FeatureSettings
from pytest_llmprod.core.errors import BudgetError, MarkerError

MARK = "llm_budget"
_EXAMPLE = '@pytest.mark.llm_budget("cost < 0.002", "p95(latency) < 2.5s")'


def read(
    test: Any, features: Mapping[str, FeatureSettings], *, records: bool
) -> tuple[Expression, ...]:
    """Return the budgets of a test, or of its function, in the order in which they are written.

    The markers of its class and of its module are among them. `records` says whether the test has
    requests that can be judged. Raises MarkerError, which names the test and the cure.
    """
    marks = list(test.iter_markers(MARK))
    if not marks:
        return ()
    where = f"{test.nodeid}: @pytest.mark.{MARK}"
    if not records:
        raise MarkerError(
            f"{where}: this test records and replays nothing that a budget could judge. Add "
            f"@pytest.mark.llm_cassette, or @pytest.mark.llm_eval."
        )
    texts = [text for mark in reversed(marks) for text in _texts(where, mark)]
    try:
        budgets = tuple(dict.fromkeys(map(_parsed, texts)))
    except BudgetError as error:
        raise MarkerError(f"{where}: {error}") from error
    for budget in budgets:
        if budget.function == "monthly":
            _refuse_unknown_traffic(where, budget, test, features)
    return budgets


def _refuse_unknown_traffic(
    where: str, budget: Expression, test: Any, features: Mapping[str, FeatureSettings]
) -> None:
    mark = test.get_closest_marker("llm_eval")
    if mark is None:
        raise MarkerError(
            f"{where}: '{budget}' is a budget of a feature, and this test is of none. Put it on an "
            f"llm_eval test."
        )
    feature = mark.kwargs.get("feature", "")
    if not features.get(feature, FeatureSettings()).requests_per_month:
        raise MarkerError(
            f"{where}: '{budget}' needs to know how many requests the feature gets in a month. "
            f"Write in pyproject.toml, under [tool.llmprod.features.{feature}], for instance "
            f"requests_per_month = 20000."
        )


def _texts(where: str, mark: Any) -> Sequence[str]:
    if mark.kwargs or not mark.args:
        raise MarkerError(f"{where}: takes one or more budgets as texts. Write {_EXAMPLE}.")
    for text in mark.args:
        if not isinstance(text, str):
            raise MarkerError(f"{where}: takes texts, not {text!r}. Write {_EXAMPLE}.")
    texts: Sequence[str] = mark.args
    return texts


@cache
def _parsed(text: str) -> Expression:
    return parse(text)
