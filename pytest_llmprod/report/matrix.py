"""Matrix: which ways of failing a run covers for each feature, and what came of it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytest_llmprod.core.drilling import survived_by_fault
from pytest_llmprod.core.mode_test import MODES, Mode
from pytest_llmprod.core.results import RunResult
from pytest_llmprod.core.text import printable, shorten, width
from pytest_llmprod.report.layout import COLUMNS, wrapped

#: The groups of faults that are of each way to fail.
_GROUPS: Mapping[Mode, tuple[str, ...]] = {
    "slow": ("slow",),
    "wrong": ("garbage", "stream", "policy"),
    "down": ("outage",),
    "limited": ("limit",),
    "retired": ("retired",),
    "expensive": ("expensive",),
}
#: Of which way to fail a budget is, by its unit: seconds, USD, or '' for tokens and requests.
_UNITS: Mapping[str, Mode] = {"s": "slow", "USD": "expensive", "": "expensive"}
#: What a cell says of a way of which nothing failed -> how the lines call such ways.
_PLAIN = {"ok": "passed", "untested": "untested"}
_LONGEST_NAME = 40


def features_of(result: RunResult) -> list[str]:
    """Return the features of a run that has drills or tests of guardrails; [] of any other."""
    found = [each.feature for each in result.drills]
    found += [each.feature for each in result.mode_tests]
    evals = [suite.feature for suite in result.suites]
    return list(dict.fromkeys([*found, *evals])) if found else []


def matrix_lines(result: RunResult) -> list[str]:
    """Return which ways of failing each feature was tested for, and what came of it."""
    lines = []
    for feature in features_of(result):
        cells = {mode: cell(result, feature, mode) for mode in MODES}
        failed = [f"{mode} ({text})" for mode, text in cells.items() if text not in _PLAIN]
        parts = [f"FAILED: {', '.join(failed)}"] if failed else []
        for plain, word in _PLAIN.items():
            modes = [mode for mode, text in cells.items() if text == plain]
            parts += [f"{word}: {', '.join(modes)}"] if modes else []
        if parts[0] != parts[-1] and width(f"  {parts[-1]}") > COLUMNS:
            parts[-1] = f"all else {parts[-1].partition(':')[0]}"
        name = shorten(printable(feature), _LONGEST_NAME)
        lines += _joined(f"failure modes of {name}: ", parts)
    return lines


def to_json(result: RunResult) -> list[dict[str, Any]]:
    """Return the matrix as `--llm-json` writes it: each feature with the text of each cell."""
    return [
        {"feature": feature, "modes": {mode: cell(result, feature, mode) for mode in MODES}}
        for feature in features_of(result)
    ]


def cell(result: RunResult, feature: str, mode: Mode) -> str:
    """Return what this run says of one way in which a feature may fail.

    `ok`, `untested`, or what failed: how many drills of how many, a verdict, tests, a budget.
    """
    found = [
        *_of_drills(result, feature, mode),
        *_of_evals(result, feature, mode),
        *_of_tests(result, feature, mode),
        *_of_budgets(result, feature, mode),
    ]
    return ", ".join(filter(None, found)) or ("ok" if found else "untested")


def _of_drills(result: RunResult, feature: str, mode: Mode) -> Iterator[str]:
    """Yield what failed of drills, '' where nothing did, and nothing where there are none."""
    drills = survived_by_fault(
        each
        for each in result.drills
        if each.feature == feature and each.group in _GROUPS.get(mode, ())
    )
    if drills:
        failed = len(drills) - sum(drills.values())
        yield f"{failed} of {len(drills)}" if failed else ""


def _of_evals(result: RunResult, feature: str, mode: Mode) -> Iterator[str]:
    """Yield what is wrong with evals; one that was not judged covers nothing."""
    suites = [each for each in result.suites if each.feature == feature and mode == "wrong"]
    verdicts = [each.verdict for each in suites if each.verdict]
    if any(each.name == "FAIL" for each in verdicts):
        yield "eval FAIL"
    elif verdicts:
        yield "" if all(each.is_open for each in verdicts) else "gate closed"


def _of_tests(result: RunResult, feature: str, mode: Mode) -> Iterator[str]:
    tests = [each for each in result.mode_tests if (each.feature, each.mode) == (feature, mode)]
    if tests:
        failed = sum(not each.passed for each in tests)
        yield f"{failed} of {len(tests)} tests" if failed else ""


def _of_budgets(result: RunResult, feature: str, mode: Mode) -> Iterator[str]:
    """Yield what failed of budgets; one of which nobody knows whether it is kept covers nothing."""
    tests = {
        each.shared_test.partition("[")[0] for each in result.suites if each.feature == feature
    }
    verdicts = Counter(
        each.verdict
        for each in result.budgets
        if _UNITS.get(each.unit) == mode
        and (each.name == feature if each.scope == "feature" else _is_of(each.nodeid, tests))
    )
    if verdicts["PASS"] or verdicts["FAIL"]:
        yield "budget FAIL" if verdicts["FAIL"] else ""


def _is_of(nodeid: str, tests: set[str]) -> bool:
    """Say whether a budget is one of the tests; that of the whole run is of no feature."""
    return any(nodeid == test or nodeid.startswith(f"{test}::") for test in tests)


def _joined(lead: str, parts: Sequence[str]) -> list[str]:
    """Return the parts on as few lines as they fit on; one that is too wide takes two."""
    lines = [lead.rstrip()]
    for number, part in enumerate(parts):
        ended = part if number == len(parts) - 1 else f"{part};"
        if width(f"{lines[-1]} {ended}") <= COLUMNS:
            lines[-1] += f" {ended}"
        else:
            lines += wrapped(ended, indent="  ")
    return lines
