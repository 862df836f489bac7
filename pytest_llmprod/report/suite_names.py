"""Suite names: what each suite of a run is called, so that no other is called the same."""

from collections.abc import Iterable, Sequence

from pytest_llmprod.core.results import SuiteResult
from pytest_llmprod.core.text import printable


def suite_names(suites: tuple[SuiteResult, ...]) -> dict[int, str]:
    """Name a suite by its feature, and say more only where that is not enough."""
    names: dict[int, str] = {}
    for model in dict.fromkeys(suite.model for suite in suites):
        group = [suite for suite in suites if suite.model == model]
        for suite in group:
            names[id(suite)] = printable(f"{_name_among(suite, group)} {model}".strip())
    return names


def _name_among(suite: SuiteResult, suites: Sequence[SuiteResult]) -> str:
    """Return the name of a suite among all those that the same model answered."""
    of_feature = [each for each in suites if each.feature == suite.feature]
    if len(of_feature) == 1:
        return suite.feature
    test = suite.shared_test.rpartition("::")[2]
    tests = [each.test for each in of_feature]
    if len(set(tests)) == 1:
        name = suite.metric
    else:
        name = f"{test} {suite.metric}" if tests.count(suite.test) > 1 else test
    return f"{suite.feature}: {name}"


def one_a_test(suites: Iterable[SuiteResult]) -> list[SuiteResult]:
    """Return one result for each test: under several metrics its cases are the same."""
    return list({suite.test: suite for suite in suites}.values())
