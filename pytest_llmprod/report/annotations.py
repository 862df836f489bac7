"""Annotations: what GitHub Actions shows at a line of a file, as lines that it reads from a log."""

from collections.abc import Callable, Iterator, Sequence

from pytest_llmprod.core.budget_result import BudgetResult
from pytest_llmprod.core.results import SuiteResult
from pytest_llmprod.core.text import printable
from pytest_llmprod.report.budgets import failure_text

#: The file of a test, and the line of its function, counted from 1.
Place = tuple[str, int]


def lines(suites: Sequence[SuiteResult], place_of: Callable[[str], Place]) -> Iterator[str]:
    """Yield an annotation for each of `suites` whose gate is closed."""
    for suite in suites:
        verdict = suite.verdict
        if verdict is None or verdict.is_open:
            continue
        file, line = place_of(suite.test)
        title = _property(f"gate {suite.feature}")
        text = _data(f"the gate is closed: {verdict.name}, {verdict.reason}")
        yield f"::error file={_property(file)},line={line},title={title}::{text}"


def budget_lines(
    budgets: Sequence[BudgetResult], place_of: Callable[[str], Place], settings: str
) -> Iterator[str]:
    """Yield an annotation for each of `budgets` that is not kept.

    Those of features and of the whole run are told at the first line of the file `settings`.
    """
    for budget in budgets:
        if budget.verdict != "FAIL":
            continue
        function = budget.nodeid.partition("::budget[")[0]
        file, line = place_of(function) if budget.scope == "test" else (settings, 1)
        title = _property(f"budget {budget.budget}")
        text = _data(failure_text(budget))
        yield f"::error file={_property(file)},line={line},title={title}::{text}"


def _data(text: str) -> str:
    """Return a text that cannot end its line, as GitHub wants it written."""
    return printable(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
